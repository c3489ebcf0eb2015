"""MB03: an index of motion during the scan. It says something only against what this device and protocol gives.

Lines of k-space from different poses do three things together that noise and ghosts do not. They spread energy
over the picture (EFC rises), they blur fine structure (the signal over the finest detail rises, where noise makes
it fall), and they do so along the phase axis (its ripple falls against the other axis). The index adds the three,
each in units of how much it differs between parts of one untouched series; no weight was fitted (handbook, mr).
"""

from __future__ import annotations

import math

import numpy as np

from models.mr.plane import Mask, Plane

_EFC, _DETAIL, _RIPPLE = 0.014, 0.054, 0.018
"""Standard deviations between interleaved thirds of the same untouched series: 22 of them, of 7 subjects [M]."""


def ripple(plane: Plane) -> float | None:
    """Logarithm of the median second difference along the phase axis over that across it, inside the object."""
    if plane.phase is None:
        return None
    along, across = (_second_difference(plane, axis) for axis in (plane.phase, 1 - plane.phase))
    return math.log(along / across) if along > 0 and across > 0 else None


def index(efc: float, snr_inside: float, ripple: float) -> float:
    """Higher: more like motion. Its level is the sequence's and the part's own; only a change says something."""
    return efc / _EFC + math.log(max(snr_inside, 1e-6)) / _DETAIL - ripple / _RIPPLE


def _second_difference(plane: Plane, axis: int) -> float:
    steps = np.abs(np.diff(plane.values, 2, axis=axis))[_inside(plane.object, axis)]
    return float(np.median(steps)) if steps.size else 0.0


def _inside(mask: Mask, axis: int) -> Mask:
    """Where three neighbours in a line are object."""
    length = mask.shape[axis]
    first, second, third = (np.take(mask, range(k, length - 2 + k), axis=axis) for k in range(3))
    return np.asarray(first & second & third)
