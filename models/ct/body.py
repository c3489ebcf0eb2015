"""The patient without table, blanket and cables: masks of the body and of its trunk, slice by slice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.components import counts, filled, labelled, largest
from models.ct.scan import Scan
from models.masks import Mask, disc

SKIN_HU = -300.0
_SHEET_MM = 3.5
"""Half the thickness of what is taken to be table, blanket or cable."""
_LEAST_ML = 100.0
_DENSE_HU = 300.0
_DENSE_OUTSIDE = 0.4
"""Of the body's volume: more bone than that outside of it, and it is what lies in a dry skull (1.2), not a patient
(at most 0.006) [M]."""


@dataclass(frozen=True, eq=False)
class Body:
    """``whole``: everything that is the patient, holes filled. ``trunk``: the largest part of each slice."""

    whole: Mask
    trunk: Mask
    pixel_mm2: float

    @cached_property
    def areas_mm2(self) -> NDArray[np.float64]:
        """(n,) of the trunk by slice."""
        return np.asarray(counts(self.trunk) * self.pixel_mm2, np.float64)

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """(n, 2): row and column of the trunk's centroid by slice; NaN where there is none."""
        return np.array([_centroid(one) for one in self.trunk])


def body_of(scan: Scan) -> Body | None:
    """None when there is nothing in the field that could be a patient."""
    kernel = disc(_SHEET_MM, scan.spacing_mm)
    whole = np.empty(scan.hu.shape, np.bool_)
    for at, one in enumerate(scan.hu):
        solid = (one > SKIN_HU).astype(np.uint8)
        whole[at] = cv2.morphologyEx(solid, cv2.MORPH_OPEN, kernel, borderType=cv2.BORDER_REPLICATE)
    labels, sizes = labelled(whole)
    if sizes.max() * scan.pixel_mm2 * scan.step_mm < 1000 * _LEAST_ML:
        return None
    label = int(np.argmax(sizes))
    for at, one in enumerate(labels):
        whole[at] = filled(one == label)
    dense = sum(np.count_nonzero((one > _DENSE_HU) & ~body) for one, body in zip(scan.hu, whole, strict=True))
    if dense > _DENSE_OUTSIDE * np.count_nonzero(whole):
        return None
    trunk = np.stack([largest(one) for one in whole])
    return Body(whole, trunk, scan.pixel_mm2)


def _centroid(mask: Mask) -> tuple[float, float]:
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    if not moments["m00"]:
        return float("nan"), float("nan")
    return moments["m01"] / moments["m00"], moments["m10"] / moments["m00"]
