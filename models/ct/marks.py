"""Marks of CT measures on the panels of the sheet. Slices are equally thick on it, whatever their distances."""

from __future__ import annotations

import cv2
import numpy as np

from models.ct.components import Mask
from models.ct.scan import Scan
from models.measurement import Mark, MarkKind, Region
from models.sets.sheet import PanelName, on_sheet, region_on_sheet

_MOST_POINTS = 60


def panel_mark(
    scan: Scan,
    panel: PanelName,
    kind: MarkKind,
    name: str,
    points: list[tuple[float, float]],
    caption: str = "",
) -> Mark:
    """``points``: (across, down) as fractions of the panel's picture."""
    height, width = scan.extent.of(panel)
    places = on_sheet(panel, (height, width), [(x * width, y * height) for x, y in points])
    return Mark(kind, name, places, caption)


def outlines(scan: Scan, panel: PanelName, name: str, shadow: Mask) -> tuple[Mark, ...]:
    """The outlines of a mask of (rows, columns) of the panel's picture, the two largest."""
    contours, _ = cv2.findContours(shadow.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    largest = sorted(contours, key=cv2.contourArea, reverse=True)[:2]
    rows, columns = shadow.shape
    marks = []
    for contour in largest:
        tolerance = 0.25
        points = contour[:, 0, :].astype(np.float32)
        while len(points) > _MOST_POINTS:
            points = cv2.approxPolyDP(contour.astype(np.float32), tolerance, closed=True)[:, 0, :].astype(
                np.float32
            )
            tolerance *= 1.5
        if len(points) > 2:
            places = [((float(x) + 0.5) / columns, (float(y) + 0.5) / rows) for x, y in points]
            marks.append(panel_mark(scan, panel, "contour", name, places))
    return tuple(marks)


def slice_line(scan: Scan, panel: PanelName, name: str, at: float, caption: str = "") -> Mark:
    """A line across a coronal or sagittal panel at the upper edge of slice ``at``."""
    y = float(np.clip(at / len(scan.hu), 0, 1))
    return panel_mark(scan, panel, "line", name, [(0.0, y), (1.0, y)], caption)


def band(scan: Scan, panel: PanelName, first: float, last: float) -> Region:
    """The slices from ``first`` to ``last`` (exclusive) as a box of a coronal or sagittal panel."""
    height, width = scan.extent.of(panel)
    n = len(scan.hu)
    box = Region(0.0, first / n * height, width, last / n * height)
    return region_on_sheet(panel, (height, width), box)
