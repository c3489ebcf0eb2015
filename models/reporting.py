"""How a producer that only reads the header states its facts: name by name, an answer or why there is none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from capture.acquisition import Acquisition
from models.catalogue import Entry, catalogue
from models.measurement import Measured, Measurement, NotMeasured, Reason, Value
from models.producer import Subject


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a fact cannot be had. ``detail`` is plain English and never quotes a value."""

    reason: Reason
    detail: str = ""


Answer = Value | Missing
Answers = Mapping[str, Answer]

NOT_IN_HEADER = Missing(Reason.NOT_IN_HEADER)
INVALID = Missing(Reason.INVALID_IN_HEADER)
NOT_APPLICABLE = Missing(Reason.NOT_APPLICABLE)


def flawed(acquisition: Acquisition, *keywords: str) -> bool:
    """The reader found a value of these elements that does not conform to DICOM (and may have dropped it)."""
    return any(
        fault.keyword in keywords and fault.code in ("value.invalid", "value.nonconforming")
        for fault in acquisition.faults
    )


def absent(acquisition: Acquisition, *keywords: str) -> Missing:
    """Why these elements have no usable value: invalid in the header, or not there."""
    return INVALID if flawed(acquisition, *keywords) else NOT_IN_HEADER


def family(*names: str) -> frozenset[str]:
    """All catalogue names of these families that need neither a model nor another system."""
    return frozenset(
        entry.name
        for entry in catalogue().values()
        if entry.name.partition(".")[0] in names and not (entry.needs_model or entry.needs_system)
    )


@dataclass(frozen=True, slots=True)
class Reporter:
    """A producer made of one function. Unit and type come from the catalogue, so they cannot disagree with it."""

    name: str
    provides: frozenset[str]
    report: Callable[[Subject], Answers]
    needs: frozenset[str] = frozenset()
    _said: dict[str, tuple[Entry, Answer, float, Measured]] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )
    """The last fact of each name. Slices of a series say much the same: one fact serves them all, and goes between
    processes once."""

    def measure(self, subject: Subject) -> Iterator[Measured]:
        """Every answer as a fact.

        Raises:
            TypeError: an answer is not of the type the catalogue promises; that is a mistake in the code.
        """
        sureness, names = _sureness(subject), catalogue()
        for name, answer in self.report(subject).items():
            sure, entry = sureness(name), names[name]
            said = self._said.get(name)
            if said is None or said[0] is not entry or not is_same(said[1], answer) or said[2] != sure:
                said = self._said[name] = entry, answer, sure, self._fact(entry, answer, sure)
            yield said[3]

    def _fact(self, entry: Entry, answer: Answer, sure: float) -> Measured:
        if isinstance(answer, Missing):
            return NotMeasured(entry.name, answer.reason, answer.detail)
        if entry.type == "number":
            if isinstance(answer, bool) or not isinstance(answer, int | float):
                raise TypeError(f"{entry.name} must be a number")
            if not math.isfinite(answer):
                return NotMeasured(entry.name, Reason.INVALID_IN_HEADER, "not a finite number")
            answer = float(answer)
        elif not isinstance(answer, {"bool": bool, "text": str, "texts": tuple}[entry.type]):
            raise TypeError(f"{entry.name} must be of type {entry.type}")
        return Measurement(entry.name, answer, entry.unit, self.name, sure)


def is_same(one: object, other: object) -> bool:
    """To Python True, 1 and 1.0 are one, and so are 0.0 and -0.0."""
    if one is other:
        return True
    return one.__class__ is other.__class__ and one == other and (bool(one) or repr(one) == repr(other))


def _sureness(subject: Subject) -> Callable[[str], float]:
    """An element is as sure as its own origin; what is derived from several, as the least sure of all."""
    by_keyword = {origin.keyword: origin.confidence for origin in subject.acquisition.provenance}
    if not by_keyword:
        return lambda name: 1.0
    least = min(by_keyword.values())

    def of(name: str) -> float:
        family, _, rest = name.partition(".")
        return by_keyword.get(rest, 1.0) if family == "dicom" else least

    return of
