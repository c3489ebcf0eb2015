"""Margins: how far the lungs stay from the border of the exposed field (image-qc.md 6.1, PA01)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from models.anatomy.chest import SIDES, Chest, Lungs, Plane, Scale, in_both, none_of, unreliable
from models.anatomy.marks import arrow, box, lung_contours
from models.anatomy.structures import Points
from models.image.lines import Side
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason
from models.reporting import Missing

_UNDECIDED = "chest.margins_undecided"
NAMES = in_both(*(f"chest.margin_{side}" for side in (*SIDES, "least"))) | {_UNDECIDED}
_TOUCHES_PX = 0.75
"""A lung nearer to the border than this, in canvas pixels, touches it: the network does not see finer."""
WHOLE, CUT = 0.2, 0.7
"""Of the probability that a lung goes on beyond the border, as the network gives it: up to the first it does not,
from the second on it does, between them nobody is told either. Chosen on ``tune`` (card of chest-anatomy)."""
_LEAST_CONTACT = 0.05
"""Where a network of another house gives no such probability: a lung that is cut lies along the border for at
least this share of both lungs' width. The outline of one that just fits runs into the border for less."""
_BLUR_PX = 12.0
"""A border this wide between hardly and surely lung says nothing of where the lung ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Margin:
    """One side: from the lung's outermost point to its foot on the field's border; points on the canvas."""

    side: Side
    cut: bool | None
    """Whether the lung goes on beyond the border; None: too close to tell."""
    gap_px: float
    """Along the border's normal; 0 where the lung is cut."""
    doubt_px: float
    """How much nearer the lung might come, by the network's own doubt."""
    lung: Points
    foot: Points
    confidence: float

    def length(self, plane: Plane) -> float:
        return 0.0 if self.cut else float(np.linalg.norm(plane.of(self.foot) - plane.of(self.lung)))


def look(chest: Chest) -> Iterator[Measured]:
    """The margin on every side of the picture, and the least of them."""
    lungs = chest.lungs()
    if lungs is None:
        yield from none_of(NAMES, unreliable("not both lungs are seen"))
        return
    margins = margins_of(chest, lungs)
    yield _undecided(chest, margins.values())
    for scale, plane in chest.planes:
        yield from _in_plane(chest, margins, scale, plane)


def margins_of(chest: Chest, lungs: Lungs) -> Mapping[Side, Margin]:
    """By side of the picture."""
    return {side: _margin(chest, lungs, side) for side in SIDES}


def _margin(chest: Chest, lungs: Lungs, side: Side) -> Margin:
    corner, inward = _border(chest.corners, side)

    def outermost(outlines: Iterable[Points]) -> tuple[float, Points]:
        points = np.concatenate(list(outlines))
        depth = (points - corner) @ inward
        at = int(np.argmin(depth))
        return float(depth[at]), points[at]

    gap, point = outermost(lung.contour for lung in lungs)
    doubt = max(0.0, gap - outermost(lung.contour_of_doubt for lung in lungs)[0])
    blur = max(doubt, outermost(lung.contour_of_core for lung in lungs)[0] - gap)
    certain = min(chest.sure_of_side[side], *(lung.certainty for lung in lungs))
    told = chest.structures.cut.get(side)
    along = gap <= _TOUCHES_PX and _contact(lungs, corner, inward) >= _LEAST_CONTACT
    cut = along if told is None else _cut(told)
    confidence = certain if cut else min(certain, max(0.0, 1 - blur / _BLUR_PX))
    seen = 0.0 if cut else max(gap, _TOUCHES_PX)
    return Margin(side, cut, seen, doubt, point, point - seen * inward, confidence)


def _cut(told: float) -> bool | None:
    return None if WHOLE < told < CUT else told >= CUT


def _contact(lungs: Lungs, corner: Points, inward: Points) -> float:
    """How long the longer touching lung lies along the border, as a share of the width of both."""
    along = np.array([inward[1], -inward[0]])
    touching = (lung.contour[(lung.contour - corner) @ inward <= _TOUCHES_PX] @ along for lung in lungs)
    longest = max((len(np.unique(np.round(at))) for at in touching if len(at)), default=0)
    return longest / float(np.ptp(np.concatenate([lung.contour[:, 0] for lung in lungs])))


def _border(corners: Points, side: Side) -> tuple[Points, Points]:
    """A corner on this side of the field, and the side's inward normal of unit length."""
    at = ("top", "right", "bottom", "left").index(side)
    first, second = corners[at], corners[(at + 1) % 4]
    along = (second - first) / np.linalg.norm(second - first)
    return first, np.array([-along[1], along[0]])


def _in_plane(
    chest: Chest, margins: Mapping[Side, Margin], scale: Scale, plane: Plane | Missing
) -> Iterable[Measured]:
    names = {side: f"chest.margin_{side}_{scale}" for side in SIDES}
    least = f"chest.margin_least_{scale}"
    if isinstance(plane, Missing):
        return none_of((*names.values(), least), plane)
    sides = [_of_side(chest, one, names[side], plane) for side, one in margins.items()]
    return [*sides, _least(chest, margins.values(), least, plane)]


def _of_side(chest: Chest, one: Margin, name: str, plane: Plane) -> Measured:
    if one.cut is None:
        return NotMeasured(name, Reason.TOO_CLOSE)
    marks = _marks(chest, plane, [_arrow(chest, one)])
    return Measurement(name, one.length(plane), confidence=one.confidence, marks=marks)


def _least(chest: Chest, margins: Collection[Margin], name: str, plane: Plane) -> Measured:
    """0 where any side is cut, whatever the others are; not told where a side might be."""
    cut = [one for one in margins if one.cut]
    if not cut and any(one.cut is None for one in margins):
        return NotMeasured(name, Reason.TOO_CLOSE)
    if cut:
        least = max(cut, key=lambda one: one.confidence)
        sure = least.confidence
    else:
        least = min(margins, key=lambda one: one.length(plane))
        # A side whose lung may reach further out than it seems matters as much as the one that seems nearest.
        sure = min(one.confidence for one in margins if one.gap_px - one.doubt_px <= least.gap_px)
    return Measurement(
        name,
        least.length(plane),
        confidence=sure,
        regions=(box(chest, np.array([least.lung, least.foot])),),
        marks=_marks(chest, plane, [*lung_contours(chest), _arrow(chest, least)]),
    )


def _undecided(chest: Chest, margins: Iterable[Margin]) -> Measurement:
    """How many sides are too close to tell, and where: for a person to look at."""
    sides = [one for one in margins if one.cut is None]
    return Measurement(
        _UNDECIDED,
        float(len(sides)),
        regions=tuple(box(chest, np.array([one.lung, one.foot])) for one in sides),
        marks=(*lung_contours(chest), *(_arrow(chest, one) for one in sides)) if sides else (),
    )


def _marks(chest: Chest, plane: Plane, marks: list[Mark]) -> tuple[Mark, ...]:
    """Drawn once, with the scale that captions are in."""
    return tuple(marks) if plane is chest.shown_in else ()


def _arrow(chest: Chest, margin: Margin) -> Mark:
    plane = chest.shown_in
    ends = np.array([margin.lung, margin.foot])
    caption = "?" if margin.cut is None else plane.caption(margin.length(plane))
    return arrow(chest, f"margin_{margin.side}", ends, caption)
