"""hazen on a series of the ACR MR phantom: it reads files, so the slices are written to a folder for the while."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from models.catalogue import catalogue
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.sets.geometry import arrangement_of
from models.sets.image_set import ImageSet, Slice, SlicePixels

_TASKS: tuple[tuple[str, str, str, Callable[[dict[str, list[float]]], float]], ...] = (
    (
        "phantom.slice_thickness_mm",
        "acr_slice_thickness",
        "ACRSliceThickness",
        lambda found: found["SliceWidth"][0],
    ),
    (
        "phantom.slice_position_mm",
        "acr_slice_position",
        "ACRSlicePosition",
        lambda found: max(abs(value) for value in found["SlicePosition"]),
    ),
    (
        "phantom.geometry_error_mm",
        "acr_geometric_accuracy",
        "ACRGeometricAccuracy",
        lambda found: max(abs(value - _INSIDE_MM) for value in found["GeometricAccuracy"] if value > _A_LENGTH_MM),
    ),
)
_ITS_FAILURES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, OSError)
"""What its code raises on odd pictures; anything else costs all three facts (models.producer.run_all)."""
_INSIDE_MM = 190.0
_A_LENGTH_MM = 100.0
"""hazen puts errors and lengths into one list: lengths are above this."""


def measured(images: ImageSet) -> Iterator[Measured]:
    """A fact for each of hazen's tasks; one that fails costs only its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(path) for path in _written(images, Path(folder))]
        for name, module, task, reading in _TASKS:
            try:
                run = getattr(import_module(f"hazenlib.tasks.{module}"), task)
                found = run(input_data=files, report=False, report_dir=folder).run()
                yield Measurement(name, float(reading(_by_name(found))), catalogue()[name].unit, "hazen/1")
            except _ITS_FAILURES as error:
                yield NotMeasured(name, Reason.FAILED, f"hazen: {type(error).__name__}")


def _by_name(found: Any) -> dict[str, list[float]]:
    out: dict[str, list[float]] = {}
    for one in found.measurements:
        out.setdefault(str(one.name), []).append(float(one.value))
    return out


def _written(images: ImageSet, folder: Path) -> Iterable[Path]:
    for number, one in enumerate(arrangement_of(images.slices).stacks[0].slices, start=1):
        path = folder / f"{number}.dcm"
        _dataset(one, number).save_as(path, enforce_file_format=True)
        yield path


def _dataset(one: Slice, number: int) -> FileDataset:
    """An ordinary MR image with what hazen reads, and no more."""
    pixels, how = one.pixels, one.technique
    if not isinstance(pixels, SlicePixels) or pixels.spacing_mm is None:
        raise ValueError("a slice without pixels")
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    written = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    written.SOPClassUID, written.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    written.Modality, written.InstanceNumber, written.SeriesNumber = "MR", number, 1
    written.Manufacturer = one.device.Manufacturer or ""
    written.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    written.PixelSpacing = list(pixels.spacing_mm)
    written.SliceThickness = how.SliceThickness or 5
    written.ImagePositionPatient, written.ImageOrientationPatient = (
        list(how.ImagePositionPatient),
        list(how.ImageOrientationPatient),
    )
    written.RepetitionTime, written.EchoTime = how.RepetitionTime or 0, how.EchoTime or 0
    values = np.clip(np.round(pixels.modality()), 0, 65535).astype(np.uint16)
    # hazen looks for structures in the pixels as windowed.
    shown, middle = one.display, float(values.max()) / 2
    written.WindowCenter = shown.WindowCenter[0] if shown.WindowCenter else middle
    written.WindowWidth = shown.WindowWidth[0] if shown.WindowWidth else 2 * middle
    written.Rows, written.Columns = values.shape
    written.SamplesPerPixel, written.PhotometricInterpretation = 1, "MONOCHROME2"
    written.BitsAllocated, written.BitsStored, written.HighBit, written.PixelRepresentation = 16, 16, 15, 0
    written.PixelData = values.tobytes()
    return written
