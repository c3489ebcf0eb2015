"""Masks of one picture: what several rooms need of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def convex(mask: Mask) -> Mask:
    """The convex hull, filled; nothing of an empty mask."""
    points = np.argwhere(mask)[:, ::-1].astype(np.int32)
    found = np.zeros(mask.shape, np.uint8)
    if len(points):
        cv2.fillConvexPoly(found, cv2.convexHull(points), 1)
    return found > 0


def disc(radius_mm: float, spacing_mm: tuple[float, float]) -> NDArray[np.uint8]:
    """A kernel of this radius on pixels of (between rows, between columns)."""
    high, wide = (max(1, 2 * round(radius_mm / step) + 1) for step in spacing_mm)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, high)), np.uint8)
