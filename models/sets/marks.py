"""Marks on the panels of a sheet, from places in their pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from models.measurement import Mark, MarkKind
from models.sets.sheet import PanelName, on_sheet

_MOST_POINTS = 60
_RING_POINTS = 24

Size = tuple[float, float]
"""(height, width) in mm of the panel's picture."""
Place = tuple[float, float]
"""(across, down) as fractions of it."""


def mark(
    panel: PanelName, size_mm: Size, kind: MarkKind, name: str, points: Iterable[Place], caption: str = ""
) -> Mark:
    """Of points in the picture."""
    height, width = size_mm
    places = on_sheet(panel, size_mm, [(x * width, y * height) for x, y in points])
    return Mark(kind, name, places, caption)


def outlines(
    panel: PanelName, size_mm: Size, name: str, shadow: NDArray[np.bool_], caption: str = ""
) -> tuple[Mark, ...]:
    """The outlines of the two largest pieces of a mask over the picture; the largest has the caption."""
    contours, _ = cv2.findContours(shadow.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rows, columns = shadow.shape
    marks: list[Mark] = []
    for contour in sorted(contours, key=cv2.contourArea, reverse=True)[:2]:
        points = _fewer(np.asarray(contour, np.float32))
        if len(points) > 2:
            places = [((float(x) + 0.5) / columns, (float(y) + 0.5) / rows) for x, y in points]
            marks.append(mark(panel, size_mm, "contour", name, places, "" if marks else caption))
    return tuple(marks)


def ring(panel: PanelName, size_mm: Size, name: str, centre: Place, radius_mm: float, caption: str = "") -> Mark:
    """A circle about a place."""
    height, width = size_mm
    turns = [2 * math.pi * k / _RING_POINTS for k in range(_RING_POINTS)]
    x, y = centre
    places = [(x + radius_mm / width * math.cos(t), y + radius_mm / height * math.sin(t)) for t in turns]
    return mark(panel, size_mm, "contour", name, places, caption)


def _fewer(contour: NDArray[np.float32]) -> NDArray[np.float32]:
    tolerance = 0.25
    points = contour
    while len(points) > _MOST_POINTS:
        points = np.asarray(cv2.approxPolyDP(contour, tolerance, closed=True), np.float32)
        tolerance *= 1.5
    return points[:, 0, :]
