"""MB07: anatomy that leaves the field of view along the phase axis comes in again on the opposite side.

The sampled field is periodic along that axis, so an object that is wrapped is as smooth *across* the edge as it is
beside it; one that is merely cut off is not. Score: the share of the edge that holds signal on both sides, times
how far its last line goes on in the first line of the opposite edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.mr.plane import Plane

_LINES = 2
_BRIGHT = 0.15
"""Of the object's median: signal at the edge that is anatomy, not noise."""
_LEAST_SPAN = 8


def wrap_score(plane: Plane) -> float | str:
    """0, nothing at the edge, to 1, the object goes on over the whole of its width. Or why not."""
    found = edges(plane)
    if isinstance(found, str):
        return found
    span = int(np.count_nonzero(found.both))
    if span < _LEAST_SPAN:
        return 0.0
    width = int(np.count_nonzero(plane.object.any(axis=plane.phase)))
    goes_on = _likeness(found.first[found.both], found.last[found.both])
    return float(min(1.0, 2.0 * span / max(width, 1)) * max(goes_on, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The first and the last lines across the phase axis, and where both hold signal."""

    first: NDArray[np.float32]
    last: NDArray[np.float32]
    both: NDArray[np.bool_]


def edges(plane: Plane) -> Edges | str:
    """Where anatomy touches both edges of the phase axis; or why that cannot be said."""
    if plane.phase is None:
        return "the phase-encoding direction is not in the header"
    lines = np.moveaxis(plane.values, plane.phase, 0)
    if lines.shape[0] < 32 or lines.shape[1] < 32:
        return "a picture under 32 pixels"
    first, last = lines[:_LINES].mean(axis=0), lines[-_LINES:].mean(axis=0)
    if not first.any() or not last.any():
        return "the edge is blanked"
    inside = plane.values[plane.object]
    floor = max(_BRIGHT * float(np.median(inside)), 4 * (plane.sigma or 0.0))
    return Edges(first, last, (first > floor) & (last > floor))


def _likeness(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Correlation of two lines about their means, times how near their levels are: 1 for the same line."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    level = 1 - abs(x.mean() - y.mean()) / (x.mean() + y.mean())
    spread = float(x.std() * y.std())
    if spread < 1e-9:
        return float(level)
    return float(np.mean((x - x.mean()) * (y - y.mean())) / spread * level)
