"""Marks of CT measures on the panels of the sheet. Slices are equally thick on it, whatever their distances."""

from __future__ import annotations

import numpy as np

from models.ct.scan import Scan
from models.masks import Mask
from models.measurement import Mark, MarkKind, Region
from models.sets import marks
from models.sets.sheet import PanelName, region_on_sheet


def panel_mark(
    scan: Scan,
    panel: PanelName,
    kind: MarkKind,
    name: str,
    points: list[tuple[float, float]],
    caption: str = "",
) -> Mark:
    """``points``: (across, down) as fractions of the panel's picture."""
    return marks.mark(panel, scan.extent.of(panel), kind, name, points, caption)


def outlines(scan: Scan, panel: PanelName, name: str, shadow: Mask) -> tuple[Mark, ...]:
    """The outlines of a mask of (rows, columns) of the panel's picture, the two largest."""
    return marks.outlines(panel, scan.extent.of(panel), name, shadow)


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
