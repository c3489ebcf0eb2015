"""The sheet of a CT series: scouts, slices in the window of the part, and a map of the noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from models.ct.kind import CHEST, HEAD
from models.ct.look import Look, look_at
from models.ct.scan import Values
from models.measurement import Measurements
from models.sets.image_set import ImageSet, SlicePixels
from models.sets.sheet import PanelName, Picture, number_of
from models.sets.volume import NoVolume

_WINDOWS = {CHEST: (-1250.0, 250.0), HEAD: (-10.0, 90.0)}
_OTHER_WINDOW = (-200.0, 300.0)
_FLOOR_HU = -1024.0
"""Padding is lower on some scanners, and would darken the scouts."""
_SCOUT = (2.0, 99.7)
_NOISE = (5.0, 97.0)
"""Percentiles that are black and white."""


class CtPainter:
    """Of a series of axial CT slices."""

    name = "ct"

    def paint(self, images: ImageSet, facts: Measurements) -> Mapping[PanelName, Picture] | None:
        """None for what is no block of axial slices."""
        look = look_at(images)
        if isinstance(look, NoVolume):
            return None
        window = _WINDOWS.get(facts.text("exam.kind") or "", _OTHER_WINDOW)
        n = len(look.from_head)
        patient = np.where(look.body.whole, np.maximum(look.scan.hu, _FLOOR_HU), np.float32(_FLOOR_HU))
        panels: dict[PanelName, Picture] = {
            "coronal": _scout(look, patient, "coronal", 1, ("R", "H")),
            "sagittal": _scout(look, patient, "sagittal", 2, ("A", "H")),
            "axial": _slice(look, "axial", n // 2, window),
            "first": _slice(look, "first", 0, window),
            "last": _slice(look, "last", n - 1, window),
        }
        noise = _noise_map(look)
        if noise is not None:
            panels["map"] = noise
        return panels


def _scout(look: Look, patient: Values, panel: PanelName, axis: int, letters: tuple[str, str]) -> Picture:
    """The mean along the ray, of the patient without the table."""
    values = patient.mean(axis=axis)
    low, high = np.percentile(values, _SCOUT)
    extent = look.scan.extent.of(panel)
    return Picture(np.asarray(values, np.float32), extent, (float(low), float(high)), letters)


def _slice(look: Look, panel: PanelName, at: int, window: tuple[float, float]) -> Picture:
    """As finely as it was kept."""
    one = look.from_head[at]
    pixels = one.pixels
    fine = pixels.modality() if isinstance(pixels, SlicePixels) else look.scan.hu[at]
    for axis, flip in enumerate(look.scan.flipped):
        fine = np.flip(fine, axis) if flip else fine
    return Picture(np.ascontiguousarray(fine), look.scan.extent.of(panel), window, ("R", "A"), number_of(one))


def _noise_map(look: Look) -> Picture | None:
    """Coronal: each slice's standard deviation by column, or that of the nearest slice that was looked at closely.

    None when there is none.
    """
    rows = [one.numbers.get("ct.columns") for one in look.from_head]
    taken = np.array([at for at, row in enumerate(rows) if row is not None])
    if not taken.size:
        return None
    nearest = taken[np.abs(np.arange(len(rows))[:, None] - taken).argmin(axis=1)]
    values = np.stack([look.from_head[at].numbers["ct.columns"] for at in nearest])
    values = values[:, ::-1] if look.scan.flipped[1] else values
    seen = np.isfinite(values)
    if not seen.any():
        return None
    low, high = np.percentile(values[seen], _NOISE)
    return Picture(values, look.scan.extent.of("map"), (float(low), float(high)), ("R", "H"), heat=True)
