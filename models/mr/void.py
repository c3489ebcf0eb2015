"""Voids: signal that is missing on one side of a head only, as beside metal (MB09).

Sinuses, ventricles and air cells are dark as well, but on both sides. What is dark where its mirror image is not
is a void; it says something against what the device usually gives. Voids on the middle are not seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.masks import Mask, convex, disc
from models.mr.chosen import column, usable
from models.mr.kept import plane_again
from models.mr.plane import Plane, above_air
from models.sets.image_set import Series, Slice, SlicePixels
from models.sets.latest import of_the_latest

_ALIKE, _WIDEST_DEG, _STEADY_DEG, _FEWEST = 0.85, 20.0, 3.0, 5
"""Halves that correlate, turn, its median deviation from slice to slice, and slices: for an axis to be one."""
_THIN_MM, _BESIDE_MM = 2.0, 4.0
"""Radius of what is too small to be a void, and how far a mirror image may lie beside its place."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Of symmetry in all slices of a stack: ``degrees`` from the vertical, clockwise; through (row, column), which
    are fractions of the picture's height and width."""

    degrees: float
    row: float
    column: float


@dataclass(frozen=True, slots=True, eq=False)
class Voids:
    """``percent``: mean share of the head. ``mask``: where they lie in ``worst``, the slice with most of them."""

    percent: float
    worst: Slice
    mask: Mask


@of_the_latest
def voids_of(series: Series) -> Voids | None:
    """None without a plane of symmetry that holds for all slices."""
    slices = [one for one in usable(series.slices) if isinstance(one.pixels, SlicePixels)]
    axis = axis_of(slices)
    planes = [] if axis is None else [(one, plane) for one in slices if (plane := plane_again(one)) is not None]
    if axis is None or not planes:
        return None
    heads = [convex(plane.object) for _, plane in planes]
    masks = [void(plane, head, axis) for (_, plane), head in zip(planes, heads, strict=True)]
    shares = [np.count_nonzero(mask) / np.count_nonzero(head) for mask, head in zip(masks, heads, strict=True)]
    worst = int(np.argmax(shares))
    return Voids(100 * float(np.mean(shares)), planes[worst][0], masks[worst])


def axis_of(slices: Sequence[Slice]) -> Axis | None:
    """The median over the half of the slices whose halves are most alike; None of sagittal ones, or where it turns
    from slice to slice.

    One for all, and not of all: a void moves the axis of its own slices.
    """
    degrees, offset, alike = (column(slices, "mr.symmetry", at) for at in range(3))
    usual = np.nanmedian(alike) if np.isfinite(alike).any() else np.inf
    seen = alike >= max(_ALIKE, usual)
    if int(seen.sum()) < _FEWEST:
        return None
    turned = float(np.median(degrees[seen]))
    if abs(turned) > _WIDEST_DEG or float(np.median(np.abs(degrees[seen] - turned))) > _STEADY_DEG:
        return None
    rows = column(slices, "mr.object", 1)
    return Axis(turned, float(np.median(rows)), float(np.median(offset[seen])))


def void(plane: Plane, head: Mask, axis: Axis) -> Mask:
    """What is dark in the head, or in its mirror image, and bright on the other side.

    ``head``: all that its outline holds.
    """
    beside, thin = (disc(radius, plane.spacing_mm or (1.0, 1.0)) for radius in (_BESIDE_MM, _THIN_MM))
    seen = above_air(plane.values)
    other_head, other_seen = (_mirrored(mask, axis) for mask in (head, seen))
    other_sure = cv2.erode(other_seen.astype(np.uint8), beside) > 0
    dark = (head | other_head) & ~seen & other_head & other_sure
    return np.asarray(cv2.morphologyEx(dark.astype(np.uint8), cv2.MORPH_OPEN, thin) > 0)


def _mirrored(mask: Mask, axis: Axis) -> Mask:
    rows, columns = mask.shape
    turn = math.radians(axis.degrees)
    along = np.array((-math.sin(turn), math.cos(turn)))
    mirror = 2 * np.outer(along, along) - np.eye(2)
    centre = np.array((axis.column * columns - 0.5, axis.row * rows - 0.5))
    matrix = np.hstack([mirror, (centre - mirror @ centre)[:, None]])
    return np.asarray(cv2.warpAffine(mask.astype(np.float32), matrix, (columns, rows)) > 0.5)
