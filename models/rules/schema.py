"""The shape of a rule pack's files. Unknown keys and wrong types are refused by name.

``pack.toml`` is :class:`PackFile`, ``rules.toml`` is :class:`RulesFile`, ``cases.toml`` is :class:`CasesFile`.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, model_validator

from models.measurement import Value
from models.rules.verdict import Severity

ABSENT = "absent."
"""``absent.dicom.KVP`` is true when the header does not say KVP, false when it does; otherwise it is missing."""

CONFIDENCE_FLOOR = 0.6
"""A fact that its producer is less sure of is not used, unless a rule says otherwise."""

Layer = Literal["L0", "L1", "L2", "L3", "L4", "L5", "L6"]
"""DICOM validity, national, industry consensus, consortium, hospital, device or protocol, personal."""

Group = Literal["position", "exposure", "artefact", "mark", "dose"]
Setting = Annotated[
    StrictBool | Annotated[float, Field(strict=True, allow_inf_nan=False)] | StrictStr | tuple[StrictStr, ...],
    Field(union_mode="left_to_right"),
]
Points = Annotated[float, Field(ge=0, le=100)]
Sentence = Annotated[str, Field(min_length=1, max_length=2000)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Part):
    """One language of a rule: what is wrong, and what to do about it. ``{fact.name}`` in advice is replaced."""

    title: Annotated[str, Field(pattern=r"^[^{}]+$", max_length=120)]
    advice: Sentence


class Texts(_Part):
    """A rule's words in both languages."""

    zh: Words
    en: Words


class Pair(_Part):
    """A text in both languages."""

    zh: Sentence
    en: Sentence


class Ages(_Part):
    """A range of ages in years: ``min`` included, ``max`` not."""

    min: float = 0
    max: float = 200


class Scope(_Part):
    """Which images a pack speaks of. An empty list means any; a fact that is missing never matches."""

    level: tuple[Literal["image", "series", "study"], ...] = ("image",)
    """What is judged: one image, a whole series, or all series of a study."""
    medium: tuple[str, ...] = ()
    """``screen``: pictures of a console's screen."""
    modality: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    """``exam.kind``: what header and pixels together say the image is."""
    body: tuple[str, ...] = ()
    view: tuple[str, ...] = ()
    protocol: tuple[str, ...] = ()
    age_years: Ages | None = None
    device_key: tuple[str, ...] = ()
    person_key: tuple[str, ...] = ()


class PackFile(_Part):
    """``pack.toml``."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    version: Annotated[int, Field(ge=1, strict=True)]
    layer: Layer
    title: Pair
    authors: Annotated[tuple[str, ...], Field(min_length=1)]
    note: Pair
    scope: Scope = Scope()
    when: Sentence = "true"
    """A condition that holds for all its rules, e.g. that localizers are left out."""
    min_agent: Annotated[str, Field(pattern=r"^(\d{1,5}(\.\d{1,5}){0,2})?$")] = ""
    """Oldest program version that understands it; empty: any."""


class Bounded(_Part):
    """A limit that later layers may change, but only from ``min`` to ``max``."""

    value: Annotated[float, Field(strict=True, allow_inf_nan=False)]
    min: Annotated[float, Field(allow_inf_nan=False)]
    max: Annotated[float, Field(allow_inf_nan=False)]

    @model_validator(mode="after")
    def _inside(self) -> Self:
        if not self.admits(self.value):
            raise ValueError(f"{self.value:g} is not in {self.span}")
        return self

    def admits(self, value: float) -> bool:
        """Whether a later layer may set this value."""
        return self.min <= value <= self.max

    @property
    def span(self) -> str:
        """The bounds as text: ``[5, 20]``."""
        return f"[{self.min:g}, {self.max:g}]"


class Deduct(_Part):
    """Points taken off, of 100."""

    warn: Points = 0
    fail: Points = 0


class RuleSpec(_Part):
    """One rule as written."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+(\.[A-Za-z0-9_]+)+$", max_length=80)]
    enabled: bool = True
    """Off: it judges nothing until a later layer, or a later version of its pack, switches it on."""
    layer: Layer | None = None
    """When it speaks with less authority than its pack, e.g. a consensus item in a pack of DICOM validity."""
    instead_of: tuple[str, ...] = ()
    """Rules of more general packs that are left out where this one applies, so that a fault counts once."""
    when: Sentence = "true"
    warn: Sentence | None = None
    fails: Sentence
    veto_when: Sentence | None = None
    """When this holds, a failure is a veto whatever ``severity`` says."""
    severity: Severity
    deduct: Deduct = Deduct()
    group: Group
    limit: dict[Annotated[str, Field(pattern=r"^[A-Za-z]\w*$")], Setting | Bounded] = {}
    text: Texts
    source: Sentence
    evidence: Literal["V", "M", "mem", "E"]
    confidence_floor: Annotated[float, Field(ge=0, le=1)] = CONFIDENCE_FLOOR
    """A fact that its producer is less sure of is not used: the rule is then not assessed."""
    codes: tuple[str, ...] = ()
    regions_from: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _inform_only(self) -> Self:
        if self.severity is Severity.INFO and (self.deduct != Deduct() or self.veto_when):
            raise ValueError("a rule that informs takes no points and cannot veto")
        return self


class OverrideSpec(_Part):
    """What a later layer changes in a rule. Only what is named changes."""

    rule: str
    enabled: bool | None = None
    severity: Severity | None = None
    deduct: Deduct | None = None
    limit: dict[str, Setting] = {}
    text: Texts | None = None


class RulesFile(_Part):
    """``rules.toml``."""

    rule: tuple[RuleSpec, ...] = ()
    override: tuple[OverrideSpec, ...] = ()


Facts = dict[str, dict[str, Setting | dict[str, Setting]]]
"""Facts of a case: ``{ dicom.KVP = 60.0 }`` in TOML, or ``{ absent.dicom.KVP = true }``; others are missing."""


class CaseSpec(_Part):
    """The cases of one rule, by the outcome they must have; ``base`` is added to each."""

    base: Facts = {}
    passes: tuple[Facts, ...] = ()
    warns: tuple[Facts, ...] = ()
    fails: tuple[Facts, ...] = ()
    vetoes: tuple[Facts, ...] = ()
    not_assessed: tuple[Facts, ...] = ()
    skips: tuple[Facts, ...] = ()

    @property
    def count(self) -> int:
        """How many cases there are."""
        kinds = (self.passes, self.warns, self.fails, self.vetoes, self.not_assessed, self.skips)
        return sum(map(len, kinds))


class CasesFile(_Part):
    """``cases.toml``: ``base`` is added to every case of the pack."""

    base: Facts = {}
    case: dict[str, CaseSpec] = {}

    @property
    def count(self) -> int:
        """How many cases the pack has."""
        return sum(case.count for case in self.case.values())


def flat(facts: Facts) -> dict[str, Value]:
    """Facts by their dotted names. What is given is not absent. ``limit.x`` tries the rule with another limit."""
    values: dict[str, Value] = {}
    for family, row in facts.items():
        for name, value in row.items():
            if isinstance(value, dict):
                values |= {f"{family}.{name}.{rest}": given for rest, given in value.items()}
            else:
                values |= {f"{family}.{name}": value}
    present = {f"{ABSENT}{name}": False for name in values if not name.startswith((ABSENT, "limit."))}
    return present | values
