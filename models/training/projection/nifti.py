"""The little of NIfTI-1 that a CT and its label map need: one array and where its voxels lie in the patient."""

from __future__ import annotations

import gzip

import numpy as np
from numpy.typing import NDArray

from capture.errors import SetAside
from capture.text import Bilingual

_HEADER = 348
_START = 352
"""The first byte that may belong to the values."""
_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 512: "u2"}


def read_nifti(packed: bytes) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Values (slope applied) in the order of the file and the 4 x 4 voxel-to-patient matrix (mm, RAS+).

    Args:
        packed: the bytes of a ``.nii`` or ``.nii.gz`` file.

    Raises:
        SetAside: ``projection.not_nifti`` for anything but one volume in a single-file NIfTI-1 with an sform.
    """
    raw = gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
    if len(raw) < _START:
        raise _refused()
    order = "<" if raw[:4] == _HEADER.to_bytes(4, "little") else ">"
    shape = np.frombuffer(raw, order + "i2", 8, 40)
    kind = int(np.frombuffer(raw, order + "i2", 1, 70)[0])
    sform = int(np.frombuffer(raw, order + "i2", 1, 254)[0])
    if raw[344:347] != b"n+1" or not _is_volume(shape) or kind not in _TYPES or sform < 1:
        raise _refused()
    start, slope, shift = (float(number) for number in np.frombuffer(raw, order + "f4", 3, 108))
    matrix = np.eye(4)
    matrix[:3] = np.frombuffer(raw, order + "f4", 12, 280).reshape(3, 4)
    size = tuple(int(length) for length in shape[1:4])
    if int(start) < _START or len(raw) - int(start) < np.prod(size) * np.dtype(_TYPES[kind]).itemsize:
        raise _refused()
    values = np.frombuffer(raw, order + _TYPES[kind], int(np.prod(size)), int(start)).reshape(size, order="F")
    return values.astype(np.float32) * (slope or 1.0) + shift, matrix


def _is_volume(shape: NDArray[np.int16]) -> bool:
    """Three axes, or a series of one volume; ``shape`` is the header's ``dim``."""
    return bool(shape[0] == 3 or (shape[0] == 4 and shape[4] == 1))


def _refused() -> SetAside:
    return SetAside(
        "projection.not_nifti",
        Bilingual("不是可读的三维 NIfTI-1 文件", "Not a readable three-dimensional NIfTI-1 file"),
        Bilingual("请给出带 sform 的单文件 .nii 或 .nii.gz", "Give a single .nii or .nii.gz file with an sform"),
    )
