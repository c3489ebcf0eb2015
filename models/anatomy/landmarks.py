"""Landmarks: a point or an upright line out of a heat map, finer than its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anatomy.structures import Organ, Points
from models.image.picture import Picture

_LEAST_PEAK = 0.15
"""A heat map that nowhere gets warmer shows nothing."""
_FULL_PEAK = 0.5
"""From here on the network is as sure as it gets."""
_OF_SPOT = 0.5
"""A spot is what is at least this warm, as a share of its peak."""
_RIVAL = 0.75
"""Another spot as warm as this share of the peak makes the point ambiguous."""
_SHARP_PX, _WIDE_PX = 3.0, 12.0
"""Mean distance from the centre of a spot as sharp as it is taught; so much more takes all confidence away."""
_LEAST_ROWS = 16
_STRAIGHT_PX = 2.0
"""Scatter of a line about its fit that takes all confidence away is three times this."""


@dataclass(frozen=True, slots=True, eq=False)
class Landmark:
    """A point on the canvas, pixel edges counted from 0."""

    at: Points
    confidence: float


@dataclass(frozen=True, slots=True)
class Line:
    """x = x_at_0 + slope * y on the canvas, seen from row ``top`` to row ``bottom``."""

    x_at_0: float
    slope: float
    top: float
    bottom: float
    confidence: float

    def x(self, y: float) -> float:
        return self.x_at_0 + self.slope * y

    def points(self, top: float, bottom: float) -> Points:
        return np.array([(self.x(top), top), (self.x(bottom), bottom)])


def peak_of(heat: Picture) -> Landmark | None:
    """The centre of gravity of the warm spot around the peak; None where nothing is warm.

    Less sure the wider the spot is, and where another one is nearly as warm.
    """
    row, column = np.unravel_index(int(np.argmax(heat)), heat.shape)
    peak = float(heat[row, column])
    if peak < _LEAST_PEAK:
        return None
    _, spots = cv2.connectedComponents((heat >= _OF_SPOT * peak).astype(np.uint8), connectivity=8)
    rows, columns = np.nonzero(spots == spots[row, column])
    weight = heat[rows, columns].astype(np.float64)
    places = np.stack([columns, rows], axis=1) + 0.5
    at = weight @ places / weight.sum()
    wide = float(np.sqrt(weight @ ((places - at) ** 2).sum(axis=1) / weight.sum()))
    rival = bool((heat[(spots > 0) & (spots != spots[row, column])] >= _RIVAL * peak).any())
    sharp = min(1.0, max(0.0, 1 - (wide - _SHARP_PX) / _WIDE_PX))
    return Landmark(at, min(1.0, peak / _FULL_PEAK) * sharp * (0.5 if rival else 1.0))


def ridge_of(heat: Picture, top: float, bottom: float) -> Line | None:
    """The straight line along a warm, upright ridge between two rows; None where there is none."""
    first, last = max(0, round(top)), min(heat.shape[0], round(bottom))
    part = heat[first:last].astype(np.float64)
    warm = part.max(axis=1, initial=0) >= _LEAST_PEAK
    if int(warm.sum()) < _LEAST_ROWS:
        return None
    weight = np.where(part >= 0.5 * part.max(axis=1, keepdims=True), part, 0)[warm]
    x = weight @ (np.arange(part.shape[1]) + 0.5) / weight.sum(axis=1)
    y = np.flatnonzero(warm) + first + 0.5
    return _through(x, y, min(1.0, float(np.median(part.max(axis=1)[warm])) / _FULL_PEAK))


def axis_of(organ: Organ, top: float, bottom: float) -> Line | None:
    """The straight line through the middles of an upright organ's rows; None where it has too few."""
    mask = organ.mask.copy()
    mask[: max(0, round(top))] = False
    mask[max(0, round(bottom)) :] = False
    width = mask.sum(axis=1)
    y = np.flatnonzero(width)
    if len(y) < 2 * _LEAST_ROWS:
        return None
    x = (mask[y] @ (np.arange(mask.shape[1]) + 0.5)) / width[y]
    return _through(x, y + 0.5, organ.certainty)


def _through(x: NDArray[np.floating], y: NDArray[np.floating], sure: float) -> Line:
    """Least squares twice: the second time without the rows that lie far off."""
    slope, start = np.polyfit(y, x, 1)
    off = np.abs(x - start - slope * y)
    kept = off <= max(1.0, 2.5 * float(np.median(off)))
    slope, start = np.polyfit(y[kept], x[kept], 1)
    scatter = float(np.sqrt(np.mean((x[kept] - start - slope * y[kept]) ** 2)))
    straight = max(0.0, 1 - scatter / (3 * _STRAIGHT_PX))
    return Line(float(start), float(slope), float(y[0]), float(y[-1]), sure * straight * float(kept.mean()) ** 0.5)
