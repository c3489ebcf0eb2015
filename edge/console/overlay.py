"""Overlay: what was measured, as shapes over the picture. All geometry here, all colours in ``app.css``.

A mark that a finding rests on is drawn strongly and numbered like the finding; the rest is faint.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from edge.store.cards import Card
from models.catalogue import SITE_FAMILY
from models.measurement import Mark
from models.rules.verdict import Finding

Point = tuple[float, float]

_KINDS = {
    "lung": "lung",
    "heart": "heart",
    "clavicle": "bone",
    "scapula": "bone",
    "spine": "spine",
    "spinous": "spine",
    "rotation": "rotation",
    "margin": "margin",
    "centre": "centre",
    "field": "field",
    "foreign": "object",
    "medical": "device",
    "missing": "missing",
    "scan": "scan",
    "coverage": "scan",
    "range": "scan",
    "head": "body",
    "brain": "body",
    "skull": "body",
    "body": "body",
    "skin": "body",
    "isocentre": "centre",
    "metal": "object",
    **dict.fromkeys(("ghost", "wrap", "spike", "streak", "ring", "motion", "noise", "void"), "artefact"),
}
"""First word of a mark's name to its style and its word in the legend; another name is ``other``."""
_ORDER = (
    "field", "scan", "body", "lung", "heart", "bone", "spine", "device", "other", "centre", "margin", "rotation",
    "artefact", "object", "missing",
)  # fmt: skip
"""Drawn in this order, so that what matters most lies on top."""
_NEVER_STRONG = frozenset({"device"})
"""For information: a pacemaker is nobody's fault."""
_GUESSES = ("foreign", "medical")
"""Marks, by the first word of their names, that only a rule makes more than a guess: drawn with its finding, as an
outline with a name to it on a good film says what nobody knows."""

# Shares of the picture's longer side.
_TEXT = 0.042
_HEAD = 0.022
_DOT = 0.007
_RING = 0.018
_NUMBER = 0.03
_LINES_AWAY = (0, 1, -1, 2, -2, 3, -3, 4, -4)
_WIDTH_OF_A_LETTER = 0.64


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
class Caption:
    """A box with a number of a finding, a text, or both. ``x``, ``y``: its top left corner."""

    kind: str
    strong: bool
    x: float
    y: float
    width: float
    height: float
    text: str
    number: int | None
    severity: str


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
        return _TEXT * max(self.width, self.height)


@dataclass(frozen=True, slots=True)
class _Marked:
    mark: Mark
    kind: str
    numbers: tuple[int, ...]
    """Of the findings that rest on it."""

    @property
    def number(self) -> int | None:
        """Of the first, and gravest, of them."""
        return min(self.numbers, default=None)


def overlay_of(card: Card) -> Overlay:
    """The overlay of a card's picture; without marks it is empty."""
    width, height = float(card.columns or 1000), float(card.rows or 1000)
    seen = (replace(one, mark=_in_sight(one.mark, width, height)) for one in _marked(card))
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
        tuple(_captions(marked, card.findings, boxed, width, height)),
        tuple((kind, kind in strong) for kind in _ORDER if any(one.kind == kind for one in marked)),
        boxed,
    )


def kind_of(name: str) -> str:
    """The style of a mark by its name."""
    return "other" if name.startswith(SITE_FAMILY) else _KINDS.get(name.partition("_")[0], "other")


def _marked(card: Card) -> Iterator[_Marked]:
    """The drawings with the findings that rest on one of their facts."""
    rests_on: dict[str, set[int]] = {}
    for number, found in enumerate(card.findings, start=1):
        for fact in found.evidence:
            rests_on.setdefault(fact.name, set()).add(number)
    for drawing in card.drawings:
        kind = kind_of(drawing.mark.name)
        numbers = sorted({number for name in drawing.facts for number in rests_on.get(name, ())})
        if numbers or not drawing.mark.name.startswith(_GUESSES):
            yield _Marked(drawing.mark, kind, () if kind in _NEVER_STRONG else tuple(numbers))


def _shape(one: _Marked, width: float, height: float, scale: float) -> Shape:
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
    aside, down = 1.2 * _RING * scale / width, 1.2 * _RING * scale / height
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
    ring = _circle(middle, _RING * scale) if length < 2 * _HEAD * scale else ""
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


def _captions(
    marked: Sequence[_Marked], findings: Sequence[Finding], boxed: Sequence[int], width: float, height: float
) -> Iterator[Caption]:
    """A caption beside each mark that has one, and the number of each finding beside one of its marks.

    Strong ones are placed first and keep clear of each other, and of the numbers of findings with a box.
    """
    by_box = [findings[number - 1] for number in boxed]
    placed = [_number_of_region(found, width, height) for found in by_box if found.regions]
    said: set[int] = set()
    for one in sorted(marked, key=lambda one: (one.number or math.inf, not one.mark.caption)):
        number = next((number for number in one.numbers if number not in said), None)
        if one.mark.caption or number:
            said.update([number] if number else ())
            severity = findings[number - 1].severity.value if number else ""
            caption = _place(_boxed(one, number, severity, width, height), one, width, height, placed)
            placed.append(caption)
            yield caption


def _number_of_region(found: Finding, width: float, height: float) -> Caption:
    """Where the template writes the number of a finding with a box: captions keep clear of it."""
    half = _NUMBER * max(width, height)
    x = min(max(found.regions[0].left * width, half), width - half)
    y = min(max(found.regions[0].top * height, half), height - half)
    return Caption("", True, x - half, y - half, 2 * half, 2 * half, "", None, "")


def _boxed(one: _Marked, number: int | None, severity: str, width: float, height: float) -> Caption:
    size = _TEXT * max(width, height)
    letters = sum(2.0 if ord(letter) > 0x2E80 else 1.0 for letter in one.mark.caption)
    text = letters * _WIDTH_OF_A_LETTER * size + 0.9 * size if letters else 0.0
    wide = text + (1.5 * size if number else 0.0)
    return Caption(
        one.kind, one.number is not None, 0.0, 0.0, wide, 1.5 * size, one.mark.caption, number, severity
    )


def _place(box: Caption, one: _Marked, width: float, height: float, placed: Sequence[Caption]) -> Caption:
    """Beside the mark's middle, inside the picture: at the first place that is free, at worst some lines away."""
    points = [(x * width, y * height) for x, y in one.mark.points]
    if one.mark.kind in ("contour", "heat"):
        at = min(points, key=lambda point: point[1])
    else:
        at = (points[0][0] + points[-1][0]) / 2, (points[0][1] + points[-1][1]) / 2
    gap = 1.4 * _RING * max(width, height)
    right, left = at[0] + gap, at[0] - gap - box.width
    below, above, level = at[1] + gap, at[1] - gap - box.height, at[1] - box.height / 2
    centred = at[0] - box.width / 2
    beside = ((right, level), (left, level))
    over = ((centred, above), (centred, below))
    corners = ((right, below), (left, below), (right, above), (left, above))
    lies_flat = abs(points[-1][0] - points[0][0]) > abs(points[-1][1] - points[0][1])
    places = (*over, *beside, *corners) if lies_flat else (*beside, *over, *corners)
    tried = [
        replace(
            box,
            x=min(max(x, 0.0), max(width - box.width, 0.0)),
            y=min(max(y + lines * box.height, 0.0), max(height - box.height, 0.0)),
        )
        for lines in _LINES_AWAY
        for x, y in places
    ]
    return next((place for place in tried if not any(_overlap(place, other) for other in placed)), tried[0])


def _overlap(one: Caption, other: Caption) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )
