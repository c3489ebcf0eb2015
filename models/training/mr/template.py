"""A head with a known ghost as DICOM slices, for the handbook's picture of a sheet.

    python -m models.training.mr.template TEMPLATE.nii.gz FOLDER

TEMPLATE: the T1 of ICBM 152 as the PyPI package ``nilearn`` carries it. Every third millimetre becomes a slice of
3 mm, axial, without the top of the head, with ghosts of 6 % along the phase axis and noise of 1.5 %.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from models.training.mr import kspace
from models.training.projection.nifti import read_nifti

_FIELD = 256
_STEP = 3
_CUT_MM = 48
_GHOST, _NOISE = 0.06, 0.015
_FULL = 2000.0


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """``values`` (x, y, z) in the order nearest to RAS, and the edges of a voxel in that order."""

    values: NDArray[np.float32]
    spacing_mm: tuple[float, float, float]


def volume(path: Path) -> Volume:
    """A packed NIfTI-1 file, its voxels as they lie: axes changed round and turned over, nothing interpolated.

    Raises:
        SetAside: another form (:func:`models.training.projection.nifti.read_nifti`).
        ValueError: two axes of the array lie nearest to the same axis of the patient.
    """
    values, matrix = read_nifti(path.read_bytes())
    nearest = np.abs(matrix[:3, :3]).argmax(axis=0).tolist()
    order = [nearest.index(axis) for axis in range(3)]
    turned = tuple(slice(None, None, -1 if matrix[axis, order[axis]] < 0 else 1) for axis in range(3))
    edges = np.linalg.norm(matrix[:3, :3], axis=0)[order]
    return Volume(values.transpose(order)[turned], (float(edges[0]), float(edges[1]), float(edges[2])))


def slices(head: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """From the feet up, rows front to back, columns right to left, in a square field of 256 mm, with the fault."""
    random = np.random.default_rng(0)
    found = []
    for z in range(0, head.shape[2] - _CUT_MM, _STEP):
        axial = head[:, ::-1, z].T[:, ::-1]
        square = np.zeros((_FIELD, _FIELD), np.float32)
        rows, columns = axial.shape
        down, across = (_FIELD - rows) // 2, (_FIELD - columns) // 2
        square[down : down + rows, across : across + columns] = axial * (_FULL / head.max())
        found.append(kspace.noisy(kspace.ghosted(square, 0, _GHOST, 2, random), _NOISE * _FULL, random))
    return found


def write(number: int, picture: NDArray[np.float32], series: str, path: Path) -> None:
    """One slice."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = MRImageStorage, f"{series}.{number}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = f"{series}.0", series, f"{series}.1.0"
    ds.Modality, ds.ImageType, ds.Manufacturer = "MR", ["ORIGINAL", "PRIMARY", "M", "NORM"], "DRAWN"
    ds.BodyPartExamined, ds.SeriesDescription, ds.PatientAge = "BRAIN", "t1 tra", "040Y"
    ds.SeriesNumber, ds.InstanceNumber, ds.InPlanePhaseEncodingDirection = 1, number, "COL"
    ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    ds.ImagePositionPatient = [-_FIELD / 2, -_FIELD / 2, number * _STEP]
    ds.PixelSpacing, ds.SliceThickness, ds.SpacingBetweenSlices = [1, 1], _STEP, _STEP
    ds.Rows = ds.Columns = _FIELD
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelData = np.clip(picture, 0, 4095).astype("<u2").tobytes()
    ds.save_as(path, enforce_file_format=True)


def main(template: str, folder: str) -> None:
    """Write the slices into the folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    series = generate_uid(entropy_srcs=["qcbox", "template"])[:50].rstrip(".")
    for number, picture in enumerate(slices(volume(Path(template)).values), start=1):
        write(number, picture, series, Path(folder) / f"{number:03}.dcm")


if __name__ == "__main__":
    main(*sys.argv[1:3])
