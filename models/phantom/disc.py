"""A phantom's slice: a bright disc. How round it is, where it lies and how wide it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Disc:
    """In pixels. ``roughness``: deviation of the outline's radius over the radius; a head has 0.05 and more."""

    row: float
    column: float
    radius: float
    roughness: float


def disc_of(values: Picture, threshold: float) -> Disc | None:
    """The largest piece above a threshold, holes closed; None when it touches the picture's edge or is small."""
    mask = cv2.morphologyEx((values > threshold).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    outlines, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    hull = cv2.convexHull(max(outlines, key=cv2.contourArea)).reshape(-1, 2).astype(np.float64)
    solid = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(solid, hull.astype(np.int32), 1)
    rows, columns = np.nonzero(solid)
    if rows.size < 400 or _touches(solid):
        return None
    row, column = float(rows.mean()), float(columns.mean())
    outline, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    edge = outline[0].reshape(-1, 2).astype(np.float64)
    radii = np.hypot(edge[:, 0] - column, edge[:, 1] - row)
    return Disc(row, column, math.sqrt(rows.size / math.pi), float(radii.std() / radii.mean()))


def _touches(mask: NDArray[np.uint8]) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


def circle(shape: tuple[int, ...], row: float, column: float, radius: float) -> Mask:
    """True inside."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.asarray((y - row) ** 2 + (x - column) ** 2 <= radius**2)
