"""Lungs in a CT: air inside the body, without airways and bowel."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.body import Body
from models.ct.components import counts, labelled
from models.ct.scan import Scan
from models.masks import Mask

AIR_HU = -500.0
LEAST_MM2 = 60.0
"""Of lung in a slice that counts as showing lung."""
_LEAST_ML = 300.0
_SECOND = 0.12
"""A second lung is at least this share of the first."""
_GAS_HU = -930.0
"""On average above it: lung. Gas in the bowel is below."""
_AIRWAY_MM2 = 900.0
_AIRWAY_OFF_MM = 30.0
"""A part of a slice at most this large and this far from the middle of the trunk is windpipe, not lung."""


@dataclass(frozen=True, slots=True, eq=False)
class Lungs:
    """``mask``: (n, rows, columns). ``first``, ``last``: slices at the top and the bottom that still show lung."""

    mask: Mask
    areas_mm2: NDArray[np.float64]
    first: int
    last: int
    ml: float
    ml_right: float
    """On the patient's right, by the middle of the trunk; the rest is left."""
    mean_hu: float

    @property
    def asymmetry(self) -> float:
        """0: both sides alike; 1: one side only."""
        left = self.ml - self.ml_right
        return abs(left - self.ml_right) / self.ml


def lungs_of(scan: Scan, body: Body) -> Lungs | None:
    """None where there is no lung worth the name."""
    air = body.whole & (scan.hu < AIR_HU)
    labels, sizes = labelled(air)
    voxel_ml = scan.pixel_mm2 * scan.step_mm / 1000
    chosen = _lung_labels(scan, labels, sizes, voxel_ml)
    if not chosen:
        return None
    mask = np.isin(labels, chosen)
    del labels, air
    _drop_airways(mask, scan, body)
    areas = np.asarray(counts(mask) * scan.pixel_mm2, np.float64)
    shows = np.flatnonzero(areas >= LEAST_MM2)
    ml = float(np.count_nonzero(mask)) * voxel_ml
    if not len(shows) or ml < _LEAST_ML:
        return None
    right = 0.0
    for one, (_, middle) in zip(mask, body.centres, strict=True):
        if np.isfinite(middle):
            right += float(np.count_nonzero(one[:, : round(middle)])) * voxel_ml
    first, last = _unbroken(areas >= LEAST_MM2)
    return Lungs(mask, areas, first, last, ml, right, float(scan.hu[mask].mean()))


def _unbroken(shows: NDArray[np.bool_]) -> tuple[int, int]:
    """The longest run of slices that show lung."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shows, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest] - 1)


def _lung_labels(scan: Scan, labels: NDArray[np.int32], sizes: NDArray[np.int64], voxel_ml: float) -> list[int]:
    """The largest part that is lung, and the other lung where the two are apart."""
    candidates = [int(one) for one in np.argsort(sizes)[::-1][:8] if sizes[one] * voxel_ml > 0.3 * _LEAST_ML]
    chosen: list[int] = []
    span = (0.0, 0.0)
    for label in candidates:
        here = labels == label
        if float(scan.hu[here].mean()) < _GAS_HU:
            continue
        at = np.flatnonzero(here.any(axis=(1, 2)))
        if not chosen:
            chosen, span = [label], (float(at[0]), float(at[-1]))
        # Bowel lies under the dome; a second lung begins in the upper half of the first.
        elif sizes[label] >= _SECOND * sizes[chosen[0]] and at[0] <= (span[0] + span[1]) / 2:
            chosen.append(label)
    return chosen


def _drop_airways(mask: Mask, scan: Scan, body: Body) -> None:
    """Take small parts in the middle out, down to the slice in which the windpipe has joined the lungs."""
    for at, one in enumerate(mask):
        if not one.any() or not np.isfinite(body.centres[at, 1]):
            continue
        count, found, stats, centroids = cv2.connectedComponentsWithStats(one.astype(np.uint8), connectivity=8)
        for part in range(1, count):
            off = abs(centroids[part][0] - body.centres[at, 1]) * scan.spacing_mm[1]
            if stats[part, cv2.CC_STAT_AREA] * scan.pixel_mm2 <= _AIRWAY_MM2 and off <= _AIRWAY_OFF_MM:
                one[found == part] = False
