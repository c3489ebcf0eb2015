"""A head in a CT: how much of the brain was scanned (CH01), and jumps of the skull (CH04)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.body import Body
from models.ct.components import counts, filled, labelled
from models.ct.scan import Scan
from models.masks import Mask, disc

BONE_HU = 200.0
_BRAIN_HU = (-5.0, 95.0)
_OPEN_MM = 4.0
"""What is thinner is no brain: scalp, orbit, the gap between skull and brain."""
_LEAST_ML = 250.0
TOP_MM2 = 300.0
"""Of brain in a slice that counts as brain at the vertex."""
MAGNUM_MM2 = 1500.0
"""Of what the skull encloses where it ends: the foramen magnum has 700 to 1000 mm2 (34 x 29 mm) and a rim."""
_WIDE = 0.7
_SKULL_MM2 = 5000.0


@dataclass(frozen=True, eq=False)
class Head:
    """``brain``: (n, rows, columns). ``skull``: bone with all that it encloses."""

    brain: Mask
    skull: Mask
    pixel_mm2: float

    @cached_property
    def areas_mm2(self) -> NDArray[np.float64]:
        """(n,) of brain by slice."""
        return np.asarray(counts(self.brain) * self.pixel_mm2, np.float64)

    @cached_property
    def wide(self) -> slice:
        """The slices between the first and the last in which the brain is nearly as large as anywhere."""
        at = np.flatnonzero(self.areas_mm2 >= _WIDE * self.areas_mm2.max())
        return slice(int(at[0]), int(at[-1]) + 1)


def head_of(scan: Scan, body: Body) -> Head | None:
    """None when there is no brain in a skull: another part, a phantom, a skull without brain."""
    brain = np.zeros(scan.hu.shape, np.bool_)
    skull = np.zeros(scan.hu.shape, np.bool_)
    kernel = disc(_OPEN_MM, scan.spacing_mm)
    for at, one in enumerate(scan.hu):
        bone = body.whole[at] & (one > BONE_HU)
        if not bone.any():
            continue
        closed = enclosed(bone)
        tissue = closed & ~bone & (one > _BRAIN_HU[0]) & (one < _BRAIN_HU[1])
        brain[at] = cv2.morphologyEx(tissue.astype(np.uint8), cv2.MORPH_OPEN, kernel) > 0
        skull[at] = filled(bone | closed)
    labels, sizes = labelled(brain)
    if len(sizes) == 1 or sizes.max() * scan.pixel_mm2 * scan.step_mm < 1000 * _LEAST_ML:
        return None
    return Head(labels == int(np.argmax(sizes)), skull, scan.pixel_mm2)


def enclosed(bone: Mask) -> Mask:
    """Pixels of one slice that see bone to the left, to the right, in front and behind."""
    return _between(bone) & _between(bone.T).T


def _between(bone: Mask) -> Mask:
    """From the first to the last pixel of bone in each row."""
    first, last = bone.argmax(axis=1), bone.shape[1] - 1 - bone[:, ::-1].argmax(axis=1)
    column = np.arange(bone.shape[1])
    within = (column >= first[:, None]) & (column <= last[:, None])
    return np.asarray(within & bone.any(axis=1, keepdims=True), np.bool_)


@dataclass(frozen=True, slots=True)
class HeadCoverage:
    """In mm along the normal of the slices; 0 where the end slice shows brain."""

    top_mm: float
    bottom_mm: float
    """From the foramen magnum to the last slice."""


def head_coverage(scan: Scan, head: Head) -> HeadCoverage:
    """From the brain's outermost slices to the outermost slices of the scan."""
    top = np.flatnonzero(head.areas_mm2 >= TOP_MM2)
    base = np.flatnonzero(head.areas_mm2 >= MAGNUM_MM2)
    bottom = scan.z_mm[-1] - scan.z_mm[base[-1]] if len(base) else np.nan
    return HeadCoverage(float(scan.z_mm[top[0]] - scan.z_mm[0]), float(bottom))


def jumps_mm(scan: Scan, head: Head) -> NDArray[np.float64] | None:
    """(m,) steps of the skull's outline from each slice to the next, without what the skull's own shape does.

    Of the centroid, in the plane; to the sides only, where the gantry leans. None where fewer than five wide
    slices show it.
    """
    at = np.arange(len(scan.hu))[head.wide]
    at = at[[_skull_mm2(head, one) > _SKULL_MM2 for one in at]]
    if len(at) < 5:
        return None
    centres = np.array([_centroid_mm(head.skull[one], scan.spacing_mm) for one in at])
    z = scan.z_mm[at]
    share = ((z[1:-1] - z[:-2]) / (z[2:] - z[:-2]))[:, None]
    away = centres[1:-1] - (centres[:-2] * (1 - share) + centres[2:] * share)
    # A step between two slices leaves half of itself on either side; a bend leaves the same on both.
    steps = np.diff(away, axis=0)
    return np.abs(steps[:, 1]) if scan.tilted else np.asarray(np.linalg.norm(steps, axis=1), np.float64)


def _skull_mm2(head: Head, at: int) -> float:
    return float(head.skull[at].sum()) * head.pixel_mm2


def _centroid_mm(mask: Mask, spacing_mm: tuple[float, float]) -> tuple[float, float]:
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    return moments["m01"] / moments["m00"] * spacing_mm[0], moments["m10"] / moments["m00"] * spacing_mm[1]
