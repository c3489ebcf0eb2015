"""MB06: how unevenly the object shines, as a field of low order through medians of coarse cells.

Cells are too coarse to show anatomy, and the order of the field is too low to follow it; what is left is the
sensitivity of coils and the penetration of the radio frequency (the INU of MRIQC, there taken from N4).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.mr.plane import Plane

CELLS = 8
"""Cells to a side of the object's box."""
_COVERED = 0.5
_LEAST_CELLS = 24
_ROUNDS = 3


def cells(plane: Plane) -> NDArray[np.float32]:
    """(CELLS, CELLS, 3): row and column of each cell's centre as fractions of the picture, and its median.

    The median is NaN where less than half of the cell is object.
    """
    rows, columns = (np.flatnonzero(plane.object.any(axis=axis)) for axis in (1, 0))
    down = np.linspace(rows[0], rows[-1] + 1, CELLS + 1).round().astype(int)
    across = np.linspace(columns[0], columns[-1] + 1, CELLS + 1).round().astype(int)
    height, width = plane.values.shape
    out = np.full((CELLS, CELLS, 3), np.nan, np.float32)
    for i in range(CELLS):
        for j in range(CELLS):
            at = slice(down[i], down[i + 1]), slice(across[j], across[j + 1])
            out[i, j, :2] = (down[i] + down[i + 1]) / 2 / height, (across[j] + across[j + 1]) / 2 / width
            inside = plane.object[at]
            if inside.size and inside.mean() >= _COVERED:
                out[i, j, 2] = np.median(plane.values[at][inside])
    return out


def nonuniformity_percent(slices: Sequence[NDArray[np.float32]]) -> float | None:
    """100 (high - low) / (high + low) of the 95th and 5th percentile of the field; None: too few cells.

    Args:
        slices: :func:`cells` of each slice, in order.
    """
    rows = [
        (*cell[:2], position, np.log(cell[2]))
        for position, grid in zip(np.linspace(0, 1, max(len(slices), 2)), slices, strict=False)
        for cell in grid.reshape(-1, 3)
        if np.isfinite(cell[2]) and cell[2] > 0
    ]
    if len(rows) < _LEAST_CELLS:
        return None
    at = np.array(rows, np.float64)
    field = _fitted(at[:, :3] * 2 - 1, at[:, 3], with_depth=len(slices) > 2)
    low, high = np.exp(np.percentile(field, (5, 95)))
    return float(100 * (high - low) / (high + low))


def _fitted(where: NDArray[np.float64], what: NDArray[np.float64], with_depth: bool) -> NDArray[np.float64]:
    y, x, z = where.T
    terms = [np.ones_like(x), x, y, x * y, x**2, y**2]
    if with_depth:
        terms += [z, z**2, x * z, y * z]
    design = np.stack(terms, axis=1)
    weight = np.ones(len(what))
    field = what
    for _ in range(_ROUNDS):
        solved, *_ = np.linalg.lstsq(design * weight[:, None], what * weight, rcond=None)
        field = design @ solved
        off = np.abs(what - field)
        weight = 1 / np.maximum(off, max(1.4826 * float(np.median(off)), 1e-6))
        weight /= weight.max()
    return np.asarray(field)
