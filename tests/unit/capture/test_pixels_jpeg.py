"""Frames that pydicom cannot write: JPEG, 12-bit JPEG against DCMTK, deflated frames, GE's private syntax."""

from __future__ import annotations

import subprocess
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit

from capture.acquisition import Pixels
from capture.dicom.frames import DEFLATED_FRAME
from capture.dicom.part10 import GE_PRIVATE_BIG_ENDIAN
from capture.dicom.reader import read
from tests import factories
from tests.unit.capture.test_pixels_refused import encapsulated


def pixels_of(path: Path) -> Pixels:
    pixels = read(path, factories.arrival_of(path)).pixels
    assert isinstance(pixels, Pixels), pixels
    return pixels


def test_baseline_grey(tmp_path: Path) -> None:
    truth = cv2.GaussianBlur(factories.phantom(32, 40, 255, 7).astype(np.uint8), (5, 5), 0)
    _, encoded = cv2.imencode(".jpg", truth, (cv2.IMWRITE_JPEG_QUALITY, 100))
    pixels = pixels_of(encapsulated(tmp_path, JPEGBaseline8Bit, encoded.tobytes()))
    assert np.abs(pixels.values - truth).max() <= 3


def test_baseline_color(tmp_path: Path) -> None:
    truth = np.zeros((32, 40, 3), np.uint8)
    truth[:16, :, 0], truth[16:, :, 1] = 220, 180
    _, encoded = cv2.imencode(".jpg", truth[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 100))
    path = encapsulated(
        tmp_path, JPEGBaseline8Bit, encoded.tobytes(), pixels=truth, PhotometricInterpretation="YBR_FULL_422"
    )
    pixels = pixels_of(path)
    assert pixels.color is not None
    assert np.abs(pixels.color[[4, 28]].astype(int) - truth[[4, 28]]).max() <= 6


@pytest.mark.real
@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_twelve_bit_jpeg_as_dcmtk_decodes_it(tmp_path: Path, name: str) -> None:
    file = Path(str(get_testdata_file(name)))
    subprocess.run(["dcmdjpeg", str(file), str(tmp_path / "plain")], check=True, capture_output=True)
    truth = pixels_of(tmp_path / "plain")
    pixels = pixels_of(file)
    assert pixels.values.max() > 255
    assert np.array_equal(pixels.values, truth.values)


def test_deflated_frames(tmp_path: Path) -> None:
    truth = factories.phantom(30, 20)
    ds = factories.dx(np.stack([truth, truth + 1, truth + 2]))
    deflater = [zlib.compressobj(6, zlib.DEFLATED, -15) for _ in range(3)]
    frames = [d.compress((truth + i).tobytes()) + d.flush() for i, d in enumerate(deflater)]
    path = factories.write(ds, tmp_path / "plain")
    ds = dcmread(path)
    ds.PixelData = encapsulate([frame + b"\0" * (len(frame) % 2) for frame in frames])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    ds.save_as(path, enforce_file_format=True)
    factories.with_raw(path, b"1.2.840.10008.1.2.4.50", DEFLATED_FRAME.encode() + b"\0")
    assert np.array_equal(pixels_of(path).values, truth + 1)


def test_ge_private_syntax_has_big_endian_pixels_only(tmp_path: Path) -> None:
    truth = factories.phantom(30, 20)
    path = factories.write(factories.ct(truth.byteswap(), BitsStored=16), tmp_path / "ct", ImplicitVRLittleEndian)
    content = path.read_bytes()
    old = b"UI\x12\x00" + ImplicitVRLittleEndian.encode() + b"\0"
    path.write_bytes(content.replace(old, b"UI\x12\x00" + GE_PRIVATE_BIG_ENDIAN.encode(), 1))
    acquisition = read(path, factories.arrival_of(path))
    assert acquisition.faults == ()
    assert isinstance(acquisition.pixels, Pixels)
    assert np.array_equal(acquisition.pixels.values, truth - 1024.0)
