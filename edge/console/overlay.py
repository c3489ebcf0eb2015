"""Overlay: what was measured, as shapes over the picture. All geometry here, all colours in ``app.css``.

A mark that a finding rests on is drawn strongly and numbered like the finding; the rest is faint.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from edge.console.captions import RING, TEXT, Caption, Point, captions_of
from edge.console.marked import Marked, marked_of
from edge.store.cards import Card
from models.measurement import Mark

_ORDER = (
    "field", "scan", "body", "lung", "heart", "bone", "spine", "device", "other", "centre", "margin", "rotation",
    "artefact", "object", "missing",
)  # fmt: skip
"""Drawn in this order, so that what matters most lies on top."""
# Shares of the picture's longer side.
_HEAD = 0.022
_DOT = 0.007


@dataclass(frozen=True, slots=True)
class Shape:
    """One mark as SVG: ``line`` is stroked, ``solid`` is filled; both are path data, "" for none."""

    kind: str
    strong: bool
    form: str
    """The mark's own kind: contour, line, arrow, point, heat."""
    line: str
    solid: str
    weight: float


@dataclass(frozen=True, slots=True)
class Overlay:
    """Everything to draw over one picture of ``width`` by ``height`` pixels."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    captions: tuple[Caption, ...]
    legend: tuple[tuple[str, bool], ...]
    """Each kind that is drawn, in a fixed order, and whether strongly."""
    boxed: tuple[int, ...]
    """Numbers of the findings that no mark belongs to: their regions are drawn instead."""

    @property
    def text(self) -> float:
        """Size of the captions."""
        return TEXT * max(self.width, self.height)


def overlay_of(card: Card) -> Overlay:
    """The overlay of a card's picture; without marks it is empty."""
    width, height = float(card.columns or 1000), float(card.rows or 1000)
    seen = (replace(one, mark=_in_sight(one.mark, width, height)) for one in marked_of(card))
    marked = sorted(seen, key=lambda one: (one.number is not None, _ORDER.index(one.kind)))
    scale = max(width, height)
    shapes = tuple(_shape(one, width, height, scale) for one in marked)
    strong = {one.kind for one in marked if one.number is not None}
    drawn = {number for one in marked for number in one.numbers}
    boxed = tuple(number for number, _ in enumerate(card.findings, start=1) if number not in drawn)
    return Overlay(
        width,
        height,
        shapes,
        captions_of(marked, card.findings, boxed, width, height),
        tuple((kind, kind in strong) for kind in _ORDER if any(one.kind == kind for one in marked)),
        boxed,
    )


def _shape(one: Marked, width: float, height: float, scale: float) -> Shape:
    points = [(x * width, y * height) for x, y in one.mark.points]
    line, solid = _DRAW[one.mark.kind](points, scale)
    return Shape(one.kind, one.number is not None, one.mark.kind, line, solid, one.mark.weight)


def _in_sight(mark: Mark, width: float, height: float) -> Mark:
    """An arrow so short that it gets a ring, moved until the ring is whole: a cut is at the very edge."""
    scale = max(width, height)
    (x0, y0), (x1, y1) = mark.points[0], mark.points[-1]
    if mark.kind != "arrow" or math.hypot((x1 - x0) * width, (y1 - y0) * height) >= 2 * _HEAD * scale:
        return mark
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    aside, down = 1.2 * RING * scale / width, 1.2 * RING * scale / height
    right, lower = min(max(x, aside), 1 - aside) - x, min(max(y, down), 1 - down) - y
    return replace(mark, points=tuple((x + right, y + lower) for x, y in mark.points))


def _closed(points: Sequence[Point], scale: float) -> tuple[str, str]:
    return _path(points) + "Z", ""


def _open(points: Sequence[Point], scale: float) -> tuple[str, str]:
    return _path(points), ""


def _dots(points: Sequence[Point], scale: float) -> tuple[str, str]:
    return "", "".join(_circle(point, _DOT * scale) for point in points)


def _arrow(points: Sequence[Point], scale: float) -> tuple[str, str]:
    """A shaft with a head; one too short to be seen gets a ring around it, one without length a dot in it."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    length = math.hypot(x1 - x0, y1 - y0)
    middle = (x0 + x1) / 2, (y0 + y1) / 2
    ring = _circle(middle, RING * scale) if length < 2 * _HEAD * scale else ""
    if length < _DOT * scale:
        return ring, _circle(middle, _DOT * scale)
    head = min(_HEAD * scale, 0.6 * length)
    along = (x1 - x0) / length, (y1 - y0) / length
    base = x1 - head * along[0], y1 - head * along[1]
    wing = 0.42 * head
    corners = (
        (x1, y1),
        (base[0] - wing * along[1], base[1] + wing * along[0]),
        (base[0] + wing * along[1], base[1] - wing * along[0]),
    )
    return _path([points[0], base]) + ring, _path(corners) + "Z"


_DRAW = {"contour": _closed, "heat": _closed, "line": _open, "arrow": _arrow, "point": _dots}


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _circle(centre: Point, radius: float) -> str:
    (x, y), r = centre, radius
    return f"M{x - r:.1f} {y:.1f}a{r:.1f} {r:.1f} 0 1 0 {2 * r:.1f} 0a{r:.1f} {r:.1f} 0 1 0 {-2 * r:.1f} 0Z"
