"""What the journals say is waiting: each file read on from where the reader stopped, entries crossed off."""

from __future__ import annotations

import os
import threading
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from capture.disk import Disk, write_all
from capture.journal import DONE, SECTOR, STATE_AT, SUFFIX, UNSEEN, WAITING, Entry, Record, decode


class Segment:
    """One file of a journal, as far as it was read."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path, self._disk = path, disk
        self._descriptor = -1
        self._descriptor = disk.open(path)
        self._position = 0
        self.waiting = 0
        """Records read and not crossed off."""
        self.damaged = False
        """Something that was once whole cannot be read."""

    def read(self, *, dead: bool = False) -> Iterator[tuple[int, Record]]:
        """Place and content of what is to be seen and not read yet; of a ``dead`` writer, of all that is whole."""
        if not dead and not self.has_more():
            return
        left = max(0, os.fstat(self._descriptor).st_size - self._position)
        raw = os.pread(self._descriptor, left, self._position)
        begin = self._position
        while (at := self._position - begin) + STATE_AT < len(raw):
            state = raw[at + STATE_AT]
            if state == UNSEEN and not dead:
                return
            record = decode(raw, at)
            self._position += record.size if record else SECTOR
            if record is not None and state != DONE:
                yield begin + at, record
            # A sector that is no record: empty, torn before it was whole, or the second one of such a record.
            self.damaged |= record is None and state == WAITING

    def files(self) -> Iterator[str]:
        """Of all its entries, those that are done with, too."""
        raw = os.pread(self._descriptor, os.fstat(self._descriptor).st_size, 0)
        for at in range(0, len(raw), SECTOR):
            if (record := decode(raw, at)) is not None:
                yield record.entry.file

    def has_more(self) -> bool:
        """Whether a record to be seen follows the last one read."""
        return os.pread(self._descriptor, 1, self._position + STATE_AT) not in (b"", bytes((UNSEEN,)))

    def at_end(self) -> bool:
        """Whether nothing at all follows the last record read."""
        return not any(os.pread(self._descriptor, SECTOR, self._position))

    def is_waiting(self, at: int) -> bool:
        """Whether nobody, in this process or another, crossed off the record at this byte."""
        return os.pread(self._descriptor, 1, at + STATE_AT) != bytes((DONE,))

    def mark(self, at: int, state: int) -> None:
        """Write a state, not synced."""
        write_all(self._disk, self._descriptor, bytes((state,)), at + STATE_AT)

    def sync(self) -> None:
        """Return once its records and marks are on the medium."""
        self._disk.fsync(self._descriptor)

    def close(self) -> None:
        """Let go of the file."""
        if self._descriptor >= 0:
            self._disk.close(self._descriptor)
            self._descriptor = -1

    __del__ = close


@dataclass(slots=True)
class Slip:
    """A waiting entry and where its record is."""

    entry: Entry
    segment: Segment
    at: int
    place: tuple[int, int, str]
    """Time of arrival and, within one millisecond, which was seen first: a step is created before it ends."""
    settled: bool = False
    """Its record is on the medium here, and no longer at the end of its bytes."""


class Ledger:
    """Everything that waits, oldest first. Threads may share it; its methods take turns.

    ``objects``: where the bytes of the entries lie.
    """

    def __init__(self, folder: Path, objects: Path, disk: Disk) -> None:
        self._folder, self._objects, self._disk = folder, objects, disk
        self._segments: dict[str, Segment] = {}
        self._slips: dict[str, Slip] = {}
        self._order: list[tuple[int, int, str]] = []
        self._seen = 0
        self._turn = threading.RLock()

    def has_news(self) -> bool:
        """Whether something waits, or came since the last look. Costs microseconds."""
        with self._turn:
            return bool(
                self._order
                or set(self._names()) - self._segments.keys()
                or any(segment.has_more() for segment in self._segments.values())
            )

    def waiting(self, limit: int | None = None) -> list[Entry]:
        """Oldest first, at most ``limit``. Raises OSError; then ask again."""
        with self._turn:
            self._look()
            found: list[Slip] = []
            for _, _, name in list(self._order):
                if limit is not None and len(found) >= limit:
                    break
                slip = self._slips[name]
                if slip.segment.is_waiting(slip.at):
                    found.append(slip)
                else:
                    self._forget(name)
            self._settle(found)
            return [slip.entry for slip in found]

    def find(self, name: str) -> Entry | None:
        """What waits under this arrival's id."""
        with self._turn:
            if name not in self._slips:
                self._look()
            slip = self._slips.get(name)
            if slip is None:
                return None
            self._settle([slip])
            return slip.entry

    def cross_off(self, names: Iterable[str]) -> list[Entry]:
        """Synced; those that waited until now."""
        with self._turn:
            slips = [self._slips[name] for name in dict.fromkeys(names) if self.find(name) is not None]
            for slip in slips:
                self._sync_cut(slip)
            for slip in slips:
                slip.segment.mark(slip.at, DONE)
            for segment in {id(slip.segment): slip.segment for slip in slips}.values():
                segment.sync()
            for slip in slips:
                self._forget(slip.entry.arrival.id)
            return [slip.entry for slip in slips]

    def known(self) -> set[str]:
        """Files of all entries, those that are done with, too."""
        with self._turn:
            return {file for segment in self._segments.values() for file in segment.files()}

    def adopt(self, whole: Callable[[Entry], bool]) -> bool:
        """Also take what dead writers left whole but not promised; whether a record of theirs is damaged."""
        with self._turn:
            self._look()
            dead = [segment for segment in self._segments.values() if self._disk.abandoned(segment.path)]
            for segment in dead:
                self._take(segment, segment.read(dead=True), whole)
            return any(segment.damaged for segment in dead)

    def tidy(self) -> None:
        """Remove the files of dead writers of which nothing waits, damaged ones too."""
        with self._turn:
            for segment in list(self._segments.values()):
                self._remove_if_spent(segment, even_damaged=True)

    def close(self) -> None:
        """Let go of every file; the next look begins anew."""
        with self._turn:
            for segment in self._segments.values():
                segment.close()
            self._segments.clear()
            self._slips.clear()
            self._order.clear()

    def _settle(self, slips: Sequence[Slip]) -> None:
        """Make records durable here, and cut them off their bytes: what a reader is given is what was sent.

        That they are cut off must be durable only when the entry is crossed off; until then it is done again.
        """
        fresh = [slip for slip in slips if not slip.settled]
        for segment in {id(slip.segment): slip.segment for slip in fresh}.values():
            segment.sync()
        for slip in fresh:
            path, size = self._objects / slip.entry.file, slip.entry.arrival.size
            with suppress(FileNotFoundError):
                if slip.entry.file and path.stat().st_size > size:
                    self._disk.truncate(path, size)
            slip.settled = True

    def _sync_cut(self, slip: Slip) -> None:
        """Whoever keeps the bytes now keeps this file, which a power cut must not make longer again."""
        if slip.entry.file:
            with suppress(FileNotFoundError):
                descriptor = self._disk.open(self._objects / slip.entry.file)
                try:
                    self._disk.fsync(descriptor)
                finally:
                    self._disk.close(descriptor)

    def _look(self) -> None:
        names = self._names()
        for name in names:
            if name not in self._segments:
                for older in list(self._segments.values()):
                    self._remove_if_spent(older)
                with suppress(FileNotFoundError):
                    self._segments[name] = Segment(self._folder / name, self._disk)
        for gone in self._segments.keys() - set(names):
            del self._segments[gone]
        for segment in self._segments.values():
            self._take(segment, segment.read())

    def _take(
        self,
        segment: Segment,
        records: Iterator[tuple[int, Record]],
        whole: Callable[[Entry], bool] = lambda entry: True,
    ) -> None:
        for at, record in records:
            name = record.entry.arrival.id
            given_up = record.state == UNSEEN and not whole(record.entry)
            if given_up or name in self._slips:  # or the same content from two sources in the same millisecond
                segment.mark(at, DONE)
                continue
            if record.state == UNSEEN:
                segment.mark(at, WAITING)
            self._seen += 1
            place = (record.entry.arrival.received_at, self._seen, name)
            insort(self._order, place)
            self._slips[name] = Slip(record.entry, segment, at, place)
            segment.waiting += 1

    def _forget(self, name: str) -> None:
        slip = self._slips.pop(name)
        del self._order[bisect_left(self._order, slip.place)]
        slip.segment.waiting -= 1
        self._remove_if_spent(slip.segment)

    def _remove_if_spent(self, segment: Segment, *, even_damaged: bool = False) -> None:
        """A file is done with once its writer is gone and all of it was read and crossed off."""
        if segment.waiting or (segment.damaged and not even_damaged) or not self._disk.abandoned(segment.path):
            return
        if segment.at_end():
            self._disk.unlink(segment.path)
            del self._segments[segment.path.name]

    def _names(self) -> list[str]:
        return sorted(path.name for path in self._folder.iterdir() if path.suffix == SUFFIX)
