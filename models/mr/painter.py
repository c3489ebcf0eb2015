"""The sheet of an MR series: planes through the middle, the slices concerned, ghosts with the air amplified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from models.measurement import Measurements
from models.mr.chosen import is_mr, usable
from models.mr.kept import pixels_of, plane_again, size_of
from models.mr.layout import Layout, layout_of
from models.mr.spike import log_power
from models.mr.void import voids_of
from models.sets.image_set import ImageSet, Slice, SlicePixels
from models.sets.picture import AnyVolume
from models.sets.sheet import PanelName, Picture, number_of
from models.sets.volume import NoVolume, Volume, volume_of

_SHOWN = (1.0, 99.7)
"""Percentiles of a slice that are black and white."""
_K_SPACE = (25.0, 99.9)
_WHITE_SHARE = 0.1
"""Of the object's signal: what is brightest in the amplified air, so that its colours mean the same everywhere."""
_WHITE_SIGMAS = 4.0
"""More noise than that share would fill the air with white."""
_PLANES: tuple[PanelName, ...] = ("coronal", "sagittal", "axial")
_SIDES = (("R", "L"), ("A", "P"), ("F", "H"))
"""Where x, y and z of the patient begin and end."""


class MrPainter:
    """Of a series of magnitude pictures."""

    name = "mr"

    def paint(self, images: ImageSet, facts: Measurements) -> Mapping[PanelName, Picture] | None:
        """None for what is no MR series that shows an object."""
        if images.level != "series" or not is_mr(images):
            return None
        slices = [one for one in usable(images.slices) if isinstance(one.pixels, SlicePixels)]
        if not slices:
            return None
        layout, middle = layout_of(slices), slices[len(slices) // 2]
        air = _amplified(layout.ghost.slice if layout.ghost else middle)
        if not layout.deep:
            return {"left": _slice(layout.wrap.slice if layout.wrap else middle), "right": air}
        planes = AnyVolume().paint(images, facts) or {"axial": _slice(middle)}
        through = {name: planes[name] for name in _PLANES if name in planes}
        panels = {**through, **_ends(images, layout, planes["axial"].shown), "map": air}
        voids = voids_of(images.series[0]) if layout.shows_void(facts.number("mr.void_percent")) else None
        if voids is not None:
            panels.pop("first", None)
            panels["void"] = _slice(voids.worst)
        return panels


def _ends(images: ImageSet, layout: Layout, shown: tuple[float, float]) -> dict[PanelName, Picture]:
    """The first slice (at the head, the right or the front) and the last, or the faults in their places.

    ``shown``: what is black and white, so that an end that shows only air is dark.
    """
    volume = volume_of(images.series[0])
    ends = () if isinstance(volume, NoVolume) else (volume.slices[0], volume.slices[-1])
    if isinstance(volume, Volume) and volume.plane == "axial":
        ends = ends[::-1]
    panels: dict[PanelName, Picture] = {}
    names: tuple[PanelName, PanelName] = ("first", "last")
    for name, one in zip(names, ends, strict=False):
        panels[name] = replace(_slice(one), shown=shown)
    if layout.wrap is not None:
        panels.pop("first", None)
        panels["wrap"] = _slice(layout.wrap.slice)
    if layout.spike is not None:
        panels.pop("last", None)
        panels["spike"] = _k_space(layout.spike.slice)
    return panels


def _slice(one: Slice) -> Picture:
    """As the scanner shows it."""
    values = pixels_of(one).modality()
    low, high = np.percentile(values, _SHOWN)
    letters = _letters(one.technique.ImageOrientationPatient)
    return Picture(values, size_of(one), (float(low), float(high)), letters, number_of(one))


def _amplified(one: Slice) -> Picture:
    """The air in colours up to a tenth of the object's signal, the object in grey."""
    shown = _slice(one)
    plane = plane_again(one)
    if plane is None:
        return shown
    white = max(_WHITE_SHARE * plane.signal, _WHITE_SIGMAS * (plane.sigma or 0.0))
    air = np.where(plane.object, np.float32(np.nan), plane.values)
    return Picture(air, shown.size_mm, (0.0, white), shown.letters, shown.foot, heat=True, under=shown)


def _k_space(one: Slice) -> Picture:
    log = log_power(pixels_of(one).modality())
    low, high = np.percentile(log, _K_SPACE)
    rows, columns = log.shape
    return Picture(log, (float(rows), float(columns)), (float(low), float(high)), foot=f"k {number_of(one)}")


def _letters(cosines: Sequence[float]) -> tuple[str, str]:
    """What is at the left and at the top of a slice as it is stored."""
    if len(cosines) != 6:
        return "", ""
    left, top = (_side(cosines[at : at + 3]) for at in (0, 3))
    return left, top


def _side(direction: Sequence[float]) -> str:
    axis = int(np.argmax(np.abs(direction)))
    return _SIDES[axis][0 if direction[axis] > 0 else 1]
