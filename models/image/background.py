"""Direct radiation: the part of the field that no body shades."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from models.image.picture import Mask, Picture, steepness

End = Literal["low", "high"]
"""An end of the range of the values as stored."""

_FLAT = 0.006
"""Most gradient of direct radiation, in the field's range of values per small pixel."""
_NEAR_END = 0.2
"""Direct radiation lies in this share of the range next to its end (heel effect, inverse square)."""
_LEAST_AREA = 0.004
_LEAST_CONTACT = 0.02


def flat_end(small: Picture, tone: Picture, field: Mask, end: End) -> Mask:
    """Flat regions of the field at one end of its values which touch its border.

    Flat in the values and in the equalised tone: in linear values the thick parts of a body look flat too.

    Direct radiation reaches the border of the field, because the body is not round all about it. A flat
    extreme region in the middle is anatomy (or clipped anatomy) and does not count.
    """
    inside = small[field]
    nothing = np.zeros(small.shape, bool)
    if inside.size < 256:
        return nothing
    low, high = (float(v) for v in np.percentile(inside, (0.5, 99.5)))
    if high <= low:
        return nothing
    level = (small - low) / (high - low)
    if end == "high":
        level = 1 - level
    flat = (steepness(level, 2.0) < _FLAT) & (steepness(tone, 2.0) < _FLAT) & (level < _NEAR_END) & field
    count, labels, stats, _ = cv2.connectedComponentsWithStats(flat.astype(np.uint8), connectivity=4)
    rim = field & ~cv2.erode(field.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0).astype(bool)
    contact = np.bincount(labels[rim], minlength=count)
    keep = (stats[:, cv2.CC_STAT_AREA] >= _LEAST_AREA * field.sum()) & (contact >= _LEAST_CONTACT * rim.sum())
    keep[0] = False
    found = keep[labels]
    # Give back the slope towards the body, which belongs to neither, up to the blur's width.
    return (cv2.dilate(found.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0) & (level < _NEAR_END) & field
