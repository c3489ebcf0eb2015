"""What the network of motion sees: one magnitude picture, 256 by 256, its phase axis downwards.

The matrix is changed in Fourier space: the lines that motion disturbed stay lines, and nothing is smoothed that a
machine did not smooth. A larger matrix loses its outermost lines, a smaller one is interpolated as scanners do.
"""

from __future__ import annotations

import numpy as np

from models.mr.plane import Axis, Picture, phase_axis, plane_of

SIDE = 256
_LEVEL = 0.97
"""Quantile that becomes one: the object of a head or a trunk, not the fat or the vessel that shines."""
HIGHEST = 8.0
"""Levels above it are cut; the network is given that part of it."""


def picture_of(values: Picture, direction: str | None, spacing_mm: tuple[float, float] | None) -> Picture | None:
    """The canvas of a slice; None where nothing stands out of the air, or the phase axis is not known.

    Args:
        values: (rows, columns) magnitudes; those that are not finite or negative are set to 0 in place.
        direction: InPlanePhaseEncodingDirection.
        spacing_mm: between rows, between columns.
    """
    phase = phase_axis(direction)
    plane = None if phase is None else plane_of(values, phase, spacing_mm)
    return None if phase is None or plane is None else canvas(plane.values, phase)


def canvas(values: Picture, phase: Axis) -> Picture:
    """(rows, columns) magnitudes of any scale as float32 (256, 256), 0..1."""
    turned = np.asarray(values if phase == 0 else values.T, np.float64)
    lines = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(turned), norm="ortho"))
    kept = [min(SIDE, length) for length in turned.shape]
    out = np.zeros((SIDE, SIDE), complex)
    out[_middle((SIDE, SIDE), kept)] = lines[_middle(turned.shape, kept)]
    picture = np.fft.ifft2(np.fft.ifftshift(out), norm="ortho")
    return levelled(np.abs(np.fft.fftshift(picture)).astype(np.float32))


def levelled(picture: Picture) -> Picture:
    """A picture of any scale, 0..1."""
    level = float(np.quantile(picture[::2, ::2], _LEVEL))
    if level <= 0:
        return np.zeros_like(picture)
    return np.asarray(np.clip(picture / level, 0, HIGHEST) / HIGHEST, np.float32)


def _middle(shape: tuple[int, ...], kept: list[int]) -> tuple[slice, ...]:
    """The lines around the centre; of an even length it lies behind the middle, as ``fftshift`` puts it."""
    starts = [length // 2 - count // 2 for length, count in zip(shape, kept, strict=True)]
    return tuple(slice(start, start + count) for start, count in zip(starts, kept, strict=True))
