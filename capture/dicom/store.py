"""C-STORE: a data set as sent, behind a Part 10 header, into the spool; Success only after it is on disk."""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from capture.arrival import Arrival, Kind
from capture.dicom.dimse import OUT_OF_RESOURCES, SUCCESS
from capture.dicom.uids import IMPLEMENTATION_CLASS, IMPLEMENTATION_VERSION
from capture.disk import low
from capture.errors import Retry
from capture.incoming import Incoming
from capture.spool import Spool

SOURCE = "dicom"
_ROOM = 4 << 20
"""Bytes reserved ahead of each object: the length of a data set is not known before its end."""
_SCRATCH = 16 << 10


class Readable(Protocol):
    """What a data set is read from."""

    def readinto(self, room: memoryview, /) -> int:
        """Some bytes, or 0 after the last."""
        ...


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
    data_set: Readable,
    kind: Kind = "dicom",
    sop_class: str = "",
) -> Stored:
    """Read the whole data set, whatever becomes of it, so that the association can go on.

    A lost connection (Ended) passes through and leaves nothing in the spool.
    """
    try:
        with (
            spool.reserve(_ROOM),
            spool.receive(
                kind=kind,
                source=SOURCE,
                calling_ae=origin.calling_ae,
                peer=origin.peer,
                association=origin.association,
                sop_class=sop_class,
            ) as incoming,
        ):
            incoming.write(header)
            _copy(spool, incoming, data_set)
            return Stored(SUCCESS, incoming.commit(time.time_ns() // 1_000_000))
    except Retry as retry:
        drain(data_set)
        return Stored(OUT_OF_RESOURCES, None, retry.code)


def note_release(spool: Spool, origin: Origin) -> None:
    """The association that brought objects was released: nothing more comes over it.

    A power cut may take the note, and the disk refuse it (Retry): then the quiet time of the device must do.
    """
    # Behind all that it brought, whose time may be the same millisecond.
    spool.note(
        "release",
        SOURCE,
        time.time_ns() // 1_000_000 + 1,
        calling_ae=origin.calling_ae,
        peer=origin.peer,
        association=origin.association,
    )


def drain(data_set: Readable) -> None:
    """Read what is left of it, for nothing."""
    scratch = memoryview(bytearray(_SCRATCH))
    while data_set.readinto(scratch):
        pass


def _copy(spool: Spool, incoming: Incoming, data_set: Readable) -> None:
    look_at = _ROOM
    while count := data_set.readinto(incoming.room()):
        incoming.filled(count)
        if incoming.size >= look_at:
            look_at = incoming.size + _ROOM
            if not spool.has_room():  # what was written is no longer free, so what is reserved is the next of it
                raise low()


def part10_header(sop_class: bytes, sop_instance: bytes, transfer_syntax: str, calling_ae: str) -> bytes:
    """Preamble and file meta information (PS3.10 7.1), explicit little endian, written by hand.

    Deterministic, so that a resent object has the same hash.
    """
    meta = struct.pack("<HH2s2xI", 0x0002, 0x0001, b"OB", 2) + b"\x00\x01"
    meta += _short_form(0x0002, b"UI", sop_class)
    meta += _short_form(0x0003, b"UI", sop_instance)
    meta += _of_all(transfer_syntax, calling_ae)
    return bytes(128) + b"DICM" + struct.pack("<HH2sHI", 0x0002, 0x0000, b"UL", 4, len(meta)) + meta


@lru_cache(64)
def _of_all(transfer_syntax: str, calling_ae: str) -> bytes:
    """What is the same in all objects of an association."""
    meta = _short_form(0x0010, b"UI", transfer_syntax.encode())
    meta += _short_form(0x0012, b"UI", IMPLEMENTATION_CLASS.encode())
    meta += _short_form(0x0013, b"SH", IMPLEMENTATION_VERSION.encode())
    if calling_ae:
        meta += _short_form(0x0016, b"AE", calling_ae.encode())
    return meta


def _short_form(element: int, vr: bytes, value: bytes) -> bytes:
    value += (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return struct.pack("<HH2sH", 0x0002, element, vr, len(value)) + value
