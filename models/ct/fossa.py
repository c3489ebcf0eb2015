"""Beam hardening between the petrous bones: how uneven the brain in the posterior fossa is (CH07).

Rays through both petrous bones lose their soft part and leave a dark bar with streaks behind them. A number for
that says nothing by itself, as the fourth ventricle and the cisterns are dark, too: it is compared with what the
device usually gives.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.ct.head import BONE_HU, MAGNUM_MM2, Head
from models.ct.scan import Scan, Values
from models.masks import Mask, convex, disc

_AHEAD_MM = 10.0
"""Of the skull's middle: where the bar between the petrous bones begins."""
_BESIDE_MM = 7.0
"""Beside bone a pixel has part of it."""
_SMOOTH_MM = 2.0
_SEEN_HU = (-60.0, 100.0)
_ENDS = (10.0, 90.0)
"""Percentiles whose distance is the spread."""
_LEAST_MM2 = 1000.0
_LEAST_SLICES, _LEAST_MM = 2, 10.0


@dataclass(frozen=True, slots=True)
class Fossa:
    """``spread_hu``: median over the slices. ``at``: the slice with the largest."""

    spread_hu: float
    at: int


def fossa_of(scan: Scan, head: Head) -> Fossa | None:
    """None where under 10 mm of it were scanned."""
    areas = head.areas_mm2
    below = range(head.wide.stop, len(areas))
    brain = (at for at in below if areas[at] >= MAGNUM_MM2)
    seen = {at: spread for at in brain if (spread := _spread(scan, head, at)) is not None}
    if len(seen) < _LEAST_SLICES or scan.z_mm[max(seen)] - scan.z_mm[min(seen)] < _LEAST_MM:
        return None
    return Fossa(float(np.median(list(seen.values()))), max(seen, key=seen.__getitem__))


def _spread(scan: Scan, head: Head, at: int) -> float | None:
    """Of one slice, HU; None where there is too little of it."""
    inside = _posterior(scan, head, at)
    if float(np.count_nonzero(inside)) * scan.pixel_mm2 < _LEAST_MM2:
        return None
    low, high = np.percentile(_smooth(scan, at, inside)[inside], _ENDS)
    return float(high - low)


def _posterior(scan: Scan, head: Head, at: int) -> Mask:
    """What the brain behind the petrous bones spans, dark bars in it too, without what lies beside bone."""
    rows = np.nonzero(head.skull[at])[0]
    first = max(0, round(float(rows.mean()) - _AHEAD_MM / scan.spacing_mm[0]))
    behind = head.brain[at].copy()
    behind[:first] = False
    bone = cv2.dilate((scan.hu[at] > BONE_HU).astype(np.uint8), disc(_BESIDE_MM, scan.spacing_mm))
    return np.asarray(convex(behind) & (bone == 0), np.bool_)


def _smooth(scan: Scan, at: int, inside: Mask) -> Values:
    """Means over what is inside only: bone and air beside it have no part in them."""
    sigma = _SMOOTH_MM / scan.spacing_mm[0]
    weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), sigma)
    values = cv2.GaussianBlur(np.clip(scan.hu[at], *_SEEN_HU) * inside, (0, 0), sigma)
    return np.asarray(values / np.maximum(weight, 1e-3), np.float32)
