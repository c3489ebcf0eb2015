"""The files that wait for objects, made while nobody waits for them."""

from __future__ import annotations

import mmap
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from capture.disk import Disk, write_all

_AHEAD = 16
"""Files made at once: one sync of their folder serves them all, and nobody waits long for so few."""
WRITTEN = 640 << 10
"""Bytes of a file whose room was written ahead: a CT slice of 512 by 512, its header and its record."""
_ZEROS = memoryview(mmap.mmap(-1, WRITTEN, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


@dataclass(frozen=True, slots=True)
class Spare:
    """A file that waits for an object. ``room``: its bytes, all zeros, which are on the medium."""

    descriptor: int
    path: Path
    room: int


class Spares:
    """Files whose names are already on the medium, so that an object needs no sync of its folder.

    Of ``stocked`` of them the room is, too: what is written over it changes nothing of the file system's own, so
    its sync has one write to wait for instead of two, and there is nothing to allocate.
    """

    def __init__(self, folder: Path, disk: Disk, stocked: int) -> None:
        self._folder, self._disk, self._stocked = folder, disk, stocked
        self._empty: list[Spare] = []
        self._written: list[Spare] = []
        self._making = threading.Lock()

    def take(self, size: int) -> Spare:
        """For so many bytes and perhaps more; the taker's from now on. Raises OSError."""
        with self._making:
            if size <= WRITTEN and self._written:
                return self._written.pop()
            if not self._empty:
                self._empty = self._make(_AHEAD, 0)
            return self._empty.pop()

    def prepare(self) -> None:
        """So that nobody waits for the first ones. Raises OSError."""
        with self._making:
            self._empty = self._empty or self._make(_AHEAD, 0)

    def wanting(self) -> int:
        """How many there might be more with room."""
        return self._stocked - len(self._written)

    def stock(self, count: int) -> None:
        """So many more with room. Raises OSError."""
        self._written += self._make(count, WRITTEN)

    def close(self) -> None:
        """Remove what was not taken."""
        for ready in (self._empty, self._written):
            while ready:
                self._drop(ready.pop())

    def __del__(self) -> None:
        for spare in (*self._empty, *self._written):
            self._disk.close(spare.descriptor)

    def _make(self, count: int, room: int) -> list[Spare]:
        made: list[Spare] = []
        try:
            for _ in range(count):
                path = self._folder / os.urandom(8).hex()
                made.append(Spare(self._disk.create(path, direct=True), path, room))
                if room:
                    self._write(made[-1])
            self._disk.fsync_folder(self._folder)
        except OSError:
            for one in made:
                self._drop(one)
            raise
        return made

    def _write(self, spare: Spare) -> None:
        write_all(self._disk, spare.descriptor, _ZEROS[: spare.room])
        self._disk.rewind(spare.descriptor)
        self._disk.fsync(spare.descriptor)

    def _drop(self, spare: Spare) -> None:
        self._disk.close(spare.descriptor)
        with suppress(OSError):  # recover() finds it at the next start
            self._disk.unlink(spare.path)


def is_blank(path: Path) -> bool:
    """Whether there are only zeros, as in a file that nobody took, or nothing. Raises OSError."""
    with path.open("rb") as file:
        return all(chunk == _ZEROS[: len(chunk)] for chunk in iter(partial(file.read, WRITTEN), b""))
