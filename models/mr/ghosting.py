"""MB04: ghosts along the phase axis, in percent of the object's signal, with the noise taken off in quadrature.

Both bands of air hold the same noise, and a ghost adds its own power to one of them (Rician), so a difference of
means reads 0.21 % for a ghost of 2.5 % (image-qc.md 9.4). Here the amplitude is solved for from the medians of
both bands: medians, because tissue that is too dark to be seen as the object lies in few of the band's pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from models.masks import Mask
from models.mr.copies import copy_of
from models.mr.plane import LEAST_AIR, Plane

_LEAST_SHARE = 0.01
"""Of the picture: the bands together, under which a ghost is hidden by the object itself."""
_ERRORS = 3.0
"""A ghost under this many standard errors of the noise is none."""
_ALIKE = 0.45
"""Correlation from which it is a copy: untouched slices of people reach 0.40, those of one series with ghosts at
half the field, seen by eye, 0.67; where ghosts of 8 % and more were put in, 0.3 to 0.95 [M]."""


@dataclass(frozen=True, slots=True)
class Ghost:
    """``percent`` of the object's signal; ``least_percent``: what the noise of these bands could hide."""

    percent: float
    least_percent: float
    share: float
    """Of the picture that is phase band: a small one says little."""
    both_sides: bool
    """Both sides say the same: a ghost, or none; or it is a copy of the object. What one side alone shows may be
    tissue that is too dark."""


def ghost(plane: Plane) -> Ghost | str:
    """Of one plane, or why not: what is in the air, or what is a copy of the object, whichever is more."""
    if plane.phase is None:
        return "the phase-encoding direction is not in the header"
    found, copy = _in_the_air(plane), copy_of(plane)
    if copy is None or copy.likeness < _ALIKE:
        return found
    if isinstance(found, str):
        return Ghost(copy.percent, 0.0, 0.0, True)
    return replace(found, percent=max(found.percent, copy.percent), both_sides=True)


def _in_the_air(plane: Plane) -> Ghost | str:
    """Copies lie on both sides of the object; what shows on one only may be tissue."""
    other = plane.other_air
    sides = [side for side in plane.phase_sides if np.count_nonzero(side) >= LEAST_AIR]
    share = sum(np.count_nonzero(side) for side in sides) / plane.values.size
    if np.count_nonzero(other) < LEAST_AIR or share < _LEAST_SHARE:
        return "too little air beside the object"
    signal = plane.signal
    if signal <= 0:
        return "no signal"
    noise = typical_power(plane, other)
    variance = noise / (2 * math.log(2))
    # The median of n squares of Rayleigh noise has a standard error of 2 variance / sqrt(n).
    beyond = {
        k: _ERRORS * 2 * variance * math.sqrt(1 / np.count_nonzero(side) + 1 / np.count_nonzero(other))
        for k, side in enumerate(sides)
    }
    seen = [k for k, side in enumerate(sides) if typical_power(plane, side) - noise > beyond[k]]
    squares = float(np.mean([typical_power(plane, sides[k]) for k in seen])) if seen else 0.0
    return Ghost(
        100 * amplitude(squares, variance) / signal if seen else 0.0,
        100 * math.sqrt(min(beyond.values())) / signal,
        share,
        len(sides) == 2 and len(seen) != 1,
    )


def amplitude(median_square: float, variance: float) -> float:
    """A of A^2 + noise whose square has this median (a non-central chi-square of 2 degrees; Wilson and Hilferty).

    Args:
        median_square: of the magnitudes.
        variance: of the noise in each channel.
    """
    if variance <= 0:
        return math.sqrt(median_square)
    low, high = 0.0, median_square / variance
    for _ in range(40):
        middle = (low + high) / 2
        total = 2 + middle
        median = total * (1 - 2 * (1 + middle / total) / (9 * total)) ** 3
        low, high = (middle, high) if median < median_square / variance else (low, middle)
    return math.sqrt(low * variance)


def typical_power(plane: Plane, where: Mask) -> float:
    """Median of the squares."""
    return float(np.median(plane.values[where])) ** 2
