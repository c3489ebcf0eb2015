"""MB02: whether the head is in the scanned block, from the area of the object in each slice.

Axial: the area falls to nothing at the vertex. Where the last slice still shows head, what is missing above it
follows from its area and how fast that falls, as in the cap of a sphere: A = pi (2 r h - h^2), A' = 2 pi (r - h),
so that h = (sqrt(A'^2 + 4 pi A) - A') / (2 pi) [closed form].
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_NOTHING = 0.03
"""Share of the largest area that is no more head."""
_STEEP = 3
"""Slices, at least, whose fall of area is extrapolated."""
_STEEP_MM = 12.0
"""And how much of the head: in thin slices the object's edge jumps by more than a slice's fall."""
_MIDDLE = 0.6
"""Of the largest area: a last slice as large as that is far from the vertex, whatever its fall says."""
_FARTHEST_MM = 80.0


@dataclass(frozen=True, slots=True)
class Coverage:
    """``top_mm``: scanned air above the head; negative, how much of the head is missing above.
    ``down_mm``: from the top of the head to the end of the lowest slice."""

    top_mm: float
    down_mm: float


def axial(areas_mm2: Sequence[float], positions_mm: Sequence[float], thickness_mm: float) -> Coverage | None:
    """Slices from the feet to the head.

    Args:
        areas_mm2: of the object in each slice.
        positions_mm: of the slices' centres, rising towards the head.
        thickness_mm: of a slice, or its spacing.
    """
    area, at = np.asarray(areas_mm2, np.float64), np.asarray(positions_mm, np.float64)
    if len(area) < _STEEP + 2 or area.max() <= 0:
        return None
    head = np.flatnonzero(area > _NOTHING * area.max())
    last = int(head[-1])
    half = thickness_mm / 2
    end = float(at[-1]) + half
    vertex = _vertex(area, at, last, half)
    if vertex is None:
        return None
    return Coverage(min(end - vertex, _FARTHEST_MM), vertex - (float(at[0]) - half))


def _vertex(area: NDArray[np.float64], at: NDArray[np.float64], last: int, half: float) -> float | None:
    """Where the area would be 0, by the cap whose area and fall are those of the last slices with head.

    None where it does not fall although the vertex must be near.
    """
    first = min(max(last - _STEEP + 1, 0), int(np.searchsorted(at, at[last] - _STEEP_MM)))
    some = slice(first, last + 1)
    slope, there = _line(at[some], area[some], float(at[last]))
    # A line through the last slices has the slope of their middle; a sphere loses 2 pi more with every mm.
    fall = -slope + math.pi * float(at[last] - at[first])
    cut = last == len(area) - 1
    if slope >= 0:
        far = float(at[last]) + (_FARTHEST_MM if cut else half)
        return far if area[last] >= _MIDDLE * area.max() or not cut else None
    beyond = (math.sqrt(fall**2 + 4 * math.pi * max(there, 0.0)) - fall) / (2 * math.pi)
    if not cut:
        beyond = min(beyond, float(at[last + 1] - at[last]) + half)
    return float(at[last]) + min(beyond, _FARTHEST_MM)


def _line(x: NDArray[np.float64], y: NDArray[np.float64], where: float) -> tuple[float, float]:
    """Slope, and value at a place, by the median of all pairs (Theil and Sen): an odd slice does not turn it."""
    i, j = np.triu_indices(len(x), 1)
    slope = float(np.median((y[j] - y[i]) / (x[j] - x[i])))
    return slope, float(np.median(y + slope * (where - x)))


def end_share(areas: Sequence[float]) -> float:
    """Area of the object in the larger of both end slices over the largest of all: near 1, the head goes on."""
    return float(max(areas[0], areas[-1]) / max(areas))
