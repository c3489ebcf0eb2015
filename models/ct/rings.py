"""Rings about the isocentre: what a detector element that is off leaves in every slice (CC11)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.scan import Values

RADII = 200
"""Pixels of the full picture from the isocentre; a detector's ring is seen best near the middle."""
_ANGLES = 360
_WINDOW = 9
"""Along the radius: a ring is narrower than this, anatomy is wider."""
_EDGE_HU = 25.0
_NEAREST = 8
_AIR_HU = -1000.0
_SECTORS = 8
_LEAST_SECTORS = 5
_LEAST_PIXELS = 12
_LEAST_SLICES = 5
_SOFT_HU = (-150.0, 350.0)
"""Fat to blood with contrast medium."""
_BETWEEN = (float(np.nextafter(np.float32(_SOFT_HU[0]), 0)), float(np.nextafter(np.float32(_SOFT_HU[1]), 0)))
"""The least and the highest number inside."""


def profile(values: Values, row: float, column: float) -> Values:
    """(200,): by radius about a point of one slice in HU, what a running mean along the radius leaves; NaN where
    there is too little soft tissue. The median of eight sectors: anatomy is in some of them, a ring in all."""
    # Outside the picture OpenCV puts 0, which is to be air.
    how = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    turned = np.asarray(cv2.warpPolar(values - _AIR_HU, (RADII, _ANGLES), (column, row), RADII, how), np.float32)
    turned += np.float32(_AIR_HU)
    smooth = cv2.blur(turned, (_WINDOW, _WINDOW))
    wide = cv2.copyMakeBorder(smooth, 0, 0, _WINDOW, _WINDOW, cv2.BORDER_WRAP)
    change = cv2.absdiff(wide[:, 2 * _WINDOW :], wide[:, : -2 * _WINDOW])
    used = ((cv2.inRange(smooth, *_BETWEEN) > 0) & (change < _EDGE_HU)).view(np.uint8)
    narrow = cv2.subtract(turned, cv2.blur(turned, (_WINDOW, 1)))
    left = cv2.copyTo(narrow, used, np.zeros_like(narrow)).reshape(_SECTORS, -1, RADII)
    counts = used.reshape(left.shape).sum(axis=1, dtype=np.uint8)
    means = np.where(counts >= _LEAST_PIXELS, left.sum(axis=1) / np.maximum(counts, 1.0), np.nan)
    seen = np.isfinite(means).sum(axis=0) >= _LEAST_SECTORS
    found = np.full(RADII, np.nan, np.float32)
    found[seen] = _median(means[:, seen])
    return found


def _median(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of what is not NaN in each column; np.nanmedian needs eight times as long for so few rows."""
    ordered, count = np.sort(columns, axis=0), np.isfinite(columns).sum(axis=0)
    at = np.arange(columns.shape[1])
    return np.asarray((ordered[(count - 1) // 2, at] + ordered[count // 2, at]) / 2)


def ring_z(profiles: Sequence[Values]) -> tuple[float, int] | None:
    """The strongest ring of a series in robust standard deviations of all radii, and its radius in pixels.

    Each radius is weighed with the slices that it has. None with too little soft tissue about the isocentre.
    """
    if not profiles:
        return None
    all_of_them = np.stack(profiles).astype(np.float64)
    counts = np.isfinite(all_of_them).sum(axis=0)
    at = np.flatnonzero(counts >= max(_LEAST_SLICES, 0.1 * len(profiles)))
    at = at[(at >= _NEAREST) & (at < RADII - _WINDOW)]
    if len(at) < RADII // 5:
        return None
    # Noise falls with the pixels of a ring, that is with its radius.
    score = np.nansum(all_of_them[:, at], axis=0) / np.sqrt(counts[at]) * np.sqrt(at)
    spread = 1.4826 * float(np.median(np.abs(score - np.median(score))))
    if spread <= 0:
        return None
    worst = int(np.argmax(np.abs(score)))
    return float(np.abs(score[worst])) / spread, int(at[worst])
