"""Sharpness: how steep the edges of the anatomy are.

Three views of one thing. The edge width has a unit and a meaning; the other two only rank pictures of one device
and one projection. Anatomy decides most of each figure, so a limit must come from a device's own baseline.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.metric import Radiograph
from models.image.picture import Mask, Picture, gradient
from models.measurement import Measured, Measurement, NotMeasured, Reason

NAMES = frozenset(
    {"sharpness.edge_width_px", "sharpness.edge_width_mm", "sharpness.tenengrad", "sharpness.spectrum_slope"}
)
Places = NDArray[np.floating[Any]]

_CELL = 24
_REACH_PX = 40
_TANGENT = 4
_LEAST_EDGES = 12
_LEAST_CLEAR = 0.1
"""Share of the steepest places that must be clear edges; in noise a few always look like one."""
_SHARPER = 25
"""Percentile of the edge widths that is reported: most edges of a body are round, not sharp."""
_CLEAR = 10.0
"""Least height of an edge, in sigmas of its profile's noise."""
_TILE = 512
_BAND = (0.02, 0.25)
"""Cycles per pixel in which the slope of the spectrum is fitted."""


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Inside the body, away from the borders of the field."""
    views = radiograph.views
    values = radiograph.pixels.values[views.rows, views.columns]
    widths, tried = edge_widths(values, views.small, views.body, views.scale)
    facts: list[Measured] = []
    if len(widths) < max(_LEAST_EDGES, _LEAST_CLEAR * tried):
        facts.append(NotMeasured("sharpness.edge_width_px", Reason.NOT_RELIABLE, "too few clear edges"))
        facts.append(NotMeasured("sharpness.edge_width_mm", Reason.NOT_RELIABLE, "too few clear edges"))
    else:
        width = float(np.percentile(widths, _SHARPER))
        sure = min(1.0, len(widths) / 60)
        facts.append(Measurement("sharpness.edge_width_px", width, confidence=sure))
        facts.append(_in_mm(radiograph, width, sure))
    tiles = body_tiles(values, views.body, views.scale)
    if not tiles:
        detail = "no part of the body is large enough"
        facts.append(NotMeasured("sharpness.tenengrad", Reason.NOT_RELIABLE, detail))
        facts.append(NotMeasured("sharpness.spectrum_slope", Reason.NOT_RELIABLE, detail))
        return facts
    facts.append(Measurement("sharpness.tenengrad", float(np.median([tenengrad(tile) for tile in tiles]))))
    facts.append(Measurement("sharpness.spectrum_slope", float(np.median([slope(tile) for tile in tiles]))))
    return facts


def _in_mm(radiograph: Radiograph, width: float, sure: float) -> Measured:
    spacing = radiograph.pixels.spacing_mm
    if spacing is None or min(spacing) <= 0:
        return NotMeasured("sharpness.edge_width_mm", Reason.NO_SPACING)
    if radiograph.from_screen:
        return NotMeasured("sharpness.edge_width_mm", Reason.NOT_RELIABLE, "a picture from a screen has no scale")
    return Measurement("sharpness.edge_width_mm", width * float(np.mean(spacing)), confidence=sure)


def edge_widths(values: Picture, small: Picture, body: Mask, scale: float) -> tuple[NDArray[np.float64], int]:
    """10-90 % rise distance in pixels of the steepest edge of each cell of the small picture; how many were tried.

    Each profile runs along the gradient over ``_REACH_PX`` to both sides and is the mean of neighbouring
    parallels, so that noise does not make edges.
    """
    gx, gy = gradient(small, 1.0)
    steep = np.where(cv2.erode(body.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0, cv2.magnitude(gx, gy), 0)
    points = _steepest(steep)
    if not len(points):
        return np.empty(0), 0
    y, x = points[:, 0], points[:, 1]
    length = steep[y, x]
    start = ((x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5)
    profiles = _profiles(values, start, (gx[y, x] / length, gy[y, x] / length))
    widths = [_rise(profile) for profile in profiles]
    return np.array([width for width in widths if width is not None]), len(points)


def _steepest(steep: Picture) -> NDArray[np.intp]:
    """The steepest point of each cell, if it is among the steeper half of all cells' points."""
    down, across = steep.shape[0] // _CELL, steep.shape[1] // _CELL
    if not down or not across:
        return np.empty((0, 2), np.intp)
    cells = steep[: down * _CELL, : across * _CELL].reshape(down, _CELL, across, _CELL).swapaxes(1, 2)
    flat = cells.reshape(down * across, -1)
    best = flat.argmax(axis=1)
    cell = np.arange(down * across)
    y = cell // across * _CELL + best // _CELL
    x = cell % across * _CELL + best % _CELL
    peak = flat.max(axis=1)
    keep = peak > max(float(np.median(peak[peak > 0])) if (peak > 0).any() else 0.0, 0.0)
    return np.stack([y[keep], x[keep]], axis=1)


def _profiles(values: Picture, start: tuple[Places, Places], along_unit: tuple[Places, Places]) -> Picture:
    """Values along the gradient through each start point; (n, 2 * reach + 1)."""
    (x, y), (ux, uy) = start, along_unit
    along = np.arange(-_REACH_PX, _REACH_PX + 1, dtype=np.float32)
    aside = np.arange(-_TANGENT, _TANGENT + 1, dtype=np.float32)
    px = x[:, None, None] + along[None, None, :] * ux[:, None, None] - aside[None, :, None] * uy[:, None, None]
    py = y[:, None, None] + along[None, None, :] * uy[:, None, None] + aside[None, :, None] * ux[:, None, None]
    flat = px.reshape(-1, px.shape[-1]).astype(np.float32), py.reshape(-1, px.shape[-1]).astype(np.float32)
    taken = cv2.remap(values, *flat, interpolation=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(taken.reshape(px.shape).mean(axis=1), np.float32)


def _rise(profile: Picture) -> float | None:
    """10-90 % distance of the rise through the middle; None when it does not stand out from its surroundings."""
    middle = len(profile) // 2
    steps = np.diff(profile)
    centre = middle - 4 + int(np.argmax(steps[middle - 4 : middle + 4]))
    if steps[centre] <= 0:
        return None
    around = np.concatenate((steps[: max(0, centre - 6)], steps[centre + 7 :]))
    trend = max(0.0, float(np.median(around)))
    noise = float(np.median(np.abs(around - trend))) / 0.6745 / float(np.sqrt(2))
    foot, head = centre, centre + 1
    while foot > 0 and profile[foot - 1] < profile[foot] + noise:
        foot -= 1
    while head < len(profile) - 1 and profile[head + 1] > profile[head] - noise:
        head += 1
    low, high = float(profile[foot : centre + 1].min()), float(profile[centre + 1 : head + 1].max())
    if high - low - trend * (head - foot) < _CLEAR * noise:
        return None
    levels = (profile - low) / (high - low)
    start = centre + 1
    while start > 0 and levels[start] > 0.1:
        start -= 1
    end = centre
    while end < len(profile) - 1 and levels[end] < 0.9:
        end += 1
    if levels[start] > 0.1 or levels[end] < 0.9:
        return None
    left = start + (0.1 - levels[start]) / max(float(levels[start + 1] - levels[start]), 1e-9)
    right = end - (levels[end] - 0.9) / max(float(levels[end] - levels[end - 1]), 1e-9)
    return float(right - left)


def body_tiles(values: Picture, body: Mask, scale: float) -> list[Picture]:
    """Up to five squares of the picture that lie in the body by at least nine tenths, the fullest first."""
    side = min(_TILE, min(values.shape) // 2)
    found: list[tuple[float, int, int]] = []
    for top in np.linspace(0, values.shape[0] - side, 5).astype(int):
        for left in np.linspace(0, values.shape[1] - side, 5).astype(int):
            box = body[
                int(top / scale) : int((top + side) / scale), int(left / scale) : int((left + side) / scale)
            ]
            if box.size and box.mean() > 0.9:
                found.append((-float(box.mean()), int(top), int(left)))
    step = max(1, len(found) // 5)
    return [values[top : top + side, left : left + side] for _, top, left in sorted(found)[::step][:5]]


def tenengrad(tile: Picture) -> float:
    """Mean squared Sobel gradient over the variance, after halving the resolution; no unit."""
    half = cv2.resize(tile, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    gx = cv2.Sobel(half, cv2.CV_32F, 1, 0, scale=1 / 8)
    gy = cv2.Sobel(half, cv2.CV_32F, 0, 1, scale=1 / 8)
    spread = float(half.var())
    return float((gx * gx + gy * gy).mean()) / spread if spread > 0 else 0.0


def slope(tile: Picture) -> float:
    """Slope of log10 power over log10 spatial frequency, averaged over directions, Hann window."""
    side = tile.shape[0]
    window = np.hanning(side).astype(np.float32)
    centred = (tile - tile.mean()) * window[:, None] * window[None, :]
    power = np.abs(np.fft.rfft2(centred)) ** 2
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    bins = np.geomspace(_BAND[0], _BAND[1], 13)
    place = np.digitize(frequency, bins)
    total = np.bincount(place.ravel(), power.ravel(), minlength=14)[1:13]
    count = np.bincount(place.ravel(), minlength=14)[1:13]
    good = (count > 0) & (total > 0)
    middle = np.sqrt(bins[:-1] * bins[1:])
    fit = np.polyfit(np.log10(middle[good]), np.log10(total[good] / count[good]), 1)
    return float(fit[0])
