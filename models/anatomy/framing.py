"""Framing: how large and how centred the exposed field is about the lungs, and how full the lungs are.

PA02, PA05 and PA08 of image-qc.md 6.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from models.anatomy.chest import Chest, Lungs, Plane, Scale, in_both, none_of, unreliable
from models.anatomy.margins import margins_of
from models.anatomy.marks import arrow, lung_contours
from models.anatomy.structures import Points
from models.measurement import Mark, Measured, Measurement
from models.reporting import Missing

_OFFSETS = ("chest.centre_offset_horizontal", "chest.centre_offset_vertical")
_AREAS = "chest.lung_area_ratio"
NAMES = in_both(*_OFFSETS) | {"chest.excess_field_ratio", "chest.lung_height_width_ratio", _AREAS}
FREE_BESIDE_LUNGS = 0.07
"""Free room on each side of the lungs in the least field, as a share of their width: 20 mm of an adult's 285 mm
(image-qc.md 6.1 PA02, 9.1). As a share it fits a child, too, and a picture without spacing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Box:
    """Around some points along the field's own sides."""

    width: float
    height: float
    centre: Points


def look(chest: Chest) -> Iterator[Measured]:
    """Nothing of it is known where a lung is cut off or may be, for its box is then the field's."""
    lungs = chest.lungs()
    if lungs is None:
        yield from none_of(NAMES, unreliable("not both lungs are seen"))
        return
    margins = margins_of(chest, lungs).values()
    if any(margin.cut is not False for margin in margins):
        yield from none_of(NAMES, unreliable("a lung is, or may be, cut off"))
        return
    sure = min(margin.confidence for margin in margins)
    yield from _shape(chest, lungs, sure)
    yield _areas(chest, lungs)
    for scale, plane in chest.planes:
        yield from _offsets(chest, lungs, sure, scale, plane)


def _shape(chest: Chest, lungs: Lungs, sure: float) -> Iterable[Measured]:
    """Areas and lengths relate to each other alike in any plane with square units."""
    box, field = _boxes(chest, lungs, chest.shown_in)
    free = 2 * FREE_BESIDE_LUNGS * box.width
    excess = field.width * field.height / ((box.width + free) * (box.height + free)) - 1
    border = Mark("contour", "field", chest.on_picture(chest.corners))
    outlines = lung_contours(chest)
    return [
        Measurement("chest.excess_field_ratio", excess, confidence=sure, marks=(border,)),
        Measurement("chest.lung_height_width_ratio", box.height / box.width, confidence=sure, marks=outlines),
    ]


def _areas(chest: Chest, lungs: Lungs) -> Measured:
    """The patient's left lung over the right one."""
    area = {chest.on_patient("left"): lungs[0].area, chest.on_patient("right"): lungs[1].area}
    sure = min(lung.certainty for lung in lungs)
    return Measurement(_AREAS, area["left"] / area["right"], confidence=sure)


def _offsets(chest: Chest, lungs: Lungs, sure: float, scale: Scale, plane: Plane | Missing) -> Iterable[Measured]:
    """Centre of the lungs minus centre of the field: right and down positive."""
    if isinstance(plane, Missing):
        return none_of((f"{name}_{scale}" for name in _OFFSETS), plane)
    box, field = _boxes(chest, lungs, plane)
    offset = box.centre - field.centre
    line = plane.back(np.array([field.centre, box.centre]) @ _axes(chest, plane))
    mark = arrow(chest, "centre_offset", line, plane.caption(float(np.linalg.norm(offset))))
    marks = (mark,) if plane is chest.shown_in else ()
    return [
        Measurement(f"{name}_{scale}", float(along), confidence=sure, marks=marks)
        for name, along in zip(_OFFSETS, offset, strict=True)
    ]


def _boxes(chest: Chest, lungs: Lungs, plane: Plane) -> tuple[_Box, _Box]:
    """Around the lungs, and the field."""
    axes = _axes(chest, plane)

    def around(points: Points) -> _Box:
        placed = plane.of(points) @ axes.T
        low, high = placed.min(axis=0), placed.max(axis=0)
        return _Box(float(high[0] - low[0]), float(high[1] - low[1]), (low + high) / 2)

    return around(np.concatenate([lung.contour for lung in lungs])), around(chest.corners)


def _axes(chest: Chest, plane: Plane) -> Points:
    """The field's directions across and down, as rows of unit length."""
    top_left, top_right, _, bottom_left = plane.of(chest.corners)
    across, down = top_right - top_left, bottom_left - top_left
    return np.array([across / np.linalg.norm(across), down / np.linalg.norm(down)])
