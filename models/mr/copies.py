"""Copies of the object along the phase axis: what every ghost is, whatever else is dark or bright there.

An amplitude in the air does not say whether it is a ghost or dark tissue, and a strong ghost is taken for the
object. A copy looks like what it is a copy of. So the bright part of the object is moved along the axis by every
distance, and compared with what lies there outside of it: where both are most alike, and by how much the one
follows the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mr.plane import Picture, Plane, bright_part, hull, sampled

_SIDE = 96
"""Pixels of the longer side that are compared: a copy has the object's shape, and its noise is averaged away."""
_BRIGHT = 0.35
"""Of the brightest: ghosts are weaker."""
_NEAREST = 8
"""Of the field, its n-th part: the least distance of a copy."""
_LEAST_SHARE, _LEAST_PIXELS = 0.02, 150
"""Of the picture, and pixels, on which both are compared."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The likeliest one. ``likeness``: correlation with the object where it lies; ``percent`` of the object;
    ``distance`` as a share of the field."""

    likeness: float
    percent: float
    distance: float


def copy_of(plane: Plane) -> Copy | None:
    """None without a phase axis, or where too little of any copy would lie outside of the object."""
    if plane.phase is None:
        return None
    small = _small(plane.values)
    core = bright_part(small, _BRIGHT)
    free = ~hull(core) & sampled(small)
    lines, inside, outside = (np.moveaxis(one, plane.phase, 0).astype(np.float64) for one in (small, core, free))
    likeness, slope = _compared(lines, inside, outside)
    at = int(np.argmax(likeness))
    if likeness[at] <= 0:
        return None
    return Copy(float(likeness[at]), 100 * float(slope[at]), at / len(lines))


def _compared(
    lines: NDArray[np.float64], inside: NDArray[np.float64], outside: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Correlation and slope for every distance; 0 where too little of the copy is outside."""
    source, there = lines * inside, lines * outside
    count = _moved(inside, outside)
    enough = count >= max(_LEAST_PIXELS, _LEAST_SHARE * lines.size)
    near = len(lines) // _NEAREST
    enough[: max(near, 1)] = enough[len(lines) - near + 1 :] = False
    count = np.maximum(count, 1)
    x, y = _moved(source, outside) / count, _moved(inside, there) / count
    across = _moved(source, there) / count - x * y
    of_x = _moved(source * lines, outside) / count - x**2
    of_y = _moved(inside, there * lines) / count - y**2
    enough &= (of_x > 0) & (of_y > 0)
    safe = np.where(enough, of_x, 1.0)
    likeness = across / np.sqrt(safe * np.where(enough, of_y, 1.0))
    return np.where(enough, likeness, 0.0), np.where(enough, across / safe, 0.0)


def _moved(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the products when the first is moved round along the lines by 0, 1, 2..."""
    spectrum = np.conj(np.fft.rfft(one, axis=0)) * np.fft.rfft(other, axis=0)
    return np.asarray(np.fft.irfft(spectrum.sum(axis=1), len(one)), np.float64)


def _small(values: Picture) -> Picture:
    factor = max(1, -(-max(values.shape) // _SIDE))
    rows, columns = (length // factor for length in values.shape)
    whole = np.ascontiguousarray(values[: rows * factor, : columns * factor])
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
