"""Finding and Verdict: what the rules say of one acquisition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from capture.text import Bilingual
from models.measurement import Measurement, NotMeasured, Region, Value


class Severity(StrEnum):
    """How much it matters (image-qc.md, section 6): info, minor, major, veto."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    VETO = "veto"


class Grade(StrEnum):
    """X-ray grades jia, yi, bing, fei; CT and MR levels 3, 2, 1, 0 are the same four steps."""

    JIA = "jia"
    YI = "yi"
    BING = "bing"
    FEI = "fei"


Level = Literal["warn", "fail"]
Mode = Literal["active", "shadow"]


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as applied, with the layer it came from."""

    name: str
    value: Value
    layer: str
    """``L0`` to ``L6``."""
    pack: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that warned or failed, with everything needed to explain it years later."""

    rule_id: str
    level: Level
    severity: Severity
    group: str
    deduct: float
    title: Bilingual
    advice: Bilingual
    evidence: tuple[Measurement, ...]
    limits: tuple[Limit, ...]
    layer: str
    pack: str
    source: str
    evidence_label: str
    """V read in a source, M measured, mem from memory, E engineering default."""
    codes: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class NotAssessed:
    """A rule that applied but could not be decided, with the facts it lacked."""

    rule_id: str
    title: Bilingual
    missing: tuple[NotMeasured, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Exactly which content judged: name, version and sha256 of the pack."""

    name: str
    version: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BundleUsed:
    """A network that a fact of the verdict came from: name and version of its bundle, sha256 over its files."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Timing:
    """How long one stage took."""

    stage: str
    ms: float

    def __reduce__(self) -> tuple[type[Timing], tuple[object, ...]]:
        """As :meth:`models.measurement.Measurement.__reduce__`."""
        return Timing, (self.stage, self.ms)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of one acquisition. ``score`` is 0 to 100; a veto makes the grade FEI whatever the score.

    An acquisition that no pack covers has ``grade`` and ``score`` None: it was not judged, which is not a pass.
    """

    grade: Grade | None
    score: float | None
    findings: tuple[Finding, ...]
    not_assessed: tuple[NotAssessed, ...]
    passed: tuple[str, ...]
    """Ids of the rules that applied and passed."""
    packs: tuple[Fingerprint, ...]
    mode: Mode = "active"
    timings: tuple[Timing, ...] = ()
    bundles: tuple[BundleUsed, ...] = ()
    """The networks behind its facts, by name."""
