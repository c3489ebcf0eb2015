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
