"""The outside of a Part 10 file: preamble, file meta, transfer syntax, deflate. All may be missing or wrong."""

from __future__ import annotations

import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path

from pydicom import config
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from capture.acquisition import Fault
from capture.dicom.bounded import LONG_VRS, SHORT_VRS, Budget, Buffer, Damaged, Source
from capture.dicom.items import Item
from capture.errors import SetAside
from capture.text import Bilingual

GE_PRIVATE_BIG_ENDIAN = "1.2.840.113619.5.2"
"""Implicit VR little endian in all but the pixels."""
_BLOCK = 1 << 16
"""Bytes inflated at a time: at most 1032 times as many come out."""
_TRANSFER_SYNTAX, _SOP_CLASS, _SOP_INSTANCE = 0x00020010, 0x00020002, 0x00020003


@dataclass(frozen=True, slots=True)
class Part10:
    """An opened object: its data set, not yet looked at, and what the file meta says."""

    data_set: Item
    transfer_syntax: str | None
    """As declared; None when the object does not say."""
    sop_class: str | None
    sop_instance: str | None
    inflate_stopped: bool
    """The deflated object is longer than may be inflated; what is here is its beginning."""
    faults: tuple[Fault, ...]


def open_object(path: Path, max_inflated: int, max_elements: int) -> Part10:
    """Find the data set in a file.

    Raises:
        SetAside: ``dicom.empty`` or ``dicom.unreadable``: nothing in it can be read as DICOM.
        OSError: the file cannot be opened.
    """
    return open_content(_map(path), max_inflated, max_elements)


def open_content(buffer: Buffer, max_inflated: int, max_elements: int) -> Part10:
    """:func:`open_object` of what is in memory."""
    faults: list[Fault] = []
    start = _after_preamble(buffer)
    if start == 0:
        faults.append(Fault("preamble.missing"))
    meta, begin = _file_meta(buffer, start, max_elements)
    syntax = _uid(meta, _TRANSFER_SYNTAX)
    if syntax is None:
        faults.append(Fault("meta.missing", "TransferSyntaxUID"))
    end, stopped = len(buffer), False
    if syntax == DeflatedExplicitVRLittleEndian:
        buffer, end, stopped = _inflate(buffer, begin, max_inflated, faults)
        begin = 0
    little, implicit = _encoding(buffer, begin, syntax, faults)
    source = Source(buffer, end, little, Budget(max_elements))
    data_set = Item(source, begin, end, implicit)
    if not _plausible(data_set, preamble=start > 0):
        raise _unreadable()
    return Part10(data_set, syntax, _uid(meta, _SOP_CLASS), _uid(meta, _SOP_INSTANCE), stopped, tuple(faults))


def uid_of(text: str) -> UID:
    """A UID that pydicom knows things about; it does not complain of one that is not legal."""
    return UID(text, validation_mode=config.IGNORE)


def known_syntax(text: str) -> UID | None:
    """The UID when it is a public transfer syntax."""
    uid = uid_of(text)
    return uid if not uid.is_private and uid.is_transfer_syntax else None


def _map(path: Path) -> Buffer:
    """The file's bytes, paged in as they are touched. The map closes with its last reader."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise SetAside(
                "dicom.empty",
                Bilingual("文件为空", "the file is empty"),
                Bilingual("请在设备上重新发送该图像", "send the image again from the modality"),
            )
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _unreadable() -> SetAside:
    return SetAside(
        "dicom.unreadable",
        Bilingual("文件不是可读的 DICOM 对象", "the file cannot be read as a DICOM object"),
        Bilingual(
            "确认发送的是 DICOM 文件，并在设备上重新发送", "check that it is a DICOM file and send it again"
        ),
    )


def _after_preamble(buffer: Buffer) -> int:
    if buffer[128:132] == b"DICM":
        return 132
    return 4 if buffer[:4] == b"DICM" else 0


def _file_meta(buffer: Buffer, start: int, max_elements: int) -> tuple[Item | None, int]:
    """Elements of group 2 and where the data set begins. The group's length is often wrong, so it is not used."""
    source = Source(buffer, len(buffer), True, Budget(max_elements))
    if buffer[start : start + 2] != b"\x02\x00":
        return None, start
    implicit = not _has_vr(buffer, start)
    end = start
    try:
        for element in source.elements(start, len(buffer), implicit):
            if element.tag >> 16 != 2:
                break
            end = element.end
    except Damaged:
        pass
    return Item(source, start, end, implicit), end


def _uid(meta: Item | None, tag: int) -> str | None:
    element = meta.elements.get(tag) if meta else None
    if meta is None or element is None:
        return None
    text = meta.source.value(element, 64).rstrip(b"\0 ").decode("ascii", "ignore")
    return text if text and set(text) <= set("0123456789.") else None


def _inflate(buffer: Buffer, start: int, limit: int, faults: list[Fault]) -> tuple[Buffer, int, bool]:
    """At most ``limit`` bytes of a deflated data set, how many there are, and whether there would be more."""
    view = memoryview(buffer)
    room = mmap.mmap(-1, limit)
    for bits in (-zlib.MAX_WBITS, zlib.MAX_WBITS):
        inflater = zlib.decompressobj(bits)
        used = 0
        try:
            for at in range(start, len(buffer), _BLOCK):
                block = inflater.decompress(view[at : at + _BLOCK], limit + 1 - used)
                if used + len(block) > limit:
                    room[used:limit] = block[: limit - used]
                    return room, limit, True
                room[used : used + len(block)] = block
                used += len(block)
        except zlib.error:
            if used == 0:
                continue
            faults.append(Fault("structure.damaged", detail="deflate stream"))
        if not inflater.eof:
            faults.append(Fault("structure.truncated", detail="deflate stream"))
        return room, used, False
    raise _unreadable()


def _has_vr(buffer: Buffer, at: int) -> bool:
    vr = buffer[at + 4 : at + 6]
    return vr in SHORT_VRS or vr in LONG_VRS


def _encoding(buffer: Buffer, at: int, syntax: str | None, faults: list[Fault]) -> tuple[bool, bool]:
    """(little endian, implicit VR), as the first element shows it; a Fault when the meta says otherwise."""
    little = buffer[at : at + 1] != b"\0" or syntax == ImplicitVRLittleEndian
    implicit = not _has_vr(buffer, at)
    if syntax is None or not (known_syntax(syntax) or syntax == GE_PRIVATE_BIG_ENDIAN):
        return little, implicit
    declared = (syntax != ExplicitVRBigEndian, syntax in (ImplicitVRLittleEndian, GE_PRIVATE_BIG_ENDIAN))
    if (little, implicit) != declared:
        faults.append(Fault("meta.wrong", "TransferSyntaxUID"))
    return little, implicit


def _plausible(data_set: Item, preamble: bool) -> bool:
    """Whether this is DICOM at all. Without a preamble three ascending public elements are asked for."""
    tags = [tag for tag in data_set.elements if tag >> 16 in range(0x0004, 0x7FE2)]
    if preamble:
        return bool(tags)
    head = tags[:3]
    return len(head) == 3 and head == sorted(head) and head[0] >> 16 in (0x0004, 0x0008)
