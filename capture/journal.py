"""The spool's journal: what arrived, one record for each, in files that one writer fills and a reader crosses off.

A record begins at a sector, so that no power cut tears one while another is written. Its state is one byte: the
writer makes it ``WAITING`` once the record is whole, the reader ``DONE``. A file is zeros before it is filled, so
that a sync writes what changed and nothing of the file system's own.
"""

from __future__ import annotations

import re
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from capture.arrival import Arrival, arrival_id
from capture.disk import Disk, write_all

SUFFIX = ".journal"
SECTOR = 512
ROOM = 1 << 20
"""Bytes of one file: about 2,000 records."""
_PART = 16 << 10
"""Bytes of a file that are made at a time: what is made at once may be one folio (ext4 since Linux 6.16), of which
every block is looked at whenever a record is written."""
UNSEEN, WAITING, DONE = 0x00, 0x0F, 0xF0
"""States. No bit that rots makes one of another, and no byte of a text is ``WAITING``."""
STATE_AT = 4

_HEADER = struct.Struct("<4sB3xII")
"""Magic, state, length of what follows, its CRC-32."""
_MAGIC = b"QCR1"


@dataclass(frozen=True, slots=True)
class Entry:
    """What a record says."""

    arrival: Arrival
    file: str
    """Name of its bytes in ``objects/``; "" when there are none."""
    checksum: str = ""
    """Of its bytes as they came; "" when there are none, or an earlier version said their digest instead."""

    def is_of(self, digest: str, checksum: str) -> bool:
        """Whether bytes of which this is true are those that came."""
        return checksum == self.checksum if self.checksum else digest == self.arrival.digest


_ENTRY = TypeAdapter(Entry)


@dataclass(frozen=True, slots=True)
class Record:
    """An entry as it stands in a file. ``size``: bytes, whole sectors."""

    entry: Entry
    state: int
    size: int


def encode(entry: Entry) -> bytes:
    """A record of whole sectors, not yet to be seen."""
    said = _ENTRY.dump_json(entry, exclude_defaults=True, by_alias=True)
    record = _HEADER.pack(_MAGIC, UNSEEN, len(said), zlib.crc32(said)) + said
    return record + bytes(-len(record) % SECTOR)


def decode(raw: bytes, at: int) -> Record | None:
    """The record at byte ``at``; None when there is none, or it is damaged or contradicts itself.

    A disk that rots one letter leaves a record that reads well.
    """
    if at + _HEADER.size > len(raw):
        return None
    magic, state, length, crc = _HEADER.unpack_from(raw, at)
    said = raw[at + _HEADER.size : at + _HEADER.size + length]
    if magic != _MAGIC or len(said) != length or zlib.crc32(said) != crc:
        return None
    try:
        entry = _ENTRY.validate_json(said)
    except ValidationError:
        return None
    used = _HEADER.size + length
    return Record(entry, state, used + -used % SECTOR) if genuine(entry.arrival) else None


def genuine(arrival: Arrival) -> bool:
    """Whether its id is made of its own time, and its digest is one or not known yet."""
    hexadecimal = re.fullmatch("([0-9a-f]{64})?", arrival.digest) is not None
    return hexadecimal and arrival.id.startswith(arrival_id(arrival.received_at, ""))


class Writer:
    """Appends records for the reader to see at once, which makes them durable before it gives an entry to anybody.

    Until then the record at the end of the object itself is what a power cut leaves (:mod:`capture.incoming`).
    """

    def __init__(self, folder: Path, disk: Disk, at: Callable[[str], None]) -> None:
        self._folder, self._disk, self._at = folder, disk, at
        self._writing = threading.Lock()
        self._descriptor: int | None = None
        self._end = 0

    def append(self, record: bytes) -> None:
        """Return once it can be seen. Raises OSError; then it cannot, now or after a crash."""
        with self._writing:
            try:
                descriptor, at = self._room_for(len(record))
                write_all(self._disk, descriptor, record, at)
                self._at("spool.recorded")
                write_all(self._disk, descriptor, bytes((WAITING,)), at + STATE_AT)
            except OSError:
                self._give_up()
                raise
            self._end += len(record)

    def sync(self) -> None:
        """Return once all that was appended is on the medium. Raises OSError."""
        with self._writing:
            if self._descriptor is not None:
                self._disk.fsync(self._descriptor)

    def prepare(self) -> None:
        """So that nobody waits for the first file. Raises OSError."""
        with self._writing:
            self._room_for(0)

    def close(self) -> None:
        """Let go of the file; the next record begins another."""
        if self._descriptor is not None:
            self._disk.close(self._descriptor)
            self._descriptor = None

    __del__ = close

    def _give_up(self) -> None:
        """Nobody is to see the record, now or after a crash, and the file is not trusted any more."""
        if self._descriptor is not None:
            with suppress(OSError):
                write_all(self._disk, self._descriptor, bytes((DONE,)), self._end + STATE_AT)
        self.close()

    def _room_for(self, size: int) -> tuple[int, int]:
        if self._descriptor is None or self._end + size > ROOM:
            if self._descriptor is not None:
                self._disk.fsync(self._descriptor)
            self.close()
            path = self._folder / f"{time.time_ns():016x}-{secrets.token_hex(4)}{SUFFIX}"
            descriptor = self._disk.create(path)
            try:
                for _ in range(0, max(ROOM, size), _PART):
                    write_all(self._disk, descriptor, bytes(_PART))
                self._disk.fsync(descriptor)
                self._disk.fsync_folder(self._folder)
            except OSError:
                self._disk.close(descriptor)
                with suppress(OSError):
                    self._disk.unlink(path)
                raise
            self._descriptor, self._end = descriptor, 0
        return self._descriptor, self._end
