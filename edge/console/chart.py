"""Control chart: the latest numbers of one measure against the device's baseline. Geometry here, colours in CSS.

Shewhart's chart of single values with robust limits: median, 2 and 3 robust standard deviations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from edge.store.baselines import Point, Row
from models.baseline import spread

WIDTH, HEIGHT = 720.0, 240.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 78.0, 14.0, 22.0, 30.0
_SEEN = 5.0
"""Robust standard deviations that the chart shows at most: what is beyond lies on its edge."""
_LEAST_SLOTS = 40
"""Places along the axis: few numbers must not look like many."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One number. ``kind``: ``fine``, ``warn`` (beyond 2), ``out`` (beyond 3) or ``past`` (does not count)."""

    x: float
    y: float
    kind: str
    beyond: bool
    """It lies outside of the chart and is shown on its edge."""
    point: Point


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line with its number: ``sd`` is -3, -2, 0, 2 or 3."""

    y: float
    value: float
    sd: int


@dataclass(frozen=True, slots=True)
class Change:
    """A vertical line where software or detector changed."""

    x: float
    before: Point
    after: Point


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything to draw."""

    dots: tuple[Dot, ...]
    line: str
    """Path through the numbers that count."""
    levels: tuple[Level, ...]
    """Empty while the baseline is being learned."""
    changes: tuple[Change, ...]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP
    bottom: float = HEIGHT - _BOTTOM
    width: float = WIDTH
    height: float = HEIGHT

    @property
    def out(self) -> int:
        """How many lie beyond 3."""
        return sum(dot.kind == "out" for dot in self.dots)


def chart_of(row: Row, points: Sequence[Point]) -> Chart:
    """The chart of one baseline; ``points`` oldest first."""
    width = spread(row.baseline) if row.ready else 0.0
    middle = row.baseline.median
    low, high = _range(points, middle, width)

    def across(number: int) -> float:
        slots = max(_LEAST_SLOTS, len(points))
        return round(_LEFT + (WIDTH - _LEFT - _RIGHT) * (number + 0.5) / slots, 1)

    def down(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)

    dots = tuple(
        Dot(across(number), down(point.value), _kind(point, row, width), not low <= point.value <= high, point)
        for number, point in enumerate(points)
    )
    counted = [dot for dot in dots if dot.kind != "past"]
    return Chart(
        dots=dots,
        line="M" + "L".join(f"{dot.x} {dot.y}" for dot in counted) if len(counted) > 1 else "",
        levels=tuple(Level(down(middle + sd * width), middle + sd * width, sd) for sd in (3, 2, 0, -2, -3))
        if width
        else (),
        changes=tuple(
            Change((one.x + two.x) / 2, one.point, two.point)
            for one, two in pairwise(dots)
            if (one.point.software, one.point.detector) != (two.point.software, two.point.detector)
        ),
    )


def _range(points: Sequence[Point], middle: float, width: float) -> tuple[float, float]:
    """Lowest and highest value shown."""
    values = [point.value for point in points] or [middle]
    if width:
        furthest = max(3.5 * width, *(abs(value - middle) for value in values))
        reach = min(furthest * 1.05, _SEEN * width)
        return middle - reach, middle + reach
    low, high = min(values), max(values)
    margin = 0.1 * (high - low) or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _kind(point: Point, row: Row, width: float) -> str:
    mine = (point.software, point.detector) == (row.alike.software, row.alike.detector)
    if not (point.counts and mine):
        return "past"
    if not width:
        return "fine"
    z = abs(point.value - row.baseline.median) / width
    return "out" if z > 3 else "warn" if z > 2 else "fine"
