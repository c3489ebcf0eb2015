"""Marks of the chest's measures: what each number was measured on, as fractions of the stored picture."""

from __future__ import annotations

import cv2
import numpy as np

from models.anatomy.chest import Chest
from models.anatomy.structures import LUNGS, Organ, Points
from models.measurement import Mark, Region

_MOST_POINTS = 60
_ROOM = 0.03
"""Around the points of a region, as a share of the picture."""


def contour(chest: Chest, name: str, organ: Organ) -> Mark:
    """The outline of an organ with at most 60 points."""
    return Mark("contour", name, chest.on_picture(simplified(organ.contour)))


def lung_contours(chest: Chest) -> tuple[Mark, ...]:
    """Both lungs, named after the patient's sides."""
    sides = (chest.on_patient("left"), chest.on_patient("right"))
    return tuple(
        contour(chest, f"lung_{side}", chest.structures.organs[name])
        for name, side in zip(LUNGS, sides, strict=True)
        if name in chest.structures.organs
    )


def simplified(outline: Points) -> Points:
    """The outline with at most 60 points, as near to it as that allows."""
    points, tolerance = outline, 0.25
    while len(points) > _MOST_POINTS:
        near = cv2.approxPolyDP(outline.astype(np.float32), tolerance, closed=True)
        points, tolerance = near[:, 0, :].astype(np.float64), 1.5 * tolerance
    return points


def arrow(chest: Chest, name: str, points: Points, caption: str = "") -> Mark:
    return Mark("arrow", name, chest.on_picture(points), caption)


def line(chest: Chest, name: str, points: Points, caption: str = "") -> Mark:
    return Mark("line", name, chest.on_picture(points), caption)


def point(chest: Chest, name: str, at: Points) -> Mark:
    return Mark("point", name, chest.on_picture(at.reshape(1, 2)))


def box(chest: Chest, points: Points) -> Region:
    """An upright box around these points, with room to see them in."""
    fractions = np.array(chest.on_picture(points))
    (left, top), (right, bottom) = fractions.min(axis=0) - _ROOM, fractions.max(axis=0) + _ROOM
    return Region(*(float(np.clip(edge, 0, 1)) for edge in (left, top, right, bottom)))
