"""Names and operations on pictures that several metrics share."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.float32]
Mask = NDArray[np.bool_]


def gradient(picture: Picture, sigma: float) -> tuple[Picture, Picture]:
    """Scharr gradient (x, y) of a smooth copy, per pixel; ``sigma`` of the smoothing in pixels."""
    soft = cv2.GaussianBlur(picture, (0, 0), sigma)
    across = cv2.Scharr(soft, cv2.CV_32F, 1, 0, scale=1 / 32)
    down = cv2.Scharr(soft, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def steepness(picture: Picture, sigma: float) -> Picture:
    """Length of the gradient of a smooth copy, per pixel."""
    return np.asarray(cv2.magnitude(*gradient(picture, sigma)), np.float32)


def shrink(picture: Picture, size: tuple[int, int]) -> Picture:
    """Area means; ``size`` is (columns, rows)."""
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


def equalised(small: Picture, used: Mask, bins: int = 1024) -> Picture:
    """Histogram equalisation with a limit, so that the noise of a flat area is not blown up."""
    inside = small[used]
    if not inside.size:
        return np.zeros_like(small)
    low, high = np.percentile(inside, (0.2, 99.8))
    if high <= low:
        return np.zeros_like(small)
    place = np.clip((small - low) / (high - low), 0, 1)
    counts = np.bincount((place[used] * (bins - 1)).astype(np.int32), minlength=bins).astype(np.float64)
    limited = np.minimum(counts, 2 * inside.size / bins) + 0.5 * inside.size / bins
    curve = np.concatenate(([0.0], np.cumsum(limited)))
    curve /= curve[-1]
    return np.asarray(np.interp(place, np.linspace(0, 1, bins + 1), curve), np.float32)
