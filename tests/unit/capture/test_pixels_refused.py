"""What cannot be decoded is refused with a code, quickly and without the memory that it asks for."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG4HP41,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from capture.acquisition import NoPixels
from capture.dicom.frames import DEFLATED_FRAME
from tests import factories
from tests.unit.capture.reading import pixels_of, read_file

LOSSLESS = (RLELossless, JPEGLSLossless, JPEG2000Lossless)


def refusal(ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian, **options: Any) -> str:
    pixels = read_file(factories.write(ds, path, syntax), **options).pixels
    assert isinstance(pixels, NoPixels)
    return pixels.code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"Rows": 65535, "Columns": 1000}, "truncated"),
        ({"Rows": 65535, "Columns": 65535}, "too_large"),
        ({"NumberOfFrames": 2_000_000_000}, "truncated"),
        ({"BitsAllocated": 1, "PixelRepresentation": 1, "PixelPaddingValue": 1, "Rows": 65535}, "truncated"),
        ({"Rows": 0}, "inconsistent"),
        ({"Rows": None}, "inconsistent"),
        ({"BitsAllocated": None}, "inconsistent"),
        ({"BitsAllocated": 12}, "inconsistent"),
        ({"SamplesPerPixel": 4}, "inconsistent"),
        (
            {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "BitsAllocated": 1, "BitsStored": 1},
            "inconsistent",
        ),
        (
            {
                "SamplesPerPixel": 3,
                "PhotometricInterpretation": "YBR_FULL_422",
                "BitsAllocated": 8,
                "BitsStored": 8,
                "Rows": 3,
                "Columns": 5,
                "PlanarConfiguration": 0,
            },
            "inconsistent",
        ),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "truncated"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "inconsistent"),
    ],
)
def test_headers_that_promise_what_is_not_there(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    assert refusal(factories.dx(**changes), tmp_path / "dx") == code


def test_limit_of_samples(tmp_path: Path) -> None:
    assert refusal(factories.dx(), tmp_path / "dx", max_pixels=96 * 80 - 1) == "too_large"
    assert pixels_of(factories.dx(), tmp_path / "dx", max_pixels=96 * 80).values.shape == (96, 80)


def encapsulated(tmp_path: Path, syntax: str, frame: bytes, **changes: Any) -> Path:
    path = factories.write(factories.sc(**changes), tmp_path / "sc")
    ds = dcmread(path)
    ds.file_meta.TransferSyntaxUID = RLELossless
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].is_undefined_length = True
    ds.save_as(path, enforce_file_format=True)
    old, new = (text.encode() + b"\0" * (len(text) % 2) for text in (str(RLELossless), syntax))
    content = path.read_bytes()  # pydicom writes no syntax that it does not know
    path.write_bytes(content.replace(bytes([len(old), 0]) + old, bytes([len(new), 0]) + new, 1))
    return path


@pytest.mark.parametrize("syntax", [MPEG4HP41, "1.2.840.10008.1.2.4.110", "1.2.840.10008.1.2.4.92", "1.2.3.4.5"])
def test_no_decoder(tmp_path: Path, syntax: str) -> None:
    pixels = read_file(encapsulated(tmp_path, syntax, b"some stream of bytes")).pixels
    assert isinstance(pixels, NoPixels)
    assert pixels.code == "no_decoder"


@pytest.mark.parametrize("syntax", [JPEGBaseline8Bit, *LOSSLESS])
def test_garbage_in_place_of_a_frame(tmp_path: Path, syntax: str) -> None:
    pixels = read_file(encapsulated(tmp_path, syntax, bytes(range(256)) * 4)).pixels
    assert isinstance(pixels, NoPixels)
    assert pixels.code == "decode_failed"


def test_deflated_frame_that_is_none(tmp_path: Path) -> None:
    pixels = read_file(encapsulated(tmp_path, DEFLATED_FRAME, b"\xff" * 40)).pixels
    assert pixels == NoPixels("decode_failed", "deflate")
    short = zlib.compress(b"ab", wbits=-15)
    pixels = read_file(encapsulated(tmp_path, DEFLATED_FRAME, short)).pixels
    assert isinstance(pixels, NoPixels)
    assert pixels.code == "truncated"


def test_frame_that_is_not_among_the_fragments(tmp_path: Path) -> None:
    pixels = read_file(encapsulated(tmp_path, RLELossless, b"abcd", NumberOfFrames=3)).pixels
    assert pixels == NoPixels("inconsistent", "the frame is empty")


def test_code_stream_that_asks_for_gigabytes(tmp_path: Path) -> None:
    """The header says 32 x 40, the code stream 60000 x 60000: refused before a decoder allocates for it."""
    jpeg = b"\xff\xd8\xff\xc0\x00\x0b\x08" + struct.pack(">HH", 60000, 60000) + b"\x01\x01\x11\x00" + bytes(64)
    siz = struct.pack(">HHH8IHBBB", 0xFF51, 41, 0, 60000, 60000, 0, 0, 60000, 60000, 0, 0, 1, 7, 1, 1)
    for syntax, frame in ((JPEGBaseline8Bit, jpeg), (JPEG2000Lossless, b"\xff\x4f" + siz + bytes(64))):
        path = encapsulated(tmp_path, syntax, frame)
        tracemalloc.start()
        pixels = read_file(path).pixels
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert isinstance(pixels, NoPixels)
        assert pixels.code == "inconsistent"
        assert peak < 10_000_000


@pytest.mark.parametrize("limit", [100_000, 300_000])
def test_many_empty_fragments(tmp_path: Path, limit: int) -> None:
    """Too many to find the end of the pixel data, or too many to look at a second time."""
    path = encapsulated(tmp_path, RLELossless, b"xx")
    content = path.read_bytes()
    at = content.rindex(b"\xfe\xff\xdd\xe0")
    path.write_bytes(content[:at] + b"\xfe\xff\x00\xe0\0\0\0\0" * 200_000 + content[at:])
    acquisition = read_file(path, max_elements=limit)
    assert isinstance(acquisition.pixels, NoPixels)
    assert acquisition.pixels.code == "too_large"
    assert acquisition.exam.Modality == "OT"


def test_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has a limit on its address space; what does not fit is not assessed."""

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("capture.dicom.pixels.decode_frame", full)
    assert refusal(factories.dx(), tmp_path / "dx") == "too_large"


def test_native_syntax_with_fragments(tmp_path: Path) -> None:
    path = encapsulated(tmp_path, RLELossless, b"xx")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0"))
    assert read_file(path).pixels == NoPixels("inconsistent", "Explicit VR Little Endian")
