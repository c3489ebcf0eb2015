"""Metal at or outside the skin: what can be taken off before the scan is repeated (CC10, CH06)."""

from __future__ import annotations

import cv2
import numpy as np

from models.ct.body import SKIN_HU
from models.ct.components import filled, largest
from models.ct.scan import Values
from models.masks import Mask, disc

METAL_HU = 2000.0
_SKIN_MM = 4.0
_SHEET_MM = 3.5
_SIDE = 128
_EDGE_MM = 12.0
"""Nothing is said of what lies this near to the edge of the field: the skin may be beyond it."""


def outside_mm2(values: Values, spacing_mm: tuple[float, float]) -> tuple[float, float, float]:
    """Of one slice in HU: mm2, and the row and column of the centroid as fractions of the picture (NaN)."""
    metal = values > METAL_HU
    if not metal.any():
        return 0.0, float("nan"), float("nan")
    metal &= ~_deep(values, spacing_mm)
    rows, columns = np.nonzero(metal)
    if not len(rows):
        return 0.0, float("nan"), float("nan")
    area = len(rows) * spacing_mm[0] * spacing_mm[1]
    return area, float(rows.mean() + 0.5) / values.shape[0], float(columns.mean() + 0.5) / values.shape[1]


def _deep(values: Values, spacing_mm: tuple[float, float]) -> Mask:
    """More than 4 mm under the skin, or at the edge of the field."""
    rows, columns = values.shape
    factor = max(1, -(-max(rows, columns) // _SIDE))
    small = cv2.resize(values, (columns // factor, rows // factor), interpolation=cv2.INTER_AREA)
    spacing = (spacing_mm[0] * factor, spacing_mm[1] * factor)
    solid = (small > SKIN_HU).astype(np.uint8)
    opened = cv2.morphologyEx(solid, cv2.MORPH_OPEN, disc(_SHEET_MM, spacing), borderType=cv2.BORDER_REPLICATE)
    body = filled(largest(opened > 0)).astype(np.uint8)
    deep = cv2.erode(body, disc(_SKIN_MM, spacing), borderType=cv2.BORDER_REPLICATE) > 0
    edge = np.ones((rows // factor, columns // factor), np.uint8)
    margin = max(1, round(_EDGE_MM / max(spacing)))
    cv2.circle(edge, (edge.shape[1] // 2, edge.shape[0] // 2), min(edge.shape) // 2 - margin, 0, cv2.FILLED)
    if _round(values):
        deep |= edge > 0
    full = cv2.resize(deep.astype(np.uint8), (columns, rows), interpolation=cv2.INTER_NEAREST)
    return np.asarray(full > 0, np.bool_)


def _round(values: Values) -> bool:
    """The corners are empty: the field is a circle."""
    size = max(2, min(values.shape) // 16)
    corners = [values[:size, :size], values[-size:, -size:]]
    return all(float(np.ptp(one)) < 1 for one in corners)
