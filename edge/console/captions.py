"""Captions of the marks over a picture: what each says, and where there is room for it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from edge.console.marked import Marked
from models.measurement import Mark
from models.rules.verdict import Finding

Point = tuple[float, float]

# Shares of the picture's longer side.
TEXT = 0.042
RING = 0.018
"""Radius of the ring around what is too small to be seen."""
_NUMBER = 0.03
_STEP = 0.01
_LINES_AWAY = (0, 1, -1, 2, -2, 3, -3, 4, -4)
_WIDTH_OF_A_LETTER = 0.64


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


def captions_of(
    marked: Sequence[Marked], findings: Sequence[Finding], boxed: Sequence[int], width: float, height: float
) -> tuple[Caption, ...]:
    """A caption beside each mark that has one, and the number of each finding beside one of its marks.

    Strong ones are placed first and keep clear of each other, of the lines that findings rest on, and of the
    numbers of findings with a box. A faint one for which there is no room is left out: the numbers are below.
    """
    by_box = [findings[number - 1] for number in boxed]
    room = _Room(
        width,
        height,
        [_number_of_region(found, width, height) for found in by_box if found.regions],
        [point for one in marked if one.number is not None for point in _along(one.mark, width, height)],
    )
    said: set[int] = set()
    captions = []
    for one in sorted(marked, key=lambda one: (one.number or math.inf, not one.mark.caption)):
        number = next((number for number in one.numbers if number not in said), None)
        if not one.mark.caption and number is None:
            continue
        severity = "" if number is None else findings[number - 1].severity.value
        caption = room.place(_boxed(one, number, severity, max(width, height)), one)
        if caption is not None:
            said.update([number] if number else ())
            captions.append(caption)
    return tuple(captions)


@dataclass(frozen=True, slots=True)
class _Room:
    """What is taken on a picture of ``width`` by ``height``."""

    width: float
    height: float
    boxes: list[Caption]
    lines: list[Point]
    """Points of the lines that findings rest on."""

    def place(self, box: Caption, one: Marked) -> Caption | None:
        """Beside the mark's middle, inside the picture: at the first place that is free.

        At worst some lines away, then over a line; None where a faint one has no place beside its mark.
        """
        places = [
            replace(
                box,
                x=min(max(x, 0.0), max(self.width - box.width, 0.0)),
                y=min(max(y + lines * box.height, 0.0), max(self.height - box.height, 0.0)),
            )
            for lines in (_LINES_AWAY if box.strong else _LINES_AWAY[:1])
            for x, y in _places(box, one.mark, self.width, self.height)
        ]
        apart = [place for place in places if not any(_overlap(place, other) for other in self.boxes)]
        own = () if box.strong else _along(one.mark, self.width, self.height)
        seen = [*self.lines, *own]
        chosen = next((place for place in apart if not any(_holds(place, point) for point in seen)), None)
        if chosen is None and box.strong:
            chosen = (apart or places)[0]
        if chosen is not None:
            self.boxes.append(chosen)
        return chosen


def _places(box: Caption, mark: Mark, width: float, height: float) -> tuple[Point, ...]:
    points = [(x * width, y * height) for x, y in mark.points]
    if mark.kind in ("contour", "heat"):
        at = min(points, key=lambda point: point[1])
    else:
        at = (points[0][0] + points[-1][0]) / 2, (points[0][1] + points[-1][1]) / 2
    gap = 1.4 * RING * max(width, height)
    right, left = at[0] + gap, at[0] - gap - box.width
    below, above, level = at[1] + gap, at[1] - gap - box.height, at[1] - box.height / 2
    centred = at[0] - box.width / 2
    beside = ((right, level), (left, level))
    over = ((centred, above), (centred, below))
    corners = ((right, below), (left, below), (right, above), (left, above))
    lies_flat = abs(points[-1][0] - points[0][0]) > abs(points[-1][1] - points[0][1])
    return (*over, *beside, *corners) if lies_flat else (*beside, *over, *corners)


def _along(mark: Mark, width: float, height: float) -> Iterator[Point]:
    """Points of a line or an arrow, close together; an outline is too long to keep clear of."""
    if mark.kind not in ("line", "arrow"):
        return
    points = [(x * width, y * height) for x, y in mark.points]
    for (x0, y0), (x1, y1) in pairwise(points):
        count = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / (_STEP * max(width, height))))
        yield from ((x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(count + 1))


def _number_of_region(found: Finding, width: float, height: float) -> Caption:
    """Where the template writes the number of a finding with a box: captions keep clear of it."""
    half = _NUMBER * max(width, height)
    x = min(max(found.regions[0].left * width, half), width - half)
    y = min(max(found.regions[0].top * height, half), height - half)
    return Caption("", True, x - half, y - half, 2 * half, 2 * half, "", None, "")


def _boxed(one: Marked, number: int | None, severity: str, longer_side: float) -> Caption:
    size = TEXT * longer_side
    letters = sum(2.0 if ord(letter) > 0x2E80 else 1.0 for letter in one.mark.caption)
    text = letters * _WIDTH_OF_A_LETTER * size + 0.9 * size if letters else 0.0
    wide = text + (1.5 * size if number else 0.0)
    return Caption(
        one.kind, one.number is not None, 0.0, 0.0, wide, 1.5 * size, one.mark.caption, number, severity
    )


def _overlap(one: Caption, other: Caption) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _holds(box: Caption, point: Point) -> bool:
    return box.x <= point[0] <= box.x + box.width and box.y <= point[1] <= box.y + box.height
