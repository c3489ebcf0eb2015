"""Plane: one magnitude picture, with its object, its air, and the bands of air that ghosts can and cannot reach.

Phase encoding smears and repeats an object along one axis only. So the air beside the object *along* that axis
(``phase_air``) may hold ghosts, and the air *across* it (``other_air``) holds noise; both see the same noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.masks import Mask, convex

Picture = NDArray[np.float32]
Axis = Literal[0, 1]
"""Of the array: 0, phase encoding from row to row (DICOM ``COLUMN``); 1, from column to column (``ROW``)."""

_SIGNAL = 0.12
"""Least share of the 98th percentile that is object: above a ghost of 10 %, below cerebrospinal fluid on T1."""
_OVER_AIR = 2.5
"""The object is this many times the usual air: Rayleigh noise exceeds that in one pixel of 140 [closed form]."""
_SPECK = 0.05
"""Share of the largest piece under which another piece is no part of the object."""
_MARGIN = 0.025
"""Of the picture's longer side: ringing and partial volume beside the object are neither object nor air."""
_NEVER_SAMPLED = 5
"""Side in pixels of a square that holds nothing but one value where the machine blanked the air."""
_LEAST_OBJECT = 0.02
_ROUGH = 0.35
"""Median step between neighbours over the mean: 0.5 in Rayleigh noise [closed form]."""
LEAST_AIR = 200
"""Pixels that a mean of air power needs: its relative error is then 1 / sqrt(200) = 7 % [closed form]."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """``values`` are magnitudes, never negative. ``phase`` None: the header does not say the axis."""

    values: Picture
    object: Mask
    air: Mask
    """Sampled air: not the object, not its margin, not blanked or padded."""
    pieces: Mask
    """Bright pieces too small for the object, with the margin: where no ghost comes, they are parts of a body."""
    phase: Axis | None
    spacing_mm: tuple[float, float] | None

    @property
    def signal(self) -> float:
        """Mean of the object with the noise taken off in quadrature (Gudbjartsson 1995)."""
        inside = self.values[self.object].astype(np.float64)
        return float(np.sqrt(max(float(np.mean(inside)) ** 2 - self.noise_power / 2, 0.0)))

    @property
    def noise_power(self) -> float:
        """Mean square of the air that ghosts cannot reach: 2 sigma^2. 0 when there is too little of it."""
        other = self.other_air
        return power(self.values, other) if np.count_nonzero(other) >= LEAST_AIR else 0.0

    @property
    def sigma(self) -> float | None:
        """Standard deviation of the noise in each of the two channels behind a Rayleigh distributed air."""
        return float(np.sqrt(self.noise_power / 2)) or None

    @property
    def phase_air(self) -> Mask:
        """Air that the object's ghosts reach: in the lines along the phase axis that cross the object."""
        before, after = self.phase_sides
        return before | after

    @property
    def phase_sides(self) -> tuple[Mask, Mask]:
        """The same before the first and after the last of the object's pixels in each line.

        What lies in a bay of the object is left out: it is more often dark tissue (a face in echo-planar pictures,
        the muscles of a shoulder) than air.
        """
        axis = self.phase or 0
        seen = np.cumsum(self.object, axis=axis)
        crossed = self._beside(axis) & self.air & ~hull(self.object)
        return crossed & (seen == 0), crossed & (seen == np.take(seen, [-1], axis=axis))

    @property
    def other_air(self) -> Mask:
        """Air that they do not reach; an arm at the edge of the field is no air."""
        reached = self._beside(0) | self._beside(1) if self.phase is None else self._beside(self.phase)
        return self.air & ~reached & ~self.pieces

    def _beside(self, axis: Axis) -> Mask:
        return np.broadcast_to(self.object.any(axis=axis, keepdims=True), self.object.shape)


def hull(mask: Mask) -> Mask:
    """The convex hull, with the margin around the object."""
    return _dilated(convex(mask).astype(np.uint8))


def _dilated(mask: NDArray[np.uint8]) -> Mask:
    """With the margin that is neither object nor air."""
    around = 1 + 2 * max(2, round(_MARGIN * max(mask.shape)))
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (around, around))
    return np.asarray(cv2.dilate(mask, element) > 0)


def power(values: Picture, where: Mask) -> float:
    """Mean square."""
    return float(np.mean(np.square(values[where], dtype=np.float64)))


def phase_axis(direction: str | None) -> Axis | None:
    """From InPlanePhaseEncodingDirection (PS3.3 C.8.3.1.1) or the COLUMN and ROW of enhanced objects.

    ``ROW``: phase encoded in rows, so ghosts run along a row, from column to column.
    """
    if direction is None:
        return None
    return {"ROW": 1, "COL": 0, "COLUMN": 0}.get(direction.strip().upper())  # type: ignore[return-value]


def plane_of(values: Picture, phase: Axis | None, spacing_mm: tuple[float, float] | None) -> Plane | None:
    """None where nothing stands out of the air.

    Args:
        values: (rows, columns) magnitudes; negative ones count as 0.
        phase: the axis of phase encoding.
        spacing_mm: between rows, between columns.
    """
    values = np.maximum(np.nan_to_num(values, copy=False), 0).astype(np.float32, copy=False)
    bright = above_air(values)
    thing = _object(values, bright)
    if thing is None:
        return None
    air = ~_dilated(thing.astype(np.uint8)) & sampled(values)
    pieces = bright & ~thing
    return Plane(
        values, thing, air, _dilated(pieces.astype(np.uint8)) if pieces.any() else pieces, phase, spacing_mm
    )


def bright_part(values: Picture, share: float) -> Mask:
    """What is brighter than this share of the brightest, without specks and holes."""
    smooth = np.asarray(cv2.blur(values, (3, 3)), np.float32)
    return _closed((smooth > share * float(np.percentile(smooth, 98))).astype(np.uint8))


def _closed(mask: NDArray[np.uint8]) -> Mask:
    """The large pieces, gaps and holes closed."""
    reach = 1 + 2 * max(1, round(0.02 * max(mask.shape)))
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    closed = np.asarray(cv2.morphologyEx(np.pad(mask, reach), cv2.MORPH_CLOSE, element), np.uint8)
    return _filled(_large_pieces(closed[reach:-reach, reach:-reach]))


def above_air(values: Picture) -> Mask:
    """What stands out of the air."""
    smooth = np.asarray(cv2.blur(values, (3, 3)), np.float32)
    bright = float(np.percentile(smooth, 98))
    if bright <= 0:
        return np.zeros(values.shape, np.bool_)
    dark = smooth[(smooth < 0.25 * bright) & (smooth > 0)]
    usual = float(np.median(dark)) if dark.size else 0.0
    return np.asarray(smooth > max(_SIGNAL * bright, min(_OVER_AIR * usual, 0.5 * bright)))


def _object(values: Picture, bright: Mask) -> Mask | None:
    found = _closed(bright.astype(np.uint8))
    large = float(found.mean()) >= _LEAST_OBJECT
    return found if large and not _is_noise(values, found) else None


def _is_noise(values: Picture, where: Mask) -> bool:
    """Rayleigh noise has neighbours that differ by half of its mean; a picture of something, by less."""
    inside = values[where]
    steps = np.abs(np.diff(values, axis=1))[where[:, 1:] & where[:, :-1]]
    return bool(steps.size) and float(np.median(steps)) > _ROUGH * float(inside.mean())


def _large_pieces(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(np.ascontiguousarray(mask))
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    keep = areas >= max(_SPECK * areas.max(), 1)
    return np.asarray(keep[labels], np.uint8)


def _filled(mask: NDArray[np.uint8]) -> Mask:
    """Holes closed: what cannot be reached from the border of the picture is inside."""
    ring = cv2.copyMakeBorder(1 - mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    _, labels = cv2.connectedComponents(ring, connectivity=4)
    return np.asarray(labels != labels[0, 0])[1:-1, 1:-1]


def sampled(values: Picture) -> Mask:
    """Where neighbours differ: blanked air and padding are constant."""
    side = (_NEVER_SAMPLED, _NEVER_SAMPLED)
    element = np.ones(side, np.uint8)
    same = cv2.dilate(values, element) == cv2.erode(values, element)
    return np.asarray(cv2.dilate(same.astype(np.uint8), element) == 0)
