from __future__ import annotations

import gzip

import numpy as np
import pytest

from capture.errors import SetAside
from models.training.projection.nifti import read_nifti


def _file(values: np.ndarray[tuple[int, ...], np.dtype[np.int16]], slope: float, shift: float) -> bytes:
    header = bytearray(352)
    header[0:4] = (348).to_bytes(4, "little")
    header[40:56] = np.array([3, *values.shape, 1, 1, 1, 1], "<i2").tobytes()
    header[70:72] = np.array([4], "<i2").tobytes()
    header[108:120] = np.array([352, slope, shift], "<f4").tobytes()
    header[254:256] = np.array([1], "<i2").tobytes()
    header[280:328] = np.array([[-2, 0, 0, 9], [0, 3, 0, 8], [0, 0, 4, 7]], "<f4").tobytes()
    header[344:348] = b"n+1\0"
    return bytes(header) + values.astype("<i2").tobytes(order="F")


def test_values_are_scaled_and_keep_their_axes() -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    for packed in (_file(values, 2, -1024), gzip.compress(_file(values, 2, -1024))):
        found, matrix = read_nifti(packed)
        np.testing.assert_array_equal(found, values * 2.0 - 1024)
        np.testing.assert_array_equal(matrix[:3, 3], [9, 8, 7])
        np.testing.assert_array_equal(np.diag(matrix), [-2, 3, 4, 1])


def test_a_slope_of_zero_means_none() -> None:
    found, _ = read_nifti(_file(np.full((2, 2, 2), 5, np.int16), 0, 0))
    assert (found == 5).all()


@pytest.mark.parametrize(
    "packed", [b"", b"no header", bytes(400), _file(np.zeros((2, 2, 2), np.int16), 1, 0)[:-3]]
)
def test_anything_else_is_set_aside(packed: bytes) -> None:
    with pytest.raises(SetAside, match=r"projection\.not_nifti"):
        read_nifti(packed)


def test_a_series_of_one_volume_is_that_volume() -> None:
    values = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    series = bytearray(_file(values, 1, 0))
    series[40:42] = np.array([4], "<i2").tobytes()
    np.testing.assert_array_equal(read_nifti(bytes(series))[0], values)
    series[48:50] = np.array([2], "<i2").tobytes()
    with pytest.raises(SetAside, match=r"projection\.not_nifti"):
        read_nifti(bytes(series))
