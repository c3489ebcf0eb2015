"""Shape of two lungs in a dozen numbers, and how far it is from the shapes of lungs that were seen before."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.masks import Mask, convex

FEATURES = (
    "area_ratio_log",
    "height_ratio_log",
    "width_ratio_log",
    "gap",
    "aspect_log",
    "filled",
    "solidity_left",
    "solidity_right",
    "top_difference",
    "bottom_difference",
    "taper_left",
    "taper_right",
)
"""Lengths are in parts of the height or width of the box about both lungs: size and zoom do not matter."""


@dataclass(frozen=True, slots=True, eq=False)
class ShapePrior:
    """A normal distribution of :data:`FEATURES`, fitted on masks (``configs/limits.json`` of the bundle)."""

    mean: NDArray[np.float64]
    precision: NDArray[np.float64]

    def distance(self, shape: NDArray[np.float64]) -> float:
        """Mahalanobis distance."""
        off = shape - self.mean
        return math.sqrt(max(0.0, float(off @ self.precision @ off)))


def shape_of(left: Mask, right: Mask) -> NDArray[np.float64]:
    """The features of two masks on one picture; neither may be empty. Left is the side of the picture."""
    boxes = [_box(left), _box(right)]
    (x0, y0, x1, y1), (u0, v0, u1, v1) = boxes
    width, height = max(x1, u1) - min(x0, u0), max(y1, v1) - min(y0, v0)
    areas = [float(mask.sum()) for mask in (left, right)]
    return np.asarray(
        [
            math.log(areas[0] / areas[1]),
            math.log((y1 - y0) / (v1 - v0)),
            math.log((x1 - x0) / (u1 - u0)),
            (u0 - x1) / width,
            math.log(height / width),
            sum(areas) / (width * height),
            _solidity(left),
            _solidity(right),
            (y0 - v0) / height,
            (y1 - v1) / height,
            _taper(left, boxes[0]),
            _taper(right, boxes[1]),
        ]
    )


def _box(mask: Mask) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _solidity(mask: Mask) -> float:
    """Area over the area of the convex hull."""
    return float(mask.sum()) / max(1.0, float(convex(mask).sum()))


def _taper(mask: Mask, box: tuple[int, int, int, int]) -> float:
    """Share of the area that lies in the upper half: an apex is narrower than a base."""
    _, top, _, bottom = box
    return float(mask[: (top + bottom) // 2].sum()) / max(1.0, float(mask.sum()))
