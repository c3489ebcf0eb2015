"""One object on its way into the spool."""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from capture.arrival import Arrival, arrival_id
from capture.digest import Checksum, both_of_first
from capture.disk import BLOCK, Disk, disk_errors, write_all
from capture.journal import ROOM, SECTOR, Entry, Writer, decode, encode
from capture.spares import Spare, Spares

STRIDE = 1 << 20
"""Bytes that are gathered before they are written. A CT slice and its record are one such write."""
_KEPT = 8
_HUGE = 2 << 20
"""Bytes of a huge page on x86 and, with pages of 4 KiB, on ARM; it begins at a multiple of them."""


class Buffers:
    """Memory to gather an object in. Some is kept: to touch new memory costs as much as to fill it."""

    def __init__(self) -> None:
        self._free: list[memoryview] = []

    def take(self) -> memoryview:
        """``STRIDE`` bytes with anything in them, from the beginning of a page on, the taker's until given."""
        while True:
            try:
                return self._free.pop()
            except IndexError:
                self._free += _page_of_buffers()

    def give(self, buffer: memoryview) -> None:
        """Nobody looks at it any more."""
        if len(self._free) < _KEPT:
            self._free.append(buffer)


def _page_of_buffers() -> list[memoryview]:
    """Those of one huge page where the machine has one: a disk that is given a buffer then asks after one page.

    A CT slice is written in 136 us instead of 171, 8 us of them processor time instead of 17.
    """
    mapped = mmap.mmap(-1, 2 * _HUGE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):  # a kernel without huge pages
        mapped.madvise(mmap.MADV_HUGEPAGE)
    begin = -ctypes.addressof(ctypes.c_char.from_buffer(mapped)) % _HUGE
    return [memoryview(mapped)[at : at + STRIDE] for at in range(begin, begin + _HUGE, STRIDE)]


class Incoming:
    """One object. Made by :meth:`capture.spool.Spool.receive`; use it as a context."""

    def __init__(
        self,
        disk: Disk,
        buffers: Buffers,
        spares: Spares,
        journal: Writer,
        arrived: Callable[..., Arrival],
        at: Callable[[str], None],
    ) -> None:
        self.size = 0
        self._disk, self._buffers, self._spares, self._journal = disk, buffers, spares, journal
        self._arrived, self._at = arrived, at
        self._checksum = Checksum()
        self._file: Spare | None = None
        self._buffer = memoryview(b"")
        self._gathered = self._flushed = 0
        self._committed = False

    def room(self) -> memoryview:
        """Where the next bytes may be put, at least one; then say so to :meth:`filled`."""
        return self._buffer[self._gathered :]

    def filled(self, count: int) -> None:
        """So many bytes more. Raises Retry ``spool.full`` or ``spool.failed``."""
        self._gathered += count
        self.size += count
        if self._gathered == STRIDE:
            self._checksum.update(self._buffer)
            with disk_errors():
                self._flush()

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append. Raises Retry ``spool.full`` or ``spool.failed``."""
        rest = memoryview(chunk)
        while rest:
            room = self.room()
            count = min(len(room), len(rest))
            room[:count] = rest[:count]
            self.filled(count)
            rest = rest[count:]

    def commit(self, received_at: int) -> Arrival:
        """Return once the object and its record are on the medium, visible, and whole.

        The record ends the last block, so that one write and one sync serve it and the bytes; it says their
        checksum, so it makes them exist only if they are all there (:func:`own_record`). The journal shows it to
        the reader, who cuts it off. ``received_at``: UTC milliseconds.
        Raises Retry ``spool.full`` or ``spool.failed``; then nothing is left.
        """
        with disk_errors():
            own = self._own()  # of an object without a byte, too: a person is told of it
            self._checksum.update(self._buffer[: self._gathered])
            arrival = self._arrived(
                id=arrival_id(received_at, own.path.name), digest="", size=self.size, received_at=received_at
            )
            record = encode(Entry(arrival, own.path.name, self._checksum.hexdigest()))
            self._finish(bytes(-(self._gathered + len(record)) % BLOCK) + record)
            self._at("spool.written")
            self._disk.fsync(own.descriptor)
            self._at("spool.synced")
            self._journal.append(record)
            self._committed = True
            self._at("spool.committed")
            return arrival

    def _own(self) -> Spare:
        """Its file, which it has from its first bytes on."""
        if self._file is None:
            self._file = self._spares.take(self._gathered + BLOCK)
        return self._file

    def _finish(self, tail: bytes) -> None:
        """Write what was gathered and, behind it, what is not the object's own and may not all fit."""
        rest = memoryview(tail)
        while rest:
            count = min(STRIDE - self._gathered, len(rest))
            self._buffer[self._gathered : self._gathered + count] = rest[:count]
            self._gathered += count
            rest = rest[count:]
            self._flush()

    def _flush(self) -> None:
        """Write what was gathered: whole blocks, and at least one."""
        own = self._own()
        if self._flushed + self._gathered > own.room:
            self._disk.allocate(own.descriptor, self._flushed, self._gathered)
        write_all(self._disk, own.descriptor, self._buffer[: self._gathered])
        self._flushed += self._gathered
        self._gathered = 0

    def __enter__(self) -> Self:
        self._buffer = self._buffers.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._buffers.give(self._buffer)
        if self._file is not None:
            self._disk.close(self._file.descriptor)
            if not self._committed:
                with suppress(OSError):  # what cannot be removed is not to have a record of its own
                    self._disk.truncate(self._file.path, 0)
                with suppress(OSError):  # recover() finds it at the next start
                    self._disk.unlink(self._file.path)


def own_record(path: Path) -> Entry | None:
    """What the record behind an object says; None unless it is the object's own and all bytes are there.

    A power cut leaves it where the journal's has not come to the medium. Nobody who sends can make one: it names
    the file. Raises OSError.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - ROOM))
        tail = file.read()
        for at in range(len(tail) - SECTOR, -1, -SECTOR):
            record = decode(tail, at)
            if record is None or record.entry.file != path.name:
                continue
            file.seek(0)
            sent = record.entry.arrival.size
            if 0 <= size - len(tail) + at - sent < BLOCK and record.entry.is_of(*both_of_first(file, sent)):
                return record.entry
    return None
