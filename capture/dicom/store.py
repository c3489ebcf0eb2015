"""C-STORE: a data set as sent, behind a Part 10 header, into the spool; Success only after it is on disk."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass

from capture.arrival import Arrival, Kind
from capture.dicom.dimse import OUT_OF_RESOURCES, SUCCESS
from capture.dicom.uids import IMPLEMENTATION_CLASS, IMPLEMENTATION_VERSION
from capture.errors import Retry
from capture.spool import Incoming, Spool

SOURCE = "dicom"
_ROOM_EVERY = 16 << 20
"""Bytes between two looks at the free space: the length of a data set is not known before its end."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who sends, and over which association."""

    calling_ae: str
    peer: str
    association: str


@dataclass(frozen=True, slots=True)
class Stored:
    """How a C-STORE ended. ``arrival`` is there if and only if ``status`` is Success."""

    status: int
    arrival: Arrival | None
    code: str = ""
    """Why it was not stored."""


def store(
    spool: Spool,
    origin: Origin,
    header: bytes,
    data_set: Iterable[memoryview],
    kind: Kind = "dicom",
    sop_class: str = "",
) -> Stored:
    """Read the whole data set, whatever becomes of it, so that the association can go on.

    A lost connection (Ended) passes through and leaves nothing in the spool.
    """
    chunks = iter(data_set)
    try:
        if not spool.has_room():
            raise _Low
        with spool.receive(
            kind=kind,
            source=SOURCE,
            calling_ae=origin.calling_ae,
            peer=origin.peer,
            association=origin.association,
            sop_class=sop_class,
        ) as incoming:
            incoming.write(header)
            _copy(spool, incoming, chunks)
            return Stored(SUCCESS, incoming.commit(time.time_ns() // 1_000_000))
    except _Low:
        code = "spool.low"
    except Retry as retry:
        code = retry.code
    for _ in chunks:
        pass
    return Stored(OUT_OF_RESOURCES, None, code)


def note_release(spool: Spool, origin: Origin) -> None:
    """The association that brought objects was released: nothing more comes over it.

    Raises Retry: the disk refuses; then the quiet time of the device must do.
    """
    with spool.receive(
        kind="release",
        source=SOURCE,
        calling_ae=origin.calling_ae,
        peer=origin.peer,
        association=origin.association,
    ) as incoming:
        # Behind all that it brought, whose time may be the same millisecond.
        incoming.commit(time.time_ns() // 1_000_000 + 1)


class _Low(Exception):
    """Free space is under the watermark."""


def _copy(spool: Spool, incoming: Incoming, chunks: Iterable[memoryview]) -> None:
    look_at = _ROOM_EVERY
    for chunk in chunks:
        incoming.write(chunk)
        if incoming.size >= look_at:
            look_at = incoming.size + _ROOM_EVERY
            if not spool.has_room():
                raise _Low


def part10_header(sop_class: bytes, sop_instance: bytes, transfer_syntax: str, calling_ae: str) -> bytes:
    """Preamble and file meta information (PS3.10 7.1), explicit little endian, written by hand.

    Deterministic, so that a resent object has the same hash.
    """
    meta = struct.pack("<HH2s2xI", 0x0002, 0x0001, b"OB", 2) + b"\x00\x01"
    meta += _short_form(0x0002, b"UI", sop_class)
    meta += _short_form(0x0003, b"UI", sop_instance)
    meta += _short_form(0x0010, b"UI", transfer_syntax.encode())
    meta += _short_form(0x0012, b"UI", IMPLEMENTATION_CLASS.encode())
    meta += _short_form(0x0013, b"SH", IMPLEMENTATION_VERSION.encode())
    if calling_ae:
        meta += _short_form(0x0016, b"AE", calling_ae.encode())
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(meta)) + meta


def _short_form(element: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value
