"""Breathing during a CT: how wide the edge of the right diaphragm is along the table (CC06).

A dome that stands still is an edge as wide as a slice. One that moves while its slices are taken is smeared or
doubled; where the table is slower than the breath, lung and liver come twice. Each makes the way longer from the
first pixel that is no longer lung to the last that is not yet liver. The left dome beats with the heart.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.body import Body
from models.ct.lungs import Lungs
from models.ct.scan import Scan, Values
from models.masks import disc

Indices = NDArray[np.intp]
_OFF_MIDDLE_MM = 40.0
"""From the middle of the trunk: nearer to it the heart lies over lung."""
_ABOVE_MM, _BELOW_MM = 45.0, 15.0
"""Of the lung's last pixel, looked at in each column along the table."""
_THICKEST_MM = 7.5
_STEEP = 0.6
"""Of the dome, mm along the table over mm across it, up to which a pixel's own width says little."""
_DOME_MM = 45.0
"""Under its top, as far as the dome is looked at."""
_VESSEL_MM = 8.0
"""Radius under which a part of a slice is a vessel, not the diaphragm."""
_STARTS, _ENDS = 0.2, 0.8
"""Shares of the way from lung to liver between which an edge is measured."""
_LUNG_HU, _LIVER_HU = -650.0, -150.0
_LEAST_MM2 = 800.0


@dataclass(frozen=True, slots=True)
class Dome:
    """``edge_mm``: mean width over the columns of the right dome. ``outline``: (m, 2), each column of the picture
    that has a part of it, and the slice of that part, the median."""

    edge_mm: float
    outline: NDArray[np.float64]


def right_dome(scan: Scan, body: Body, lungs: Lungs) -> Dome | None:
    """None where the scan has under 8 cm2 of a nearly level dome with what is above and below it, and where its
    slices lie over 7.5 mm apart."""
    if scan.step_mm > _THICKEST_MM:
        return None
    last, seen = _dome_of(scan, body, lungs)
    above, below = round(_ABOVE_MM / scan.step_mm), round(_BELOW_MM / scan.step_mm)
    seen &= (last - above >= lungs.mask.argmax(axis=0)) & (last + below < len(scan.hu))
    rows, columns = np.nonzero(seen)
    if len(rows) * scan.pixel_mm2 < _LEAST_MM2:
        return None
    ends = last[rows, columns]
    first = int(ends.min()) - above
    block = _without_vessels(scan, slice(first, int(ends.max()) + below + 1))
    along = ends[:, None] - first + np.arange(-above, below + 1)
    profiles = block[along, rows[:, None], columns[:, None]]
    lung = np.percentile(profiles[:, :above], 25, axis=1, keepdims=True)
    liver = np.median(profiles[:, -(below // 2) - 1 :], axis=1, keepdims=True)
    sure = ((lung < _LUNG_HU) & (liver > _LIVER_HU))[:, 0]
    if float(sure.sum()) * scan.pixel_mm2 < _LEAST_MM2:
        return None
    widths = _widths((profiles[sure] - lung[sure]) / (liver[sure] - lung[sure]))
    return Dome(float(widths.mean()) * scan.step_mm, _outline(columns[sure], ends[sure]))


def _outline(columns: Indices, ends: Indices) -> NDArray[np.float64]:
    return np.array([(one, np.median(ends[columns == one])) for one in np.unique(columns)])


def _dome_of(scan: Scan, body: Body, lungs: Lungs) -> tuple[Indices, NDArray[np.bool_]]:
    """(rows, columns): the last slice with lung, and where that is on the right dome and changes slowly."""
    mask = lungs.mask
    beneath = mask.any(axis=0)
    last = len(mask) - 1 - mask[::-1].argmax(axis=0)
    depth = cv2.medianBlur(np.where(beneath, scan.z_mm[last], scan.z_mm[0]).astype(np.float32), 3)
    high, wide = scan.spacing_mm
    down = cv2.Sobel(depth, cv2.CV_32F, 0, 1, scale=1 / (8 * high))
    across = cv2.Sobel(depth, cv2.CV_32F, 1, 0, scale=1 / (8 * wide))
    seen = beneath & (cv2.magnitude(down, across) <= _STEEP)
    middle = np.nanmedian(body.centres[lungs.first : lungs.last + 1, 1])
    seen[:, max(0, round(float(middle) - _OFF_MIDDLE_MM / scan.spacing_mm[1])) :] = False
    if seen.any():
        # Farther down lung ends in the recess beside the dome.
        seen &= scan.z_mm[last] <= np.percentile(scan.z_mm[last[seen]], 10) + _DOME_MM
    return last, seen


def _without_vessels(scan: Scan, slices: slice) -> Values:
    kernel = disc(_VESSEL_MM, scan.spacing_mm)
    return np.stack([cv2.morphologyEx(one, cv2.MORPH_OPEN, kernel) for one in scan.hu[slices]])


def _widths(rise: Values) -> Values:
    """Slices from where each row first leaves 0 to where it last reaches 1, between slices by a line."""
    count = rise.shape[1]
    leaves = np.argmax(rise > _STARTS, axis=1)
    reaches = count - np.argmax((rise < _ENDS)[:, ::-1], axis=1)
    return _crossing(rise, reaches, _ENDS) - _crossing(rise, leaves, _STARTS)


def _crossing(rise: Values, after: Indices, level: float) -> Values:
    """Where each row passes the level, just before this pixel."""
    after = np.clip(after, 1, rise.shape[1] - 1)
    here = np.arange(len(rise))
    low, high = rise[here, after - 1], rise[here, after]
    share = (level - low) / np.where(high == low, 1, high - low)
    return np.asarray(after - 1 + np.clip(share, 0, 1), np.float32)
