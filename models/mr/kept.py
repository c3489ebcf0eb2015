"""What is found again in the pixels that were kept of a slice, to show it."""

from __future__ import annotations

from models.mr.plane import Plane, phase_axis, plane_of
from models.sets.image_set import Slice, SlicePixels
from models.sets.marks import Place, Size


def pixels_of(one: Slice) -> SlicePixels:
    """Raises ValueError: it has none."""
    if isinstance(one.pixels, SlicePixels):
        return one.pixels
    raise ValueError("a slice without pixels")


def size_of(one: Slice) -> Size:
    """(height, width) in mm; in pixels where the header does not say how large these are."""
    pixels = pixels_of(one)
    rows, columns = pixels.values.shape
    down, across = pixels.spacing_mm or (1.0, 1.0)
    return rows * down, columns * across


def plane_again(one: Slice) -> Plane | None:
    """Its object and air."""
    pixels = pixels_of(one)
    phase = phase_axis(one.technique.InPlanePhaseEncodingDirection)
    return plane_of(pixels.modality(), phase, pixels.spacing_mm)


def spike_at(one: Slice) -> Place | None:
    """Where its spike lies in the k-space of the kept pixels; None outside of it."""
    rows, columns = pixels_of(one).values.shape
    across, down = (float(n) for n in one.numbers["mr.spike"][1:3])
    place = (columns // 2 + across + 0.5) / columns, (rows // 2 + down + 0.5) / rows
    return place if all(0 < x < 1 for x in place) else None
