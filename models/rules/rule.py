"""One compiled rule, and how it decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from capture.text import Bilingual
from models.catalogue import Entry, Type
from models.measurement import Value
from models.rules.expression import Expression, ExpressionError, compile_condition
from models.rules.problem import misuse
from models.rules.schema import ABSENT, Bounded, PackFile, RuleSpec, Setting
from models.rules.verdict import Limit, Severity
from models.rules.wording import placeholders

Outcome = Literal["skips", "passes", "warns", "fails", "vetoes", "not_assessed"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rule says of some facts, and which missing facts kept it from saying more."""

    outcome: Outcome
    lacking: frozenset[str] = frozenset()


_MEMORY = 64
"""Decisions that a rule remembers: slices of a series differ in few facts, and a department has few protocols."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of one pack, its expressions compiled against the catalogue."""

    spec: RuleSpec
    layer: str
    pack: str
    pack_when: Expression
    when: Expression
    fails: Expression
    warn: Expression | None
    veto_when: Expression | None
    limits: tuple[Limit, ...]
    needs: frozenset[str] = field(init=False)
    """Facts that the conditions after ``when`` refer to."""
    refers_to: frozenset[str] = field(init=False)
    """Facts that any of its conditions refers to."""
    _said: dict[object, Decision] = field(init=False, default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        conditions = [part for part in (self.fails, self.warn, self.veto_when) if part]
        object.__setattr__(self, "needs", _facts_of(conditions))
        object.__setattr__(self, "refers_to", _facts_of([self.pack_when, self.when, *conditions]))

    @property
    def can_veto(self) -> bool:
        """Whether a failure of this rule, as written, may condemn the image."""
        return self.spec.severity is Severity.VETO or self.veto_when is not None

    def decide(self, facts: Mapping[str, Value], limits: tuple[Limit, ...], severity: Severity) -> Decision:
        """Apply to known facts. A fact that is absent is missing, which is neither true nor false.

        Nothing but these values has a say, so what was decided of equal ones before is answered again.
        """
        given = [facts.get(name) for name in self.refers_to]
        key = (severity, *[(limit.name, *_exactly(limit.value)) for limit in limits], *map(_exactly, given))
        said = self._said.get(key)
        if said is None:
            if len(self._said) >= _MEMORY:
                self._said.clear()
            said = self._said[key] = self._decided(facts, limits, severity)
        return said

    def _decided(self, facts: Mapping[str, Value], limits: tuple[Limit, ...], severity: Severity) -> Decision:
        values = {name: facts[name] for name in self.refers_to if name in facts}
        values |= {f"limit.{limit.name}": limit.value for limit in limits}
        for condition in (self.pack_when, self.when):
            applies = condition.decide(values)
            if not applies:
                return Decision("skips") if applies is False else _undecided(condition, values)
        fails = self.fails.decide(values)
        if fails is None:
            return _undecided(self.fails, values)
        if fails:
            vetoes = severity is Severity.VETO or bool(self.veto_when and self.veto_when.decide(values))
            return Decision("vetoes" if vetoes else "fails")
        warns = self.warn.decide(values) if self.warn else False
        if warns is None and self.warn:
            return _undecided(self.warn, values)
        return Decision("warns" if warns else "passes")


def _exactly(value: Value | None) -> tuple[object, object]:
    """Equal for the same value only: to Python True, 1 and 1.0 are one, and so are 0.0 and -0.0."""
    return value.__class__, value or repr(value)


def _facts_of(conditions: Sequence[Expression]) -> frozenset[str]:
    names = frozenset[str]().union(*(part.names for part in conditions))
    return frozenset(name for name in names if not name.startswith("limit."))


def _undecided(condition: Expression, values: Mapping[str, Value]) -> Decision:
    """With nothing missing the expression itself stumbled, e.g. on a list without elements: all its facts."""
    facts = _facts_of([condition])
    lacking = (facts - values.keys()) or facts
    return Decision("not_assessed", frozenset(name.removeprefix(ABSENT) for name in lacking))


def fact_types(names: Mapping[str, Entry]) -> dict[str, Type]:
    """Every name a rule may use of an image, with its type."""
    types = {name: entry.type for name, entry in names.items()}
    return types | {f"{ABSENT}{name}": "bool" for name in names}


def compile_part(where: str, text: str, types: Mapping[str, Type]) -> Expression:
    """Compile one condition of a pack; ``where`` is its file, rule and key.

    Raises:
        capture.errors.Misuse: it does not compile; the text has line and column.
    """
    try:
        return compile_condition(text, types)
    except ExpressionError as error:
        place = f"{where} {error.line}:{error.column}: "
        raise misuse("pack.expression", place, error.text, error.hint) from None


def compile_rule(
    spec: RuleSpec, head: PackFile, pack_when: Expression, names: Mapping[str, Entry], facts: Mapping[str, Type]
) -> Rule:
    """Check a rule against the catalogue and compile its expressions.

    Args:
        spec: the rule as written.
        head: its pack.
        pack_when: the pack's own condition.
        names: the catalogue.
        facts: :func:`fact_types` of the catalogue, made once for all rules.

    Raises:
        capture.errors.Misuse: an expression does not compile, a text or region names an unknown fact, or the
            rule claims more authority than its pack.
    """
    where = f"{head.name}/rules.toml: {spec.id}:"
    layer = _layer(spec, head, where)
    limits = tuple(Limit(name, value_of(given), layer, head.name) for name, given in spec.limit.items())
    types = {**facts, **{f"limit.{limit.name}": type_of(limit.value) for limit in limits}}

    def condition(part: str, text: str) -> Expression:
        return compile_part(f"{where} {part}", text, types)

    _check_names(spec, where, types, names)
    return Rule(
        spec,
        layer,
        head.name,
        pack_when,
        when=condition("when", spec.when),
        fails=condition("fails", spec.fails),
        warn=condition("warn", spec.warn) if spec.warn else None,
        veto_when=condition("veto_when", spec.veto_when) if spec.veto_when else None,
        limits=limits,
    )


def type_of(value: Value) -> Type:
    """The catalogue's word for the type of a value."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, tuple):
        return "texts"
    return "text" if isinstance(value, str) else "number"


def value_of(given: Setting | Bounded) -> Value:
    """The value of a limit as written, with or without bounds."""
    return given.value if isinstance(given, Bounded) else given


def _layer(spec: RuleSpec, head: PackFile, where: str) -> str:
    if spec.layer is not None and spec.layer < head.layer:
        raise misuse(
            "pack.layer",
            f"{where} ",
            Bilingual("规则的层高于规则包的层", "its layer is above that of its pack"),
            Bilingual(f"写 {head.layer} 或之后的层", f"write {head.layer} or a later layer"),
        )
    return spec.layer or head.layer


def _check_names(spec: RuleSpec, where: str, types: Mapping[str, Type], names: Mapping[str, Entry]) -> None:
    for name in sorted(placeholders(spec.text) - types.keys()) + sorted(set(spec.regions_from) - names.keys()):
        raise misuse(
            "pack.name",
            f"{where} ",
            Bilingual(f"文字或区域引用了未知的量 {name}", f"a text or region names the unknown fact {name}"),
            Bilingual("名称须在量值目录中", "the name must be in the catalogue"),
        )
    for name in sorted(placeholders(spec.text) & names.keys()):
        if not names[name].leaves_site:
            raise misuse(
                "pack.private",
                f"{where} ",
                Bilingual(f"{name} 不得出院，不能写进提示", f"{name} may not leave the site, so not in a text"),
                Bilingual("提示会随判定同步到中心", "texts travel to the centre with the verdict"),
            )
