"""A chest in a CT: how much of the lungs was scanned, and how the patient lay (CC01 to CC03, CC09)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.ct.body import SKIN_HU, Body
from models.ct.lungs import LEAST_MM2, Lungs
from models.ct.scan import Scan
from models.masks import Mask, disc

_BONE_HU = 250.0
_ARM_OFF_MM = 38.0
"""Bone this far outside the lungs is an arm: ribs lie at 5 to 20 mm, the scapula's blade at up to 30."""
_ARM_MM2 = (60.0, 2500.0)
_ARM_THICK_MM = 12.0
_ARM_SLICES = 0.4
"""An arm is there when this share of the slices beside the lower lungs shows it."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """In mm along the table. A lung in an end slice has a margin of 0."""

    top_mm: float
    bottom_mm: float
    cut_top_mm2: float
    """Lung in the first slice, 0 when there is none."""
    cut_bottom_mm2: float


def coverage(scan: Scan, lungs: Lungs) -> Coverage:
    """From the lungs' outermost slices to the outermost slices of the scan."""
    areas = np.where(lungs.areas_mm2 >= LEAST_MM2, lungs.areas_mm2, 0.0)
    return Coverage(
        top_mm=float(scan.z_mm[lungs.first] - scan.z_mm[0]),
        bottom_mm=float(scan.z_mm[-1] - scan.z_mm[lungs.last]),
        cut_top_mm2=float(areas[0]),
        cut_bottom_mm2=float(areas[-1]),
    )


@dataclass(frozen=True, slots=True)
class Offset:
    """Of the patient from the isocentre, mm: positive towards the table and towards the patient's left."""

    down_mm: float
    across_mm: float


def off_centre(scan: Scan, body: Body, slices: slice) -> Offset | None:
    """Median over these slices of the trunk's centroid; None where the isocentre is not known.

    The centroid of the filled outline, as Kaljuste et al. and the automatic table systems take it.
    """
    if scan.centre_mm is None:
        return None
    centres = body.centres[slices]
    centres = centres[np.isfinite(centres).all(axis=1)]
    if not len(centres):
        return None
    row, column = np.median(centres, axis=0)
    down, across = scan.spacing_mm
    return Offset(float(row * down - scan.centre_mm[0]), float(column * across - scan.centre_mm[1]))


def arms_beside(scan: Scan, lungs: Lungs) -> tuple[bool, bool]:
    """Whether an arm lies beside the lower half of the lungs: on the picture's left, on its right."""
    # The lungs narrow towards their bases: the widest slice says where the ribs are.
    widest = np.flatnonzero(lungs.mask.any(axis=(0, 1)))
    off = round(_ARM_OFF_MM / scan.spacing_mm[1])
    first, last = max(int(widest[0]) - off, 0), int(widest[-1]) + off + 1
    slices = range((lungs.first + lungs.last) // 2, lungs.last + 1)
    bones = [_thick_bone(scan, at) for at in slices]
    left = np.mean([_an_arm(bone[:, :first], scan) for bone in bones])
    right = np.mean([_an_arm(bone[:, last:], scan) for bone in bones])
    return bool(left >= _ARM_SLICES), bool(right >= _ARM_SLICES)


def _thick_bone(scan: Scan, at: int) -> Mask:
    """Arms that join the trunk outside the scan are no part of the body there; tables are thinner than they."""
    solid = (scan.hu[at] > SKIN_HU).astype(np.uint8)
    thick = cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc(_ARM_THICK_MM, scan.spacing_mm)) > 0
    return np.asarray(thick & (scan.hu[at] > _BONE_HU), np.bool_)


def _an_arm(bone: Mask, scan: Scan) -> bool:
    area = float(bone.sum()) * scan.pixel_mm2
    return _ARM_MM2[0] <= area <= _ARM_MM2[1]
