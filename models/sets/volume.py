"""A series as one block of values in the patient, for measures that look across slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.measurement import NotMeasured, Reason
from models.sets.geometry import Stack, sorted_out
from models.sets.image_set import Series, Slice, SlicePixels
from models.sets.latest import of_the_latest

FEWEST = 3
"""Slices of a volume."""


@dataclass(frozen=True, eq=False)
class Volume:
    """The largest stack of a series, at the reduced size of its slices.

    Index 0 is nearest to the feet (axial), the front (coronal) or the right side (sagittal). Rows and columns run
    as in the pictures. Slices that are missing leave no empty layer: ask ``positions_mm``.
    """

    layers: tuple[SlicePixels, ...]
    """All of one size."""
    positions_mm: NDArray[np.float64]
    """(n,), along ``direction``."""
    spacing_mm: tuple[float, float, float]
    """(between slices, the median; between rows; between columns)."""
    origin: tuple[float, float, float]
    """Centre of the first pixel of the first slice, in the patient."""
    orientation: tuple[float, ...]
    """ImageOrientationPatient: along a row, then along a column."""
    direction: NDArray[np.float64]
    """(3,), unit normal along which the index rises."""
    slices: tuple[Slice, ...]
    """Where the layers came from, in the same order."""
    stack: Stack

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """(n, rows, columns), modality values. As large as all layers twice: made for whoever asks first."""
        return _block(self.layers)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(n, rows, columns)."""
        rows, columns = self.layers[0].values.shape
        return len(self.layers), rows, columns

    @property
    def plane(self) -> str:
        """axial, coronal or sagittal: what the slices are nearest to."""
        return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(self.direction)))]


@dataclass(frozen=True, slots=True)
class NoVolume:
    """Why a series is no block of values."""

    reason: Reason
    detail: str

    def of(self, name: str) -> NotMeasured:
        """The fact of this name, not measured for this reason."""
        return NotMeasured(name, self.reason, self.detail)


def volume_of(series: Series) -> Volume | NoVolume:
    """The largest stack of slices that can be looked at. Kept until another series is asked for."""
    return _volume_of(series)


@of_the_latest
def _volume_of(series: Series) -> Volume | NoVolume:
    found = sorted_out(series)
    if not found.stacks:
        return NoVolume(Reason.NOT_IN_HEADER, "no slice says where it lies")
    return block_of(found.stacks[0])


def block_of(stack: Stack) -> Volume | NoVolume:
    """The slices of a stack that have pixels, as one block."""
    seen = [at for at, one in enumerate(stack.slices) if isinstance(one.pixels, SlicePixels)]
    pixels = [one.pixels for one in stack.slices if isinstance(one.pixels, SlicePixels)]
    if len(pixels) < FEWEST:
        return NoVolume(Reason.NO_PIXELS, f"{len(pixels)} slices of a stack have pixels")
    spacing = pixels[0].spacing_mm
    if spacing is None or min(spacing) <= 0:
        return NoVolume(Reason.NO_SPACING, "the slices do not say how large their pixels are")
    if len({one.values.shape for one in pixels}) > 1:
        return NoVolume(Reason.NOT_APPLICABLE, "slices of several sizes")
    slices = tuple(stack.slices[at] for at in seen)
    positions = stack.positions_mm[seen]
    return Volume(
        layers=tuple(pixels),
        positions_mm=positions,
        spacing_mm=(float(np.median(np.diff(positions))), *spacing),
        origin=_first_centre(slices[0], pixels[0]),
        orientation=slices[0].technique.ImageOrientationPatient,
        direction=stack.direction,
        slices=slices,
        stack=stack,
    )


def _block(layers: Sequence[SlicePixels]) -> NDArray[np.float32]:
    """Filled layer by layer, so that no second copy of the whole is made."""
    block = np.empty((len(layers), *layers[0].values.shape), np.float32)
    for layer, one in zip(block, layers, strict=True):
        np.multiply(one.values, np.float32(one.step), out=layer)
        layer += np.float32(one.zero)
    return block


def _first_centre(first: Slice, pixels: SlicePixels) -> tuple[float, float, float]:
    """ImagePositionPatient is that of a full pixel; the centre of a reduced one is half the others further."""
    cosines = np.array(first.technique.ImageOrientationPatient)
    down, across = pixels.spacing_mm or (0.0, 0.0)
    beyond = (pixels.factor - 1) / 2 / pixels.factor
    centre = np.array(first.technique.ImagePositionPatient) + beyond * (cosines[:3] * across + cosines[3:] * down)
    x, y, z = (float(part) for part in centre)
    return x, y, z
