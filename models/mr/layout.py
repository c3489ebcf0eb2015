"""Which panels an MR series has on its sheet, and which slices are on them: painter and marks agree by this.

A series as deep as a quarter of its width has planes through its middle, its ends, and the slice with most of each
fault; one of a few slices is shown as one slice and its air.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.mr.chosen import column, upper, worst
from models.mr.kept import size_of, spike_at
from models.sets.image_set import Slice, SlicePixels
from models.sets.sheet import PanelName

_DEEP = 0.25
_WRAPS = 0.3
"""Score from which the slice that wraps has a panel: under the rule's limit."""
_SPIKE = 4.8
"""z from which k-space has one: likewise."""
_VOID = 0.3
"""Percent of the head from which the slice with the largest has one: likewise."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A slice on a panel."""

    panel: PanelName
    slice: Slice


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What each fault is shown on; None where it is not."""

    deep: bool
    """With planes through the middle."""
    ghost: Shown | None
    wrap: Shown | None
    spike: Shown | None

    def shows_void(self, percent: float | None) -> bool:
        """Whether the slice with the largest void takes the place of the first one; a wrap comes before it."""
        return self.deep and self.wrap is None and percent is not None and percent >= _VOID


def layout_of(slices: Sequence[Slice]) -> Layout:
    """Of the slices of one contrast that show a good part of the object."""
    seen = [one for one in slices if isinstance(one.pixels, SlicePixels)]
    deep = _is_deep(seen)
    wrap = worst(seen, "mr.wrap") if upper(column(seen, "mr.wrap", 0)) >= _WRAPS else None
    spike = worst(seen, "mr.spike")
    spiked = spike is not None and float(spike.numbers["mr.spike"][0]) >= _SPIKE and spike_at(spike) is not None
    return Layout(
        deep,
        _on("map" if deep else "right", worst(seen, "mr.ghost")),
        _on("wrap" if deep else "left", wrap),
        _on("spike", spike if deep and spiked else None),
    )


def _on(panel: PanelName, one: Slice | None) -> Shown | None:
    return None if one is None else Shown(panel, one)


def _is_deep(slices: Sequence[Slice]) -> bool:
    places = [one.technique.ImagePositionPatient for one in slices]
    if len(places) < 3 or any(len(place) != 3 for place in places):
        return False
    corners = np.array(places)
    reach = float(np.linalg.norm(corners.max(axis=0) - corners.min(axis=0)))
    return reach >= _DEEP * max(min(size_of(one)) for one in slices)
