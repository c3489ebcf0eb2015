"""Trunk: turned, leaning, shoulders level and drawn forward (image-qc.md 6.1, PA03, PA04, PA06, PA07).

What rests on clavicles and scapulae is *unproven* in the catalogue, so shown and not judged: the network knows
them from one CT, on projections of a second patient the rotation is wrong by 3 to 4 degrees (card of
chest-anatomy), and on real films nobody has marked them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.anatomy.chest import Chest, Lungs, Plane, in_both, none_of, unreliable
from models.anatomy.landmarks import Landmark, Line, axis_of, peak_of, ridge_of
from models.anatomy.marks import box, contour, line, lung_contours, point
from models.anatomy.rotation import degrees_of_shift
from models.anatomy.structures import CLAVICLE_ENDS
from models.measurement import Mark, Measured, Measurement, NotMeasured
from models.reporting import Missing

_LEVEL = "chest.clavicle_height_difference"
_TURN = frozenset({"chest.rotation_ratio", "chest.rotation_deg", "chest.rotation_towards"})
_TILT = "chest.spine_tilt_deg"
_OVERLAPS = frozenset({"chest.scapula_overlap_left_ratio", "chest.scapula_overlap_right_ratio"})
NAMES = _TURN | in_both(_LEVEL) | {_TILT} | _OVERLAPS
_ABOVE, _BELOW = 0.15, 0.35
"""The part of the spinous line that is fitted, about the clavicles' ends, in heights of the lungs: further down a
curved spine has nothing to do with where its processes stand between the clavicles."""
_HIGHEST, _LOWEST = -0.15, 0.4
"""Where clavicles end, below the apices, in heights of the lungs."""
_MOST_STEP = 0.12
"""Most difference of their levels, in heights of the lungs: twice the 99th percentile of good films, 15 mm
(image-qc.md 9.1). A larger one is a mistake of the landmarks."""
_MOST_RATIO = 3.0
"""About 25 degrees: no such film is taken, so that a larger figure is a mistake of the landmarks."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shoulders:
    """The medial ends of both clavicles and the line of spinous processes between them, on the canvas."""

    left: Landmark
    right: Landmark
    line: Line

    @property
    def confidence(self) -> float:
        return min(self.left.confidence, self.right.confidence, self.line.confidence)


def look(chest: Chest) -> Iterator[Measured]:
    """Each measure on its own: a scapula that is not seen costs no rotation."""
    lungs = chest.lungs()
    if lungs is None:
        yield from none_of(NAMES, unreliable("not both lungs are seen"))
        return
    yield from _turn(chest, lungs)
    yield from _level(chest, lungs)
    yield _tilt(chest, lungs)
    yield _overlap(chest, lungs, "left")
    yield _overlap(chest, lungs, "right")


def _ends(chest: Chest, lungs: Lungs) -> tuple[Landmark, Landmark] | None:
    """Image left, image right; None unless both are where clavicles end."""
    left, right = (peak_of(chest.structures.heat[name]) for name in CLAVICLE_ENDS)
    if left is None or right is None or left.at[0] >= right.at[0]:
        return None
    rows = _rows(lungs)
    top, height = float(rows.min()), float(np.ptp(rows))
    plausible = all(_HIGHEST <= (end.at[1] - top) / height <= _LOWEST for end in (left, right))
    plausible &= abs(left.at[1] - right.at[1]) <= _MOST_STEP * height
    return (left, right) if plausible else None


def _rows(lungs: Lungs) -> NDArray[np.float64]:
    return np.concatenate([lung.contour[:, 1] for lung in lungs])


def _shoulders(chest: Chest, lungs: Lungs) -> _Shoulders | Missing:
    ends = _ends(chest, lungs)
    if ends is None:
        return unreliable("the medial ends of the clavicles are not both seen")
    height, middle = float(np.ptp(_rows(lungs))), (ends[0].at[1] + ends[1].at[1]) / 2
    found = ridge_of(chest.structures.heat["spinous_line"], middle - _ABOVE * height, middle + _BELOW * height)
    if found is None:
        return unreliable("the line of the spinous processes is not seen")
    return _Shoulders(*ends, found)


def _turn(chest: Chest, lungs: Lungs) -> Iterable[Measured]:
    """Asymmetry of the clavicle ends about the spinous line: ``abs(dR - dL) / (dR + dL)``; degrees by their shift.

    The clavicles lie in front of the spine, so the front moves to the side that the patient turns to, and the end
    on that side moves away from the line (image-qc.md 9.2).
    """
    shoulders = _shoulders(chest, lungs)
    if isinstance(shoulders, Missing):
        return none_of(_TURN, shoulders)
    plane = chest.shown_in
    left, right = _off_line(shoulders, plane)
    if left + right <= 0:
        return none_of(_TURN, unreliable("both clavicles seem to lie on one side of the spine"))
    ratio = (right - left) / (left + right)
    if abs(ratio) > _MOST_RATIO:
        return none_of(_TURN, unreliable("the ends of the clavicles and the spine do not fit each other"))
    columns = plane.of(np.concatenate([lung.contour for lung in lungs]))[:, 0]
    shift = (right - left) / 2 / float(np.ptp(columns))
    towards = chest.on_patient("right" if ratio > 0 else "left")
    sure, marks = shoulders.confidence, _rotation_marks(chest, shoulders, (left, right))
    where = box(chest, np.array([shoulders.left.at, shoulders.right.at]))
    return [
        Measurement("chest.rotation_ratio", abs(ratio), confidence=sure, regions=(where,), marks=marks),
        Measurement("chest.rotation_deg", abs(degrees_of_shift(shift)), confidence=sure),
        Measurement("chest.rotation_towards", "L" if towards == "left" else "R", confidence=sure),
    ]


def _off_line(shoulders: _Shoulders, plane: Plane) -> tuple[float, float]:
    """Distances of the ends from the line, each positive on its own side of the picture."""
    start, end = plane.of(shoulders.line.points(0, 100))
    along = (end - start) / np.linalg.norm(end - start)
    across = np.array([along[1], -along[0]])
    left, right = (float((plane.of(one.at) - start) @ across) for one in (shoulders.left, shoulders.right))
    return -left, right


def _rotation_marks(chest: Chest, shoulders: _Shoulders, distances: tuple[float, float]) -> tuple[Mark, ...]:
    ends, spine = (shoulders.left, shoulders.right), shoulders.line
    feet = [np.array([one.at, (spine.x(float(one.at[1])), one.at[1])]) for one in ends]
    plane = chest.shown_in
    return (
        line(chest, "spinous_line", spine.points(spine.top, spine.bottom)),
        *(point(chest, "clavicle_end", one.at) for one in ends),
        *(
            line(chest, "rotation", foot, plane.caption(distance))
            for foot, distance in zip(feet, distances, strict=True)
        ),
    )


def _level(chest: Chest, lungs: Lungs) -> Iterator[Measured]:
    ends = _ends(chest, lungs)
    for scale, plane in chest.planes:
        name = f"{_LEVEL}_{scale}"
        if isinstance(plane, Missing):
            yield NotMeasured(name, plane.reason, plane.detail)
        elif ends is None:
            yield from none_of([name], unreliable("the medial ends of the clavicles are not both seen"))
        else:
            points = np.array([end.at for end in ends])
            difference = abs(float(np.diff(plane.of(points)[:, 1])[0]))
            mark = line(chest, "clavicle_level", points, plane.caption(difference))
            sure = min(end.confidence for end in ends)
            marks = (mark,) if plane is chest.shown_in else ()
            yield Measurement(name, difference, confidence=sure, regions=(box(chest, points),), marks=marks)


def _tilt(chest: Chest, lungs: Lungs) -> Measured:
    """The middle of the spine's mask against the picture's upright: top to the right is positive."""
    spine = chest.organ("spine")
    rows = _rows(lungs)
    axis = spine and axis_of(spine, float(rows.min()), float(rows.max()))
    if not axis:
        return none_of([_TILT], unreliable("the spine is not seen"))[0]
    ends = axis.points(axis.top, axis.bottom)
    across, down = np.diff(chest.shown_in.of(ends), axis=0)[0]
    tilt = float(np.degrees(np.arctan2(-across, down)))
    mark = line(chest, "spine_axis", ends, f"{abs(tilt):.0f}°")
    return Measurement(_TILT, tilt, confidence=axis.confidence, marks=(mark,))


def _overlap(chest: Chest, lungs: Lungs, image_side: Literal["left", "right"]) -> Measured:
    """Part of a lung's area that its scapula covers."""
    name = f"chest.scapula_overlap_{chest.on_patient(image_side)}_ratio"
    scapula = chest.organ(f"scapula_image_{image_side}")
    if scapula is None:
        return none_of([name], unreliable("the scapula is not seen"))[0]
    lung = lungs[0 if image_side == "left" else 1]
    covered = np.argwhere(lung.mask & scapula.mask)[:, ::-1].astype(np.float64) + 0.5
    regions = (box(chest, covered),) if len(covered) else ()
    marks = (*lung_contours(chest), contour(chest, f"scapula_{chest.on_patient(image_side)}", scapula))
    sure = min(lung.certainty, scapula.certainty)
    return Measurement(name, len(covered) / lung.area, confidence=sure, regions=regions, marks=marks)
