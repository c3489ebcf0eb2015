"""Baselines: a number against the last ones of the same device and protocol. Pure.

Noise, sharpness and SNR have no limit that holds for every machine (image-qc.md 2: two sites differ by a factor of
2 to 3). What is compared with what a device does every day is named in the catalogue: ``baseline_of``.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from typing import Protocol

import numpy as np

from capture.acquisition import Device, Exam, Technique
from models.catalogue import Entry, Level, catalogue
from models.circumstances import Baseline, Circumstances
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason
from models.rules.verdict import Severity, Verdict

LAST = 200
"""Numbers that a baseline is made of: the latest (image-qc.md 7.2 (10))."""
LEAST = 30
"""Numbers before there is one (issue 4, 6)."""
FIRST = 100
"""Numbers of an epoch before it is asked for a drift: fewer make too many false ones."""
RECENT = 20
"""Numbers whose median is compared with the first ones of the epoch, to see a drift."""
CONSISTENT = 1.4826
"""A standard deviation over its median absolute deviation, for a normal distribution."""
FLOOR = 0.02
"""Least robust standard deviation, as a share of the median: what never varies would alarm at nothing [E]."""
MOST_DRIFT = 1.0
"""Robust standard deviations that the median may move before it is a drift [E]."""
SURE = 0.6
"""A number that its producer is less sure of teaches nothing: the floor of the rules."""
_LONGEST = 64
_STANDARD_ERRORS = 3 * 1.2533
"""3 standard errors of a median, in standard deviations over the root of the count."""


@dataclass(frozen=True, slots=True)
class Alike:
    """What must be equal before two numbers of one device are compared; "" where the header does not say.

    Another software or another detector is another baseline: it is learned anew, and a detector that comes
    back, as the second one of a room does all day, finds its own again.
    """

    modality: str = ""
    body_part: str = ""
    view: str = ""
    protocol: str = ""
    """Free text of the site."""
    technique: str = ""
    """What decides noise and sharpness beside it: kernel and thickness of CT; coil, sequence, echo of MR."""
    software: str = ""
    detector: str = ""

    def covers(self, other: Alike) -> bool:
        """Whether this, read as a pattern in which "" is anything, fits."""
        return all(mine in ("", its) for mine, its in zip(astuple(self), astuple(other), strict=True))

    @property
    def narrow(self) -> int:
        """How many parts a pattern names."""
        return sum(1 for part in astuple(self) if part)


PARTS = tuple(field.name for field in fields(Alike))


@dataclass(frozen=True, slots=True)
class Lesson:
    """One number for a baseline. What another producer, or another version of it, measures is learned anew."""

    value: float
    producer: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A baseline of a box: learned there, or a seed, whose ``alike`` is a pattern."""

    device_key: str
    alike: Alike
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class Seed:
    """A baseline that comes with a pack, for images that ``alike``, a pattern, covers."""

    alike: Alike
    baseline: Baseline
    source: str


def alike(exam: Exam, technique: Technique, device: Device) -> Alike:
    """What an image, or the middle image of a set, is compared with."""
    return Alike(
        modality=_short(exam.Modality),
        body_part=_short(exam.BodyPartExamined),
        view=_short(exam.ViewPosition or exam.ViewCode),
        protocol=_short(exam.ProtocolName),
        technique=_short(_technique(exam.Modality, technique)),
        software=_short("\\".join(device.SoftwareVersions)),
        detector=_short(device.DetectorID),
    )


def _technique(modality: str | None, how: Technique) -> str:
    thickness = None if how.SliceThickness is None else f"{how.SliceThickness:.1f} mm"
    if modality == "CT":
        return " ".join(filter(None, ("/".join(how.ConvolutionKernel), thickness)))
    if modality == "MR":
        # To 10 ms: a shortest echo time moves by a few with the field of view.
        echo = None if how.EchoTime is None else f"TE {10 * round(how.EchoTime / 10)}"
        return " ".join(filter(None, (how.ReceiveCoilName, "/".join(how.ScanningSequence), echo, thickness)))
    return ""


def _short(text: str | None) -> str:
    return "".join(letter for letter in text or "" if letter.isprintable()).strip()[:_LONGEST]


def learned(measure: str, values: Sequence[float]) -> Baseline:
    """The baseline of the latest :data:`LAST` of these, oldest first."""
    latest = np.asarray(values[-LAST:], np.float64)
    if not latest.size:
        return Baseline(measure, 0.0, 0.0, 0)
    median = float(np.median(latest))
    return Baseline(measure, median, float(np.median(np.abs(latest - median))), int(latest.size))


def spread(baseline: Baseline) -> float:
    """Robust standard deviation, not below the floor; 0 where all was 0."""
    return max(CONSISTENT * baseline.mad, FLOOR * abs(baseline.median))


def drift(first: Sequence[float], recent: Sequence[float]) -> float | None:
    """How far the median moved from the epoch's first numbers, in their robust standard deviations.

    None while it cannot be said: fewer than :data:`FIRST` first or :data:`RECENT` recent ones. The first ones are
    the measure because a baseline of the last 200 goes along with a slow drift.
    """
    if len(first) < FIRST or len(recent) < RECENT:
        return None
    then = learned("", first)
    width = spread(then)
    return (float(np.median(recent)) - then.median) / width if width else None


def drifted(moved: float | None, first: int, recent: int = RECENT) -> bool:
    """Whether that is more than medians of so many numbers move by chance."""
    if moved is None:
        return False
    return abs(moved) > max(MOST_DRIFT, _STANDARD_ERRORS * math.sqrt(1 / first + 1 / recent))


def applying(kept: Iterable[Known], device_key: str, to: Alike) -> tuple[Baseline, ...]:
    """For each measure, what stands first counts: the device's own, once it is learned, else the narrowest seed.

    One for each producer, since what is measured now may be another's, or another version's.
    """
    found: dict[tuple[str, str], Known] = {}
    for one in kept:
        if one.device_key != device_key or not (one.alike.covers(to) if one.baseline.seeded else one.alike == to):
            continue
        of_it = one.baseline.measure, one.baseline.producer
        before = found.get(of_it)
        if before is None or _rank(one) > _rank(before):
            found[of_it] = one
    best_first = sorted(found.values(), key=_rank, reverse=True)
    return tuple(one.baseline for one in sorted(best_first, key=lambda one: one.baseline.measure))


def _rank(one: Known) -> tuple[int, int]:
    seeded, ready = one.baseline.seeded, one.baseline.count >= LEAST
    return (2 if ready and not seeded else 1 if seeded else 0), one.alike.narrow


def teaches(verdict: Verdict, facts: Measurements) -> bool:
    """Whether a verdict's numbers may enter a baseline: judged, without a veto, and of a patient."""
    phantom = (facts.text("exam.kind") or "").startswith("phantom")
    vetoed = any(found.severity is Severity.VETO and found.level == "fail" for found in verdict.findings)
    return verdict.grade is not None and not vetoed and not phantom


def lessons(facts: Measurements, is_set: bool) -> dict[str, Lesson]:
    """The numbers of an image or a set that baselines are made of, by their names."""
    names = {entry.baseline_of for entry in catalogue().values() if (entry.level != "image") == is_set}
    found: dict[str, Lesson] = {}
    for name in sorted(filter(None, names)):
        fact, number = facts.get(name), facts.number(name)
        if (
            number is not None
            and math.isfinite(number)
            and isinstance(fact, Measurement)
            and fact.confidence >= SURE
        ):
            found[name] = Lesson(number, fact.producer)
    return found


class _Known(Protocol):
    """What images and sets have in common for a producer."""

    @property
    def circumstances(self) -> Circumstances: ...
    @property
    def so_far(self) -> Measurements: ...


class Comparison:
    """Producer of every fact of these levels that the catalogue declares with ``baseline_of``."""

    def __init__(self, name: str, levels: tuple[Level, ...]) -> None:
        self.name = name
        compared = [entry for entry in catalogue().values() if entry.baseline_of and entry.level in levels]
        self._entries = tuple(compared)
        self.provides = frozenset(entry.name for entry in compared)
        sources = {catalogue()[entry.baseline_of] for entry in compared if entry.baseline_of}
        # A set begins with the facts of its middle image: those no producer of sets provides.
        self.needs = frozenset(source.name for source in sources if source.level in levels)

    def measure(self, subject: _Known) -> Iterator[Measured]:
        """A fact that was not measured passes its own reason on."""
        for entry in self._entries:
            yield _compared(entry, self.name, subject)


def _compared(entry: Entry, producer: str, subject: _Known) -> Measured:
    source = entry.baseline_of or ""
    fact, value = subject.so_far.get(source), subject.so_far.number(source)
    if not isinstance(fact, Measurement) or value is None:
        reason, detail = (
            (fact.reason, fact.detail) if isinstance(fact, NotMeasured) else (Reason.FAILED, "no number")
        )
        return NotMeasured(entry.name, reason, detail)
    of_it = (one for one in subject.circumstances.baselines if one.measure == source)
    known = next((one for one in of_it if one.compares(fact.producer)), None)
    count = 0 if known is None else known.count
    if known is None or count < LEAST:
        return NotMeasured(entry.name, Reason.NO_BASELINE, f"{count} of {LEAST}")
    factor = entry.baseline_as == "factor"
    width = known.median if factor else spread(known)
    if width <= 0:
        return NotMeasured(entry.name, Reason.NOT_RELIABLE, "the baseline is 0")
    number = value / width if factor else (value - known.median) / width
    return Measurement(entry.name, number, entry.unit, producer, fact.confidence, fact.regions, fact.marks)


PRODUCERS = (Comparison("baselines/2", ("image",)),)
SET_PRODUCERS = (Comparison("set-baselines/1", ("series", "study")),)
