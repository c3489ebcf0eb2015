"""Objects that are not as they should be: what can be kept is kept, the rest is set aside with a code."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from capture.acquisition import Fault, NoPixels, Pixels
from capture.errors import SetAside
from tests import factories
from tests.unit.capture.reading import HEAD, codes, element, part10, read_file

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)


@pytest.mark.parametrize("syntax", NATIVE)
def test_without_preamble_and_meta(tmp_path: Path, syntax: str) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx", syntax, preamble=False)
    acquisition = read_file(path)
    assert codes(acquisition) == {("preamble.missing", ""), ("meta.missing", "TransferSyntaxUID")}
    assert acquisition.technique.KVP == 125
    assert isinstance(acquisition.pixels, Pixels)
    assert acquisition.pixels.values[10, 10] == factories.phantom()[10, 10]


def test_meta_names_the_wrong_syntax(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx", ImplicitVRLittleEndian)
    content = path.read_bytes().replace(
        b"UI\x12\x001.2.840.10008.1.2\x00", b"UI\x14\x001.2.840.10008.1.2.1\x00", 1
    )
    path.write_bytes(content)
    acquisition = read_file(path)
    assert ("meta.wrong", "TransferSyntaxUID") in codes(acquisition)
    assert acquisition.technique.KVP == 125


def test_group_length_of_the_meta_is_not_believed(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    content = path.read_bytes()
    assert content[140:144] != b"\xff\xff\x00\x00"
    path.write_bytes(content[:140] + b"\xff\xff\x00\x00" + content[144:])
    assert read_file(path).technique.KVP == 125


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "dicom.empty"),
        (b"x", "dicom.unreadable"),
        (bytes(5000), "dicom.unreadable"),
        (bytes(128) + b"DICM", "dicom.unreadable"),
        (b"%PDF-1.7 and so on " * 50, "dicom.unreadable"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "dicom.unreadable"),
    ],
)
def test_what_is_not_dicom_is_set_aside(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(SetAside) as raised:
        read_file(path)
    assert raised.value.code == code
    assert raised.value.hint.zh
    assert raised.value.text.en


@pytest.mark.parametrize("tag", [0x00100010, 0x00091010])
def test_a_magic_and_nothing_of_use_is_set_aside(tmp_path: Path, tag: int) -> None:
    path = tmp_path / "junk"
    path.write_bytes(part10(element(0x00080005, b"CS", b"ISO_IR 6"), element(tag, b"LO", b"A^B ")))
    with pytest.raises(SetAside) as raised:
        read_file(path)
    assert raised.value.code == "dicom.empty_object"
    assert "A^B" not in str(raised.value)


@pytest.mark.parametrize(
    "hint",
    [
        element(0x00080016, b"UI", b"1.2.840.10008.5.1.4.1.1.481.3\0"),
        element(0x00080060, b"CS", b"KO"),
        element(0x00280010, b"US", b"\4\0"),
    ],
)
def test_one_hint_of_what_it_is_keeps_an_object(tmp_path: Path, hint: bytes) -> None:
    """Structure sets and key object selections are valid: they get a verdict without a grade."""
    path = tmp_path / "object"
    path.write_bytes(part10(hint))
    assert isinstance(read_file(path).pixels, NoPixels)


def test_every_truncation_of_an_object(tmp_path: Path) -> None:
    """Cut anywhere: an Acquisition with what came before, or a set-aside while there is no element yet."""
    whole = factories.write(factories.dx(pixels=factories.phantom(16, 12)), tmp_path / "dx").read_bytes()
    path = tmp_path / "cut"
    previous = 0
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        try:
            acquisition = read_file(path)
        except SetAside:
            assert length < 500
            continue
        assert isinstance(acquisition.pixels, NoPixels)
        known = sum(value is not None for value in (acquisition.exam.Modality, acquisition.technique.KVP))
        assert known >= previous
        previous = known
    assert previous == 2


def test_truncated_pixels_keep_the_header(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    path.write_bytes(path.read_bytes()[:-100])
    acquisition = read_file(path)
    assert acquisition.pixels == NoPixels("truncated", "100 bytes are missing")
    assert ("structure.truncated", "PixelData") in codes(acquisition)
    assert acquisition.display.Rows == 96


def test_trailing_zeros_and_odd_crumbs_are_no_fault(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    path.write_bytes(path.read_bytes() + bytes(1001))
    assert read_file(path).faults == ()


def test_a_damaged_element_ends_the_header_there(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    factories.with_raw(path, b"\x18\x00\x50\x11IS\x02\x00", b"\x18\x00\x50\x11\x00\xff\xff\x7f")
    acquisition = read_file(path)
    assert acquisition.technique.KVP == 125
    assert ("structure.damaged", "ExposureTime") in codes(acquisition)
    assert acquisition.pixels == NoPixels("truncated")


@pytest.mark.parametrize("maker", [factories.ct_dose_report, factories.projection_dose_report])
def test_reports_are_no_images(tmp_path: Path, maker: object) -> None:
    acquisition = read_file(factories.write(maker(), tmp_path / "sr"))  # type: ignore[operator]
    assert acquisition.pixels == NoPixels("not_an_image")
    assert acquisition.dose_report is not None


def test_image_without_pixels(tmp_path: Path) -> None:
    acquisition = read_file(factories.write(factories.dx(PixelData=None), tmp_path / "dx"))
    assert acquisition.pixels == NoPixels("no_pixel_data")


# --- bombs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vr", [b"SQ", b"UN"])
@pytest.mark.parametrize("closed", [False, True])
def test_nested_sequences_without_end(tmp_path: Path, vr: bytes, closed: bool) -> None:
    opening = (
        struct.pack("<HH", 0x0040, 0xA730) + vr + b"\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    )
    inner = opening[:4] + b"\xff\xff\xff\xff" + opening[12:] if vr == b"UN" else opening
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    depth = 50_000
    path = tmp_path / "bomb"
    path.write_bytes(part10(*HEAD, opening + inner * (depth - 1) + (closing * depth if closed else b"")))
    acquisition = read_file(path)
    assert acquisition.exam.Modality == "CT"
    assert acquisition.dose_report is None
    assert isinstance(acquisition.pixels, NoPixels)
    assert (("structure.truncated", "ContentSequence") in codes(acquisition)) is not closed


def test_deep_content_tree_of_a_report(tmp_path: Path) -> None:
    """A dose report nested 3000 deep: looked at to a fixed depth only."""
    inner = b""
    for _ in range(3000):
        inner = element(0x0040A730, b"SQ", b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner)
    name = element(0x00080100, b"SH", b"113701")
    concept = element(0x0040A043, b"SQ", b"\xfe\xff\x00\xe0" + struct.pack("<I", len(name)) + name)
    path = tmp_path / "deep"
    path.write_bytes(part10(*HEAD, concept, inner))
    report = read_file(path).dose_report
    assert report is not None
    assert report.events == ()


def test_more_elements_than_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "many"
    path.write_bytes(part10(*HEAD, b"".join(element(0x00110000 + i, b"LO", b"") for i in range(2000))))
    acquisition = read_file(path, max_elements=1000)
    assert acquisition.exam.Modality == "CT"
    assert ("structure.too_many_elements", "") in codes(acquisition)
    assert acquisition.pixels == NoPixels("too_large")


def test_deflate_bomb(tmp_path: Path) -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    stream = deflater.compress(b"".join(HEAD) + element(0x7FE00010, b"OW", bytes(30_000_000))) + deflater.flush()
    path = tmp_path / "bomb"
    path.write_bytes(part10(stream, syntax=DeflatedExplicitVRLittleEndian))
    assert path.stat().st_size < 100_000
    acquisition = read_file(path, max_inflated=1_000_000)
    assert acquisition.exam.Modality == "CT"
    assert isinstance(acquisition.pixels, NoPixels)
    assert Fault("structure.too_large", detail="deflated object") in acquisition.faults


def test_broken_deflate_stream_keeps_its_beginning(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx", DeflatedExplicitVRLittleEndian)
    path.write_bytes(path.read_bytes()[:-500])
    acquisition = read_file(path)
    assert acquisition.exam.Modality == "DX"
    assert ("structure.truncated", "") in codes(acquisition)
    path.write_bytes(part10(b"\xff" * 300, syntax=DeflatedExplicitVRLittleEndian))
    with pytest.raises(SetAside):
        read_file(path)
