"""Upright: a stack of any orientation turned so that head, front and right come first. No resampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.sets.sheet import Extent, PanelName, Picture
from models.sets.volume import Volume

_TO_FIRST = ((2, -1.0), (1, 1.0), (0, 1.0))
"""Axis and sign in LPS of head to feet (-z), front to back (+y), right to left (+x)."""
_NEARLY = 0.7
"""Cosine of the most that a stack may be turned and still be called axial, coronal or sagittal: 45 degrees."""


@dataclass(frozen=True, slots=True, eq=False)
class Upright:
    """(head to feet, front to back, right to left) modality values, with the distances between them in mm."""

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]
    order: tuple[int, int, int]
    """Which axis of the stack (0 slices, 1 rows, 2 columns) each axis came from."""
    flipped: tuple[bool, bool, bool]

    @property
    def extent(self) -> Extent:
        high, deep, wide = (n * step for n, step in zip(self.values.shape, self.spacing_mm, strict=True))
        return Extent(high, deep, wide)

    def middle(self, shown: tuple[float, float]) -> dict[PanelName, Picture]:
        """The three planes through the middle, and the two ends."""
        _, deep, wide = self.values.shape
        extent = self.extent
        panels: dict[PanelName, Picture] = {
            "coronal": Picture(self.values[:, deep // 2, :], extent.of("coronal"), shown, ("R", "H")),
            "sagittal": Picture(self.values[:, :, wide // 2], extent.of("sagittal"), shown, ("A", "H")),
        }
        slices: tuple[tuple[PanelName, int], ...] = (("axial", len(self.values) // 2), ("first", 0), ("last", -1))
        for name, at in slices:
            panels[name] = Picture(self.values[at], extent.of(name), shown, ("R", "A"))
        return panels


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stack is turned: see :class:`Upright`."""

    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]


def upright_of(volume: Volume) -> Upright | None:
    """A series turned upright; None as :func:`turn`."""
    turned = turn_of(volume)
    return None if turned is None else upright(volume.values, volume.spacing_mm, turned)


def turn_of(volume: Volume) -> Turn | None:
    """How to turn a series; None as :func:`turn`."""
    return turn(volume.orientation[3:], volume.orientation[:3], tuple(volume.direction))


def turn(rows_run: Sequence[float], columns_run: Sequence[float], slices_run: Sequence[float]) -> Turn | None:
    """How to turn a stack (slices, rows, columns).

    Args:
        rows_run: LPS direction in which the row index grows (second triple of ImageOrientationPatient).
        columns_run: in which the column index grows (first triple).
        slices_run: in which the slice index grows.

    Returns:
        None when the stack is so oblique that its axes cannot be named (45 degrees or more).
    """
    runs = np.array([slices_run, rows_run, columns_run], np.float64)
    order, flipped = [], []
    for axis, sign in _TO_FIRST:
        nearest = int(np.argmax(np.abs(runs[:, axis])))
        if abs(runs[nearest, axis]) < _NEARLY or nearest in order:
            return None
        order.append(nearest)
        flipped.append(bool(runs[nearest, axis] * sign < 0))
    return Turn((order[0], order[1], order[2]), (flipped[0], flipped[1], flipped[2]))


def upright(values: NDArray[np.float32], spacing_mm: tuple[float, float, float], how: Turn) -> Upright:
    """Turn a stack (slices, rows, columns). Nothing is copied."""
    turned = np.transpose(values, how.order)
    turned = turned[tuple(slice(None, None, -1) if flip else slice(None) for flip in how.flipped)]
    a, b, c = (spacing_mm[axis] for axis in how.order)
    return Upright(turned, (a, b, c), how.order, how.flipped)
