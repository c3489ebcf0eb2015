"""Structures that are not as the standard wants them, and are read all the same."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from capture.acquisition import Acquisition
from capture.dicom.bounded import Damaged, Source
from capture.dicom.codestream import Size, size_of
from capture.dicom.reader import read
from tests import factories
from tests.unit.capture.reading import HEAD, element, part10

ITEM, ITEM_END, SEQUENCE_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
OPEN = b"\xff\xff\xff\xff"
CODE = element(0x00080100, b"SH", b"T-D3000 ")
KVP = element(0x00180060, b"DS", b"120 ")


def view_code(encoded: bytes, tmp_path: Path) -> Acquisition:
    """ViewCodeSequence as encoded, and KVP of a lower tag and Rows of a higher around it."""
    path = tmp_path / "object"
    path.write_bytes(part10(*HEAD[:1], KVP, encoded))
    return read(path, factories.arrival_of(path))


def sequence(content: bytes, vr: bytes = b"SQ") -> bytes:
    return struct.pack("<HH", 0x0054, 0x0220) + vr + b"\0\0" + OPEN + content


TAIL = element(0x00540410, b"US", b"\x01\x00")


@pytest.mark.parametrize(
    "content",
    [
        ITEM + struct.pack("<I", len(CODE)) + CODE + SEQUENCE_END,
        ITEM + OPEN + CODE + ITEM_END + SEQUENCE_END,
        ITEM + OPEN + CODE + SEQUENCE_END,
        ITEM + struct.pack("<I", len(CODE)) + CODE + ITEM_END + SEQUENCE_END,
    ],
    ids=["lengths", "delimiters", "no item delimiter", "delimiter of an item that has a length"],
)
def test_items(tmp_path: Path, content: bytes) -> None:
    acquisition = view_code(sequence(content) + TAIL, tmp_path)
    assert acquisition.exam.ViewCode == "T-D3000"
    assert acquisition.faults == ()


def test_explicit_items_inside_an_unknown_vr(tmp_path: Path) -> None:
    content = ITEM + OPEN + CODE + ITEM_END + SEQUENCE_END
    assert view_code(sequence(content, b"UN") + TAIL, tmp_path).exam.ViewCode == "T-D3000"


def test_implicit_items_inside_an_unknown_vr(tmp_path: Path) -> None:
    inner = struct.pack("<HHI", 0x0008, 0x0100, 8) + b"T-D3000 "
    content = ITEM + OPEN + inner + ITEM_END + SEQUENCE_END
    assert view_code(sequence(content, b"UN") + TAIL, tmp_path).exam.ViewCode == "T-D3000"


def test_little_endian_items_inside_a_big_endian_object(tmp_path: Path) -> None:
    inner = struct.pack("<HHI", 0x0008, 0x0100, 8) + b"T-D3000 "
    content = ITEM + OPEN + inner + ITEM_END + SEQUENCE_END
    unknown = struct.pack(">HH", 0x0054, 0x0220) + b"UN\0\0" + OPEN + content
    modality = struct.pack(">HH", 0x0008, 0x0060) + b"CS" + struct.pack(">H", 2) + b"NM"
    rows = struct.pack(">HH", 0x0054, 0x0410) + b"US" + struct.pack(">HH", 2, 1)
    path = tmp_path / "object"
    path.write_bytes(part10(modality + unknown + rows, syntax="1.2.840.10008.1.2.2"))
    acquisition = read(path, factories.arrival_of(path))
    assert acquisition.exam.ViewCode == "T-D3000"
    assert acquisition.faults == ()


@pytest.mark.parametrize(
    "odd",
    [
        struct.pack("<HH", 0x0018, 0x1150) + b"ZZ" + struct.pack("<H", 4) + b"12.5",
        struct.pack("<HHI", 0x0018, 0x1150, 4) + b"12.5",
        struct.pack("<HH", 0x0018, 0x1150) + b"ZZ\0\0" + struct.pack("<I", 4) + b"12.5",
    ],
    ids=["unknown VR, short", "no VR", "unknown VR, long"],
)
def test_odd_headers(tmp_path: Path, odd: bytes) -> None:
    acquisition = view_code(odd + TAIL, tmp_path)
    assert acquisition.technique.ExposureTime == 12.5
    assert acquisition.faults == ()


def test_stray_delimiters_and_elements_twice(tmp_path: Path) -> None:
    again = element(0x00180060, b"DS", b"80")
    acquisition = view_code(ITEM_END + again + SEQUENCE_END + TAIL, tmp_path)
    assert acquisition.technique.KVP == 120
    assert acquisition.faults == ()


def test_an_item_that_is_longer_than_its_sequence(tmp_path: Path) -> None:
    item = ITEM + struct.pack("<I", 5000) + CODE
    encoded = struct.pack("<HH", 0x0054, 0x0220) + b"SQ\0\0" + struct.pack("<I", len(item)) + item
    assert view_code(encoded + TAIL, tmp_path).exam.ViewCode == "T-D3000"


def test_a_sequence_of_no_items(tmp_path: Path) -> None:
    acquisition = view_code(element(0x00540220, b"SQ", b"garbage, no item") + TAIL, tmp_path)
    assert acquisition.exam.ViewCode is None


def test_the_end_in_the_middle_of_a_header() -> None:
    for cut in (4, 9, 11):
        source = Source(element(0x00420011, b"OB", b"ab")[:cut], cut)
        with pytest.raises(Damaged) as raised:
            source.header(0, cut, False)
        assert raised.value.code == "structure.truncated"


def test_text_in_a_binary_vr_and_broken_text(tmp_path: Path) -> None:
    path = factories.write(factories.dx(SpecificCharacterSet="ISO_IR 192"), tmp_path / "dx")
    factories.with_raw(path, b"Maker ", b"M\xff\xfeer ")
    factories.with_raw(path, b"IS\x02\x001 ", b"US\x02\x00\x07\x00")
    acquisition = read(path, factories.arrival_of(path))
    assert acquisition.device.Manufacturer is None
    assert ("value.invalid", "Manufacturer") in {(fault.code, fault.keyword) for fault in acquisition.faults}
    assert acquisition.exam.InstanceNumber == 7


@pytest.mark.parametrize(
    ("stream", "size"),
    [
        (b"\xff\xd8\xff\xff\xff\xc0\x00\x0b\x08\x00\x03\x00\x04\x01\x01\x11\x00", Size(3, 4, 1, 8)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc3\x00\x0b\x10\x00\x03\x00\x04\x01\x01\x11\x00", Size(3, 4, 1, 16)),
        (b"\xff\xd8\xff\xe0\x00\x04ab", None),
        (b"\xff\xd8garbage garbage", None),
        (b"\xff\x4f\xff\x51\x00\x29", None),
        (b"", None),
    ],
)
def test_size_of_code_streams(stream: bytes, size: Size | None) -> None:
    assert size_of(stream) == size
