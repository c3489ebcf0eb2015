"""Whether the reconstructed field cuts the patient (CC04, CH10)."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.ct.body import Body
from models.ct.scan import Scan, Values
from models.masks import Mask

_NEAR_PX = 1.5
_LUNG_HU = (-915.0, -500.0)
"""The room is lower, and so is foam (-950); the skin's rim is higher."""
_BAND_PX = (3.0, 8.0)
_LEAST_LUNG_MM2 = 300.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Percent of the skin's outline that lies on the edge of the field, and slices whose lungs reach it."""

    skin_percent: float
    lung_slices: int


def field_mask(scan: Scan) -> Mask:
    """(rows, columns): where the scanner reconstructed; a circle when all corners are one constant value."""
    _, rows, columns = scan.hu.shape
    corner = max(2, min(rows, columns) // 16)
    middle = scan.hu[len(scan.hu) // 2]
    ends = (slice(corner), slice(-corner, None))
    corners = [middle[down, across] for down in ends for across in ends]
    flat = max(float(np.ptp(one)) for one in corners) < 1.0
    same = np.ptp([float(one.mean()) for one in corners]) < 1.0
    field = np.ones((rows, columns), np.uint8)
    if flat and same and float(corners[0].mean()) < -990:
        field[:] = 0
        axes = ((columns - 1) / 2, (rows - 1) / 2)
        cv2.circle(field, (round(axes[0]), round(axes[1])), int(min(axes)), 1, cv2.FILLED)
    return field > 0


def cut_by_field(scan: Scan, body: Body, slices: slice) -> Cut:
    """Over these slices."""
    field = field_mask(scan).astype(np.uint8)
    framed = cv2.copyMakeBorder(field, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    depth = np.asarray(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)
    band = (depth >= _BAND_PX[0]) & (depth <= _BAND_PX[1])
    outline = cut = lungs = 0
    for one, mask in zip(scan.hu[slices], body.whole[slices], strict=True):
        contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        for points in contours:
            outline += len(points)
            cut += int(np.count_nonzero(depth[points[:, 0, 1], points[:, 0, 0]] <= _NEAR_PX))
        lungs += _lung_at_edge(one, band, scan)
    return Cut(100 * cut / outline if outline else 0.0, lungs)


def _lung_at_edge(one: Values, band: Mask, scan: Scan) -> bool:
    """Whether the air at the edge of the field has the density of lung, not of the room or of foam."""
    square = np.ones((3, 3), np.uint8)
    lung = band & (cv2.erode(one, square) > _LUNG_HU[0]) & (cv2.dilate(one, square) < _LUNG_HU[1])
    return float(np.count_nonzero(lung)) * scan.pixel_mm2 >= _LEAST_LUNG_MM2
