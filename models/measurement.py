"""Measurement: one fact with its unit, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Value = bool | float | str | tuple[str, ...]


class Reason(StrEnum):
    """Why something was not measured. The wording in zh and en is in the catalogue."""

    NO_MODEL = "no_model"
    NOT_IN_HEADER = "not_in_header"
    INVALID_IN_HEADER = "invalid_in_header"
    NOT_ON_SCREEN = "not_on_screen"
    """It came from a console's screen, which does not show it, or where nobody has confirmed what was read."""
    CAPTURE_FAULT = "capture_fault"
    """The way from the screen to the box spoils the picture: nothing in it may be blamed on the image."""
    NO_PIXELS = "no_pixels"
    NO_SPACING = "no_spacing"
    NOT_APPLICABLE = "not_applicable"
    NOT_CONNECTED = "not_connected"
    """Needs a system that is not connected: worklist, MPPS, RIS."""
    NOT_CONFIGURED = "not_configured"
    NO_BASELINE = "no_baseline"
    NOT_RELIABLE = "not_reliable"
    TOO_CLOSE = "too_close"
    """So near to what divides right from wrong that the box would guess: a person has to look."""
    UNPROVEN = "unproven"
    """It was measured, by a measure that has missed its bar: shown, never judged."""
    UNLIKE_TRAINING = "unlike_training"
    """The picture is not like those the network learnt from: no number would mean anything."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Region:
    """A box on the picture, as fractions of its width and height (0..1, origin top left)."""

    left: float
    top: float
    right: float
    bottom: float


MarkKind = Literal["contour", "line", "arrow", "point", "heat"]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something to draw over the picture as a vector: what a number was measured on.

    Points are (x, y) as fractions of the picture's width and height (0..1, origin top left).
    A ``contour`` is closed; an ``arrow`` goes from its first point to its second; ``heat`` is a contour
    of a heat map at its ``weight``. Marks stay at the site.
    """

    kind: MarkKind
    name: str
    """What it is: ``lung_left``, ``margin_top``, ``rotation``... The console has a style and a word for each."""
    points: tuple[tuple[float, float], ...]
    caption: str = ""
    """A number with its unit beside the mark, ``4 mm``; no words, so that it needs no language."""
    weight: float = 1.0
    """0..1, how strongly it is drawn."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured fact. ``name`` is in the closed catalogue; ``unit`` is UCUM, "" for none."""

    name: str
    value: Value
    unit: str = ""
    producer: str = ""
    """Producer and version, e.g. ``noise/1``."""
    confidence: float = 1.0
    regions: tuple[Region, ...] = ()
    marks: tuple[Mark, ...] = ()

    def __reduce__(self) -> tuple[type[Measurement], tuple[object, ...]]:
        """A hundred a slice go between processes; the way of a slotted dataclass takes three times as long."""
        parts = (self.name, self.value, self.unit, self.producer, self.confidence, self.regions, self.marks)
        return Measurement, parts


@dataclass(frozen=True, slots=True)
class NotMeasured:
    """A fact that could not be had. Never 0, never an absent key."""

    name: str
    reason: Reason
    detail: str = ""
    """Plain English for the field engineer; holds no identity."""

    def __reduce__(self) -> tuple[type[NotMeasured], tuple[object, ...]]:
        """As a measurement's."""
        return NotMeasured, (self.name, self.reason, self.detail)


Measured = Measurement | NotMeasured


class Measurements:
    """An immutable set of facts by name."""

    __slots__ = ("_facts",)

    def __init__(self, facts: Iterable[Measured] = ()) -> None:
        """A later fact with the same name replaces an earlier one."""
        self._facts = {fact.name: fact for fact in facts}

    def __iter__(self) -> Iterator[Measured]:
        return iter(self._facts.values())

    def __len__(self) -> int:
        return len(self._facts)

    def __contains__(self, name: str) -> bool:
        return name in self._facts

    def get(self, name: str) -> Measured:
        """The fact, or NotMeasured(FAILED) for a name nobody reported."""
        return self._facts.get(name) or NotMeasured(name, Reason.FAILED, "no producer reported it")

    def value(self, name: str) -> Value | None:
        """The value, or None when it was not measured."""
        fact = self._facts.get(name)
        return fact.value if isinstance(fact, Measurement) else None

    def number(self, name: str) -> float | None:
        """The value as a float; None when not measured or not a number."""
        value = self.value(name)
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def text(self, name: str) -> str | None:
        """The value as text; None when not measured or not a text."""
        value = self.value(name)
        return value if isinstance(value, str) else None

    def plus(self, facts: Iterable[Measured]) -> Measurements:
        """A new set with these facts added."""
        # Thirty producers add to hundreds of facts of each slice: a dictionary is copied as a whole in no time.
        more = Measurements()
        more._facts = self._facts | {fact.name: fact for fact in facts}
        return more
