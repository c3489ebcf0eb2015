"""MB08: spike noise, a stray point of k-space that covers the picture with stripes (herringbone).

In the Fourier transform of the magnitude picture such a point stands high above its neighbours. Anatomy falls off
smoothly from the centre, and its edges lie on the two axes, which are left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mr.plane import Picture

_CENTRE = 0.10
"""Radius around the centre of k-space, of its half width, that is left to anatomy."""
_AXIS = 2
"""Lines to each side of the axes that belong to cut-off edges."""
_AROUND = 9
"""Side of the neighbourhood whose median is what a point should be."""
_POINT = 3
"""Side of a point under a Hann window: its power is summed."""


@dataclass(frozen=True, slots=True)
class Spike:
    """``z``: robust standard deviations of log power above the neighbourhood; where, in cycles a picture.

    Of a point and its conjugate the one with ``down`` above 0; ``across`` may be negative.
    """

    z: float
    across: int
    down: int


def spike(values: Picture) -> Spike | None:
    """The highest point of k-space over its neighbourhood; None under 32 pixels or without contrast."""
    rows, columns = values.shape
    if min(rows, columns) < 32 or float(values.std()) == 0:
        return None
    log = log_power(values)
    outer = _outer(rows, columns)
    above = log - _median(log)
    spread = 1.4826 * float(np.median(np.abs(above[outer])))
    above = np.where(outer, above / max(spread, 1e-6), 0)
    at = np.unravel_index(int(np.argmax(above)), above.shape)
    across, down = int(at[1]) - columns // 2, int(at[0]) - rows // 2
    return Spike(float(above[at]), across if down > 0 else -across, abs(down))


def log_power(values: Picture) -> Picture:
    """k-space of a magnitude picture, its centre in the middle: logarithm of the power of a point."""
    rows, columns = values.shape
    window = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1])
    k = np.abs(np.fft.fftshift(np.fft.fft2((values - values.mean()) * window))) ** 2
    point = cv2.blur(k, (_POINT, _POINT))
    return np.asarray(np.log(point + 1e-12 * point.max()), np.float32)


def _median(log: NDArray[np.float32]) -> NDArray[np.float32]:
    """Median over a square neighbourhood (of 8-bit codes: cv2 has no wider one for floats)."""
    low, high = float(log.min()), float(log.max())
    step = max(high - low, 1e-6) / 255
    codes = np.round((log - low) / step).astype(np.uint8)
    return cv2.medianBlur(codes, _AROUND).astype(np.float32) * step + low


def _outer(rows: int, columns: int) -> NDArray[np.bool_]:
    down = np.abs(np.arange(rows) - rows // 2)[:, None]
    across = np.abs(np.arange(columns) - columns // 2)[None, :]
    radius = np.hypot(down / (rows / 2), across / (columns / 2))
    return np.asarray((radius > _CENTRE) & (down > _AXIS) & (across > _AXIS))
