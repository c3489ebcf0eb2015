"""Scan: the slices of an axial CT series as one small block, head first, and where the isocentre lies in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Device, Technique
from models.measurement import Reason
from models.sets.image_set import Series, Slice
from models.sets.sheet import Extent
from models.sets.upright import Turn, turn_of
from models.sets.volume import NoVolume, Volume, volume_of

Values = NDArray[np.float32]
_SIDE = 128
_UPRIGHT = 0.9998
"""Cosine of 1 degree."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """``hu``: (n, rows, columns), index 0 nearest to the head, rows front to back, columns right to left."""

    hu: Values
    z_mm: NDArray[np.float64]
    """(n,), from the first slice towards the feet, along the normal."""
    spacing_mm: tuple[float, float]
    """(between rows, between columns)."""
    centre_mm: tuple[float, float] | None = None
    """Isocentre as (down, across) in mm from the centre of the first pixel; None when the header does not say."""
    tilted: bool = False
    """The gantry leans: GE lays pairs of slices as stairs then, whatever ImagePositionPatient says."""
    slices: tuple[Slice, ...] = ()
    """Where they came from, in the same order."""
    isocentre: tuple[float, float] | None = None
    """(x, y) in the patient, mm."""
    flipped: tuple[bool, bool] = (False, False)
    """Whether the rows and the columns of those run the other way."""

    @property
    def step_mm(self) -> float:
        """From slice to slice, the median."""
        return float(np.median(np.diff(self.z_mm))) if len(self.z_mm) > 1 else 1.0

    @property
    def pixel_mm2(self) -> float:
        return self.spacing_mm[0] * self.spacing_mm[1]

    @property
    def extent(self) -> Extent:
        """Of the pictures on the sheet, where every slice is equally thick."""
        n, rows, columns = self.hu.shape
        return Extent(n * self.step_mm, rows * self.spacing_mm[0], columns * self.spacing_mm[1])


def small_scan(
    hu: Iterable[Values],
    z_mm: NDArray[np.float64],
    spacing_mm: tuple[float, float],
    centre_mm: tuple[float, float] | None = None,
    tilted: bool = False,
    slices: tuple[Slice, ...] = (),
    flipped: tuple[bool, bool] = (False, False),
) -> Scan:
    """Slices of any size as area means of at most 128 x 128 pixels: what masks and geometry are found on.

    ``hu``: as many as ``z_mm``, one at least, all of one size; each is done with before the next is asked for.
    ``centre_mm`` is from the centre of the first of the given pixels.
    """
    factor, small = 1, np.empty((0, 0, 0), np.float32)
    for at, one in enumerate(hu):
        if at == 0:
            factor = -(-max(one.shape) // _SIDE)
            small = np.empty((len(z_mm), *(length // factor for length in one.shape)), np.float32)
        rows, columns = small.shape[1:]
        whole = np.ascontiguousarray(one[: rows * factor, : columns * factor])
        cv2.resize(whole, (columns, rows), dst=small[at], interpolation=cv2.INTER_AREA)
    down, across = spacing_mm
    beyond = (factor - 1) / 2
    centre = (centre_mm[0] - beyond * down, centre_mm[1] - beyond * across) if centre_mm else None
    return Scan(small, z_mm, (down * factor, across * factor), centre, tilted, slices, flipped=flipped)


def scan_of(series: Series) -> Scan | NoVolume:
    """The largest stack of a series, when it is axial."""
    volume = volume_of(series)
    if isinstance(volume, NoVolume):
        return volume
    turned = turn_of(volume)
    if turned is None or turned.order != (0, 1, 2):
        return NoVolume(Reason.NOT_APPLICABLE, "the slices are not axial")
    small = small_scan(
        _turned(volume, turned),
        _from_head(volume.positions_mm, turned.flipped[0]),
        volume.spacing_mm[1:],
        _centre(volume, turned),
        tilted=abs(volume.orientation[4]) < _UPRIGHT,
        slices=volume.slices[::-1] if turned.flipped[0] else volume.slices,
        flipped=turned.flipped[1:],
    )
    return replace(small, isocentre=isocentre_of(volume))


def _turned(volume: Volume, turn: Turn) -> Iterator[Values]:
    """The layers head first, their rows front to back and columns right to left."""
    sides = tuple(slice(None, None, -1) if flip else slice(None) for flip in turn.flipped[1:])
    for one in reversed(volume.layers) if turn.flipped[0] else volume.layers:
        yield one.modality()[sides]


def _from_head(positions_mm: NDArray[np.float64], flipped: bool) -> NDArray[np.float64]:
    along = -positions_mm[::-1] if flipped else positions_mm
    return np.asarray(along - along[0], np.float64)


def _centre(volume: Volume, turned: Turn) -> tuple[float, float] | None:
    """Of the middle slice; a tilted gantry turns about it."""
    middle = volume.slices[len(volume.slices) // 2].technique
    isocentre = isocentre_of(volume)
    if isocentre is None or len(middle.ImagePositionPatient) != 3:
        return None
    # Of reduced pixels: the first one's centre is half of the others further in.
    shift = np.array(volume.origin) - np.array(volume.slices[0].technique.ImagePositionPatient)
    first = np.array(middle.ImagePositionPatient) + shift
    away = np.array([isocentre[0], isocentre[1], first[2]]) - first
    along = np.array(volume.orientation)
    # The isocentre lies on the line x, y = const; its z in the slice's plane follows from the tilt.
    across, down = float(away @ along[:3]), float(away[1] / along[4]) if abs(along[4]) > 0.5 else float("nan")
    _, rows, columns = volume.shape
    if turned.flipped[1]:
        down = (rows - 1) * volume.spacing_mm[1] - down
    if turned.flipped[2]:
        across = (columns - 1) * volume.spacing_mm[2] - across
    return (down, across) if np.isfinite([down, across]).all() else None


_SAME_DIAMETER = 0.01


def isocentre_of(volume: Volume) -> tuple[float, float] | None:
    """(x, y) of the isocentre in the patient, in mm, where the header says it or the field shows it.

    A picture as large as the field of data collection has it in its middle.
    """
    slices = volume.slices
    said = slices[len(slices) // 2]
    stated = stated_isocentre(said.technique, said.device)
    return _middle_of_picture(volume) if stated is None and shows_all(said.technique) else stated


def stated_isocentre(technique: Technique, device: Device) -> tuple[float, float] | None:
    """(x, y) in the patient, in mm, where the header says it.

    DataCollectionCenterPatient is it by definition (PS3.3 C.8.15.3.3). GE puts it at 0, 0 (its conformance
    statements; true of both GE series seen) and Siemens at minus the table height (true of the Siemens series
    seen, whose field is 500 mm).
    """
    maker = (device.Manufacturer or "").upper()
    if len(technique.DataCollectionCenterPatient) == 3:
        return technique.DataCollectionCenterPatient[0], technique.DataCollectionCenterPatient[1]
    if maker.startswith("GE "):
        return 0.0, 0.0
    if "SIEMENS" in maker and technique.TableHeight is not None:
        return 0.0, -technique.TableHeight
    return None


def shows_all(technique: Technique) -> bool:
    """The picture is as large as the field of data collection."""
    shown, collected = technique.ReconstructionDiameter, technique.DataCollectionDiameter
    return bool(shown and collected and abs(shown - collected) <= _SAME_DIAMETER * collected)


def _middle_of_picture(volume: Volume) -> tuple[float, float]:
    _, rows, columns = volume.shape
    along = np.array(volume.orientation)
    middle = (
        np.array(volume.origin)
        + along[:3] * volume.spacing_mm[2] * (columns - 1) / 2
        + along[3:] * volume.spacing_mm[1] * (rows - 1) / 2
    )
    return float(middle[0]), float(middle[1])
