"""Marks of the chest's measures: what each number was measured on, as fractions of the stored picture."""

from __future__ import annotations

import cv2
import numpy as np

from models.anatomy.chest import Chest
from models.anatomy.structures import LUNGS, Organ, Points
from models.measurement import Mark

_MOST_POINTS = 60


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
