"""ImageSet: a series or study as far as it has come, in what was kept of each image. No identity is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Device, Display, DoseReport, Exam, Fault, NoPixels, Technique

Level = Literal["series", "study"]
Because = Literal["mpps", "commitment", "association", "count", "quiet"]
"""What said that a set is whole: MPPS COMPLETED, a storage-commitment request, the release of the association that
brought it, all of the expected images, or nothing new for the device's quiet time."""

RECORD_MARK = b"qcbox-record-1\n"
"""How a file of slices begins (models.sets.record)."""


@dataclass(frozen=True, slots=True, eq=False)
class SlicePixels:
    """A picture at a size that a set of hundreds can be held in: area means of the full one.

    ``values`` * ``step`` + ``zero`` are modality values (HU for CT). ``spacing_mm`` is (between rows, between
    columns) of these pixels, None when the object does not say. ``factor``: full pixels to one of these.
    """

    values: NDArray[np.int16]
    step: float
    zero: float
    spacing_mm: tuple[float, float] | None
    factor: int

    def modality(self) -> NDArray[np.float32]:
        """(rows, columns) in modality values."""
        return self.values.astype(np.float32) * np.float32(self.step) + np.float32(self.zero)


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One frame of one image, as kept on arrival.

    ``instance``, ``frame_of_reference`` and the key of a :class:`Series` are keyed or plain hashes of UIDs: equal
    where the UIDs are equal, and worth nothing to anybody else.
    """

    arrival_id: str
    received_at: int
    """UTC milliseconds."""
    instance: str
    frame_of_reference: str
    frame: int
    """0-based frame of a multi-frame object."""
    exam: Exam
    technique: Technique
    """Of this frame: position, orientation, thickness, echo time and b-value are the frame's own."""
    device: Device
    display: Display
    pixels: SlicePixels | NoPixels
    numbers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """What :class:`models.sets.producer.SliceMeasure` took from the full picture, by ``measure.name``."""
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The frames of one SeriesInstanceUID in the order of their arrival; duplicates are still in it."""

    key: str
    slices: tuple[Slice, ...]


@dataclass(frozen=True, slots=True)
class Completeness:
    """How sure it is that nothing is still to come. ``whole`` False: judged on what there is."""

    whole: bool
    because: Because | None = None
    expected_images: int | None = None
    """From MPPS, commitment or the headers' own count; None when nobody said."""
    unread_images: int = 0
    """Came with the others and could not be read: they may have been of this set."""
    contradicts: bool = False
    """The headers' own counts contradict one another, so that they say nothing of it."""


@dataclass(frozen=True, slots=True, eq=False)
class ImageSet:
    """What a set producer may look at: ``series`` has one series, ``study`` has all of them, without pixels."""

    level: Level
    series: tuple[Series, ...]
    completeness: Completeness
    dose_reports: tuple[DoseReport, ...] = ()
    """Of the study."""

    @property
    def slices(self) -> tuple[Slice, ...]:
        """All frames."""
        return tuple(one for series in self.series for one in series.slices)
