"""NIfTI-1 files made up, and a folder with all sources of scenes, small."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILES = ("icbm152", "pydeface", "colin27", "deepmriprep", "dipy", "pycortex", "chest_ct")


def packed(values: NDArray[np.int16], matrix: NDArray[np.float64] | None = None) -> bytes:
    """A ``.nii.gz``; ``matrix`` (3, 4) from voxels to the patient, millimetres in RAS by default."""
    header = bytearray(352)
    header[0:4] = (348).to_bytes(4, "little")
    lengths = [*values.shape, *[1] * (7 - values.ndim)]
    header[40:56] = np.array([values.ndim, *lengths], "<i2").tobytes()
    header[70:72] = np.array([4], "<i2").tobytes()
    header[108:120] = np.array([352, 1, 0], "<f4").tobytes()
    header[254:256] = np.array([1], "<i2").tobytes()
    header[280:328] = np.asarray(np.eye(3, 4) if matrix is None else matrix, "<f4").tobytes()
    header[344:348] = b"n+1\0"
    return gzip.compress(bytes(header) + values.astype("<i2").tobytes(order="F"))


def ball(length: int = 12) -> NDArray[np.int16]:
    """Bright within, dark without, some texture; (length, length, length)."""
    at = np.linspace(-1, 1, length)
    far = np.sqrt(sum(axis**2 for axis in np.meshgrid(at, at, at)))
    texture = np.random.default_rng(0).integers(-50, 50, far.shape)
    return np.where(far < 0.9, 500 + texture, -1000 * (far > 2)).astype(np.int16)


def folder_of_sources(folder: Path) -> Path:
    """Every file that must be there, a ball each; no films."""
    for name in FILES:
        (folder / f"{name}.nii.gz").write_bytes(packed(ball()))
    return folder
