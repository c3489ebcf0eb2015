"""Objects of the factories, and objects made element by element, read as the product reads them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from capture.acquisition import Acquisition, Pixels
from capture.dicom.reader import ReadOptions, read
from tests import factories


def read_file(path: Path, **options: Any) -> Acquisition:
    return read(path, factories.arrival_of(path), ReadOptions(**options))


def pixels_of(ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian, **options: Any) -> Pixels:
    pixels = read_file(factories.write(ds, path, syntax), **options).pixels
    assert isinstance(pixels, Pixels), pixels
    return pixels


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    head = struct.pack("<HH", tag >> 16, tag & 0xFFFF) + vr
    if vr in (b"SQ", b"UN", b"OB", b"OW"):
        return head + b"\0\0" + struct.pack("<I", len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def part10(*elements: bytes, syntax: str = ExplicitVRLittleEndian) -> bytes:
    padded = syntax.encode() + b"\0" * (len(syntax) % 2)
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", padded) + b"".join(elements)


HEAD = (element(0x00080060, b"CS", b"CT"), element(0x00100020, b"LO", b"1234"))


def codes(acquisition: Acquisition) -> set[tuple[str, str]]:
    return {(fault.code, fault.keyword) for fault in acquisition.faults}
