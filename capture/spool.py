"""The spool: the durable hand-over from whoever receives to whoever judges.

Written by hand because its order of syncs is the product's promise. ``objects/`` holds bytes, those that are still
being written too; ``journal/`` holds a record of each arrival, and **an arrival exists if and only if its record
does**, there or, until somebody reads it, at the end of its bytes; ``aside/`` is what a person must look at.
"""

from __future__ import annotations

import errno
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from capture.arrival import Arrival, Kind, arrival_id
from capture.digest import both_of_first, digest
from capture.disk import Disk, RealDisk, disk_errors, locked, low, write_all
from capture.errors import Retry
from capture.incoming import Buffers, Incoming, own_record
from capture.journal import Entry, Writer, encode
from capture.ledger import Ledger
from capture.old_spool import OldSpool
from capture.spares import WRITTEN, Spares, is_blank

_ARRIVAL = TypeAdapter(Arrival)
_NOTHING = digest(b"")
_PLENTY = 16
"""Room is written ahead while there is so many times as much: it is not for a disk that fills up."""
_AT_ONCE = 64 << 20
"""Bytes after which a reader need not wait for more of them to be read."""
_LOST = {errno.ENOENT, errno.EIO}
"""What a disk says of bytes that it will not give back, however often it is asked."""


class SpoolSettings(BaseModel):
    """How much of the disk reception may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_free_mb: int = Field(
        1024,
        ge=1,
        title="Free space to keep",
        description="MiB. Below it nothing more is received: modalities are told to send again later (A700).",
    )
    written_ahead: int = Field(
        128,
        ge=0,
        le=512,
        title="Images whose room is written ahead",
        description="Images of up to 640 KiB for which each process of the receiver writes room on the disk while"
        " nobody sends. The first of a scan are on the disk sooner for it.",
    )


class Spool:
    """One folder on one local file system. Any number of threads and processes may receive into it.

    ``at`` is called with the name of each step of the durability path; tests end the process there.
    Raises OSError when the folders cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        settings: SpoolSettings | None = None,
        *,
        disk: Disk | None = None,
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.folder = folder
        self.objects, self.journal, self.aside = folder / "objects", folder / "journal", folder / "aside"
        self.settings = settings or SpoolSettings()
        self.disk: Disk = disk or RealDisk()
        self.at = at
        folder.parent.mkdir(parents=True, exist_ok=True)
        for made in (folder, self.objects, self.journal, self.aside):
            made.mkdir(mode=0o700, exist_ok=True)
        self.disk.fsync_folder(folder)
        self.disk.fsync_folder(folder.parent)
        self._buffers = Buffers()
        self._spares = Spares(self.objects, self.disk, self.settings.written_ahead)
        self._writer = Writer(self.journal, self.disk, at)
        self._ledger = Ledger(self.journal, self.objects, self.disk)
        self._reserving = threading.Lock()
        self._reserved = 0

    def receive(
        self,
        *,
        kind: Kind,
        source: str,
        calling_ae: str = "",
        peer: str = "",
        association: str = "",
        sop_class: str = "",
    ) -> Incoming:
        """A context to write one object into. Unless committed, it leaves nothing behind.

        Its methods raise Retry ``spool.full`` or ``spool.failed``.
        """
        arrived = partial(
            Arrival, kind=kind, source=source, calling_ae=calling_ae, peer=peer, association=association,
            sop_class=sop_class,
        )  # fmt: skip
        return Incoming(self.disk, self._buffers, self._spares, self._writer, arrived, self.at)

    def note(
        self, kind: Kind, source: str, received_at: int, *, calling_ae: str, peer: str, association: str
    ) -> Arrival:
        """Something without bytes: its record can be seen, but a power cut may take it.

        Raises Retry ``spool.full`` or ``spool.failed``.
        """
        name = arrival_id(received_at, secrets.token_hex(8))
        arrival = Arrival(name, _NOTHING, 0, kind, source, received_at, calling_ae, peer, association)
        with disk_errors():
            self._writer.append(encode(Entry(arrival, "")))
        return arrival

    def has_news(self) -> bool:
        """Whether anything waits. Costs microseconds."""
        return self._ledger.has_news()

    def pending(self, limit: int | None = None) -> list[Arrival]:
        """What waits, oldest first, at most ``limit``, and fewer of large ones: all that is given is read for it.

        Bytes that the disk has lost or changed since they came go to ``aside/``: a person must look.
        """
        found: list[Arrival] = []
        waiting = self._ledger.waiting(limit)
        for entry in waiting:
            name = self._digest(entry)
            if name:
                found.append(replace(entry.arrival, digest=name))
            else:
                self.set_aside(entry.arrival, "spool.damaged", "the bytes are not those that came")
            if limit is not None and sum(arrival.size for arrival in found) >= _AT_ONCE:
                break
        return found if found or not waiting else self.pending(limit)  # nothing means that nothing waits

    def path(self, arrival: Arrival) -> Path:
        """Where the bytes lie until the entry is acknowledged."""
        entry = self._ledger.find(arrival.id)
        return self.objects / (entry.file if entry and entry.file else arrival.id)

    def open(self, arrival: Arrival) -> BinaryIO:
        """The bytes. Raises FileNotFoundError when the entry was acknowledged."""
        return self.path(arrival).open("rb")

    def acknowledge(self, *arrivals: Arrival) -> None:
        """Somebody else keeps them now. Twice is harmless."""
        done = self._ledger.cross_off(arrival.id for arrival in arrivals)
        self.at("spool.half_acknowledged")
        for entry in done:
            if entry.file:
                self.disk.unlink(self.objects / entry.file)

    def set_aside(self, arrival: Arrival, code: str, reason: str) -> None:
        """Keep it in ``aside/`` with ``code`` and ``reason`` (no patient identity) in a file beside it.

        All of it first, then the record: after a crash between, the entry still waits.
        """
        # What cannot be read has a name all the same, which no content has.
        named = arrival if arrival.digest else replace(arrival, digest=digest(arrival.id.encode()))
        self._put_aside(self.path(arrival), arrival.id, code, reason)
        self._write_file(self.aside / f"{arrival.id}.json", _ARRIVAL.dump_json(named, by_alias=True))
        self.disk.fsync_folder(self.aside)
        self.at("spool.half_aside")
        self.acknowledge(arrival)

    def recover(self) -> int:
        """Remove what interrupted receptions left; how many objects. Safe while others receive.

        What only says at its own end that it is there gets its record in the journal. Bytes whose record may be
        one of those that the disk lost go to ``aside/``: a person must look.
        """
        with locked(self.folder):
            OldSpool(self.folder, self.disk).take_over(self.objects, self.aside, self._writer)
            return self._recover()

    def free_bytes(self) -> int:
        """What the file system has left. Raises Retry ``spool.failed`` when it does not say."""
        with disk_errors():
            return self.disk.free_bytes(self.folder)

    def has_room(self, wanted: int = 0) -> bool:
        """Whether ``wanted`` bytes fit above the watermark, beside what is reserved."""
        return self.free_bytes() - wanted - self._reserved >= self.settings.min_free_mb << 20

    @contextmanager
    def reserve(self, size: int) -> Iterator[None]:
        """Room that nobody else who asks is told of. Raises Retry ``spool.low`` or ``spool.failed``."""
        with self._reserving:
            if not self.has_room(size):
                raise low()
            self._reserved += size
        try:
            yield
        finally:
            with self._reserving:
                self._reserved -= size

    def prepare(self) -> None:
        """Do ahead what the first objects would wait for; a disk that refuses will be heard of then."""
        with suppress(OSError):
            self._spares.prepare()
            self._writer.prepare()
        self.stock(self.settings.written_ahead)

    def stock(self, most: int) -> None:
        """Write room ahead for at most so many objects, if that is wanting. Not while somebody waits."""
        count = min(most, self._spares.wanting())
        with suppress(OSError, Retry):
            if count > 0 and self.has_room(_PLENTY * self.settings.written_ahead * WRITTEN):
                self._spares.stock(count)

    def twin(self) -> Spool:
        """The same folder for another process, which must not use our files."""
        return Spool(self.folder, self.settings, disk=self.disk, at=self.at)

    def close(self) -> None:
        """Let go of every file; what waits goes on waiting."""
        self._spares.close()
        self._writer.close()
        self._ledger.close()

    def _digest(self, entry: Entry) -> str:
        """Of its bytes; "" when they are not those that came. Raises OSError; then ask again."""
        if entry.arrival.digest:  # it has no bytes, or an earlier version hashed them as they came
            return entry.arrival.digest if self._whole(entry) else ""
        try:
            with (self.objects / entry.file).open("rb") as file:
                name, checksum = both_of_first(file, entry.arrival.size)
        except OSError as error:
            if error.errno not in _LOST:
                raise
            return ""
        return name if entry.is_of(name, checksum) else ""

    def _recover(self) -> int:
        left = [path for path in self.objects.iterdir() if self.disk.abandoned(path)]
        damaged = self._ledger.adopt(self._whole)
        known = self._ledger.known()
        for path in left:
            self._adopt(path, known)
        named = {entry.file for entry in self._ledger.waiting()}
        left = [path for path in left if path.name not in named]
        halves = [path for path in left if path.is_file() and not is_blank(path)]
        if damaged:
            for path in halves:
                self._put_aside(path, path.name, "spool.record", "its record cannot be read")
            self.disk.fsync_folder(self.aside)
        for path in left:
            self.disk.unlink(path)
        self._ledger.tidy()
        return len(halves)

    def _adopt(self, path: Path, known: Set[str]) -> None:
        with suppress(FileNotFoundError):
            entry = own_record(path) if path.name not in known else None
            if entry is not None:
                self._writer.append(encode(entry))

    def _whole(self, entry: Entry) -> bool:
        with suppress(FileNotFoundError):
            return not entry.file or (self.objects / entry.file).stat().st_size >= entry.arrival.size
        return False

    def _put_aside(self, content: Path, name: str, code: str, reason: str) -> None:
        with suppress(FileNotFoundError, FileExistsError):
            self.disk.link(content, self.aside / f"{name}.bin")
        said = json.dumps({"code": code, "reason": reason, "at": time.time_ns() // 1_000_000}, ensure_ascii=False)
        self._write_file(self.aside / f"{name}.reason.json", said.encode())

    def _write_file(self, path: Path, content: bytes) -> None:
        written = self.objects / secrets.token_hex(8)
        descriptor = self.disk.create(written)
        try:
            write_all(self.disk, descriptor, content)
            self.disk.fsync(descriptor)
        finally:
            self.disk.close(descriptor)
        self.disk.rename(written, path)
