"""Mosaics: all slices of one time as tiles of one picture (Siemens MOSAIC, United Imaging VFRAME)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from capture.acquisition import Acquisition, Fault, Pixels
from capture.dicom.csa import csa_numbers
from capture.dicom.fields import numbers_of, tag_of
from capture.dicom.items import Item
from capture.dicom.options import ReadOptions
from capture.dicom.part10 import open_object
from capture.dicom.private import private_element, private_numbers

_SIEMENS, _CSA, _UIH = "SIEMENS MR HEADER", "SIEMENS CSA HEADER", "Image Private Header"
_MOST = 1024
"""Tiles of one picture."""
_LARGEST_CSA = 1 << 20

Place = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Tiling:
    """Row by row; places that are too many stay empty."""

    down: int
    across: int
    positions: tuple[Place, ...]


def is_mosaic(acquisition: Acquisition) -> bool:
    """The picture is made of tiles."""
    return not {"MOSAIC", "VFRAME"}.isdisjoint(acquisition.exam.ImageType)


def tiles_of(path: Path, whole: Acquisition, options: ReadOptions) -> Iterator[Acquisition]:
    """Each tile with its own place; the picture as it is, without a place, when its tiles cannot be told.

    Raises:
        SetAside, OSError: as :func:`capture.dicom.reader.read`.
    """
    top = open_object(path, options.max_inflated, options.max_elements).data_set
    tiling = _of_frames(top) if "VFRAME" in whole.exam.ImageType else _of_siemens(top, whole)
    if tiling is None:
        unplaced = replace(whole.technique, ImagePositionPatient=())
        yield replace(whole, technique=unplaced, faults=(*whole.faults, Fault("mosaic.unknown")))
        return
    for number, position in enumerate(tiling.positions):
        yield _tile(whole, tiling, number, position)


def _tile(whole: Acquisition, tiling: _Tiling, number: int, position: Place) -> Acquisition:
    rows, columns = (whole.display.Rows or 0) // tiling.down, (whole.display.Columns or 0) // tiling.across
    down, across = divmod(number, tiling.across)
    box = (slice(down * rows, (down + 1) * rows), slice(across * columns, (across + 1) * columns))
    pixels = whole.pixels
    if isinstance(pixels, Pixels):
        padding = None if pixels.padding is None else pixels.padding[box]
        pixels = replace(
            pixels, values=pixels.values[box], padding=padding, frame=number, frames=len(tiling.positions)
        )
    return replace(
        whole,
        technique=replace(whole.technique, ImagePositionPatient=position),
        display=replace(whole.display, Rows=rows, Columns=columns),
        pixels=pixels,
    )


def _of_frames(top: Item) -> _Tiling | None:
    """United Imaging: an item for each tile, with its position."""
    sequence = private_element(top, _UIH, 0x0065, 0x51)
    positions: list[Place] = []
    for item in top.items(sequence.tag) if sequence else ():
        element = item.elements.get(tag_of("ImagePositionPatient"))
        place = numbers_of(item, element) if element else None
        if place is None or len(place) != 3:
            return None
        positions.append(place)
    if not 0 < len(positions) <= _MOST:
        return None
    across = math.ceil(math.sqrt(len(positions)))
    return _Tiling(-(-len(positions) // across), across, tuple(positions))


def _of_siemens(top: Item, whole: Acquisition) -> _Tiling | None:
    """Siemens: a square of tiles, whose ImagePositionPatient is where the corner of one picture of the whole size
    would lie; the next tiles follow along the normal that the CSA header states."""
    count = _count(top)
    technique, display = whole.technique, whole.display
    spacing = technique.SpacingBetweenSlices or technique.SliceThickness
    known = len(technique.ImagePositionPatient) == 3 and len(technique.ImageOrientationPatient) == 6
    if not (count and spacing and known and len(display.PixelSpacing) == 2 and display.Rows and display.Columns):
        return None
    side = math.ceil(math.sqrt(count))
    row, column = np.array(technique.ImageOrientationPatient).reshape(2, 3)
    beyond = (display.Rows - display.Rows // side) / 2, (display.Columns - display.Columns // side) / 2
    first = np.array(technique.ImagePositionPatient)
    first = first + row * display.PixelSpacing[1] * beyond[1] + column * display.PixelSpacing[0] * beyond[0]
    normal = np.array(_csa(top, "SliceNormalVector") or np.cross(row, column))
    if normal.shape != (3,):
        return None
    places = first + np.outer(np.arange(count), normal) * spacing
    return _Tiling(side, side, tuple((float(x), float(y), float(z)) for x, y, z in places))


def _count(top: Item) -> int | None:
    numbers = private_numbers(top, _SIEMENS, 0x0019, 0x0A, "US") or _csa(top, "NumberOfImagesInMosaic")
    return int(numbers[0]) if numbers and 0 < numbers[0] <= _MOST else None


def _csa(top: Item, name: str) -> tuple[float, ...]:
    element = private_element(top, _CSA, 0x0029, 0x10)
    return csa_numbers(top.source.value(element, _LARGEST_CSA), name) if element else ()
