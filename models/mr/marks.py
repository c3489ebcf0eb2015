"""Marks of MR measures on the sheet: where ghosts were looked for, where the object wraps, where the spike is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.measurement import Mark
from models.mr.chosen import usable
from models.mr.kept import pixels_of, plane_again, size_of, spike_at
from models.mr.layout import Shown, layout_of
from models.mr.wrap import edges
from models.sets.image_set import ImageSet
from models.sets.marks import mark, outlines, ring
from models.sets.sheet import PanelName
from models.sets.upright import upright_of
from models.sets.volume import Volume, volume_of

_STRIP = 0.04
"""Of the picture: how deep the mark at an edge is."""
_RING = 0.04


def of_ghost(shown: Shown | None) -> tuple[Mark, ...]:
    """The air along the phase axis, with the percentage of this slice."""
    plane = None if shown is None else plane_again(shown.slice)
    if shown is None or plane is None:
        return ()
    caption = f"{float(shown.slice.numbers['mr.ghost'][0]):.1f} %"
    return outlines(shown.panel, size_of(shown.slice), "ghost", plane.phase_air, caption)


def of_wrap(shown: Shown | None) -> tuple[Mark, ...]:
    """The strips at both edges over which the object goes on."""
    plane = None if shown is None else plane_again(shown.slice)
    found = None if plane is None else edges(plane)
    if shown is None or plane is None or found is None or isinstance(found, str):
        return ()
    there = np.flatnonzero(found.both)
    return tuple(_strips(shown, plane.phase == 0, there[0] / len(found.both), (there[-1] + 1) / len(found.both)))


def _strips(shown: Shown, level: bool, low: float, high: float) -> Iterator[Mark]:
    for near, far in ((0.0, _STRIP), (1 - _STRIP, 1.0)):
        box = [(low, near), (high, near), (high, far), (low, far)]
        places = box if level else [(y, x) for x, y in box]
        yield mark(shown.panel, size_of(shown.slice), "contour", "wrap", places)


def of_top(images: ImageSet, top_mm: float) -> tuple[Mark, ...]:
    """A line at the top of the head, or at the edge of the planes with what is missing beyond it."""
    volume = volume_of(images.series[0])
    turned = upright_of(volume) if isinstance(volume, Volume) and layout_of(usable(images.slices)).deep else None
    if turned is None:
        return ()
    name, caption = ("missing_top" if top_mm < 0 else "coverage_top"), f"{top_mm:.0f} mm"
    y = min(max(top_mm / turned.extent.high, 0.0), 1.0)
    panels: tuple[PanelName, ...] = ("coronal", "sagittal")
    return tuple(
        mark(panel, turned.extent.of(panel), "line", name, [(0.0, y), (1.0, y)], caption) for panel in panels
    )


def of_spike(shown: Shown | None) -> tuple[Mark, ...]:
    """Rings about the point of k-space and its conjugate."""
    at = None if shown is None else spike_at(shown.slice)
    if shown is None or at is None:
        return ()
    rows, columns = (float(n) for n in pixels_of(shown.slice).values.shape)
    places = (at, (1 - at[0], 1 - at[1]))
    return tuple(
        ring(shown.panel, (rows, columns), "spike", place, _RING * min(rows, columns)) for place in places
    )
