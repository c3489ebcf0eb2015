"""The spool: the durable hand-over from whoever receives to whoever judges.

Written by hand because its order of fsync and rename is the product's promise. ``tmp/`` holds what is being
written, ``new/`` what waits, ``aside/`` what a person must look at. In ``new/`` an entry is two files, the bytes
and a sidecar with the :class:`~capture.arrival.Arrival`; **it exists if and only if its sidecar does**.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from capture.arrival import Arrival, Kind, arrival_id
from capture.disk import Disk, RealDisk
from capture.errors import Retry
from capture.text import Bilingual

_SIDECAR = TypeAdapter(Arrival)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class SpoolSettings(BaseModel):
    """How much of the disk reception may use."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_free_mb: int = Field(
        1024,
        ge=1,
        title="Free space to keep",
        description="MiB. Below it nothing more is received: modalities are told to send again later (A700).",
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
        self.tmp, self.new, self.aside = folder / "tmp", folder / "new", folder / "aside"
        self.settings = settings or SpoolSettings()
        self.disk: Disk = disk or RealDisk()
        self.at = at
        self._claimed: set[str] = set()
        self._claiming = threading.Lock()
        folder.parent.mkdir(parents=True, exist_ok=True)
        for made in (folder, self.tmp, self.new, self.aside):
            made.mkdir(mode=0o700, exist_ok=True)
        self.disk.fsync_folder(folder)
        self.disk.fsync_folder(folder.parent)

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

        Raises Retry ``spool.full`` or ``spool.failed``, here and in the context's methods.
        """
        return Incoming(self, Arrival("", "", 0, kind, source, 0, calling_ae, peer, association, sop_class))

    def pending(self, limit: int | None = None) -> list[Arrival]:
        """What waits, oldest first, at most ``limit``. A sidecar that cannot be read is moved to ``aside/``."""
        waiting: list[Arrival] = []
        for sidecar in sorted(self.new.glob("*.json")):
            if limit is not None and len(waiting) == limit:
                break
            arrival = self._read(sidecar)
            if arrival is not None:
                waiting.append(arrival)
        return waiting

    def path(self, arrival: Arrival) -> Path:
        """Where the bytes lie until the entry is acknowledged."""
        return self.new / f"{arrival.id}.bin"

    def open(self, arrival: Arrival) -> BinaryIO:
        """The bytes. Raises FileNotFoundError when the entry was acknowledged."""
        return self.path(arrival).open("rb")

    def acknowledge(self, arrival: Arrival) -> None:
        """Somebody else keeps it now. Twice is harmless."""
        self.disk.unlink(self._sidecar(arrival))
        self.at("spool.half_acknowledged")
        self.disk.unlink(self.path(arrival))

    def set_aside(self, arrival: Arrival, code: str, reason: str) -> None:
        """Keep it in ``aside/`` with ``code`` and ``reason`` (no patient identity) in a file beside it."""
        self._move_aside(arrival.id, code, reason)

    def recover(self) -> int:
        """Remove what interrupted receptions left; how many files. Safe while others receive.

        An entry whose bytes are missing or short was either never answered, on a file system that reorders
        renames, or the disk lost it: a person must look, so it goes to ``aside/``.
        """
        left = [path for path in self.tmp.iterdir() if self.disk.abandoned(path)]
        left += [
            p for p in self.new.glob("*.bin") if self.disk.abandoned(p) and not p.with_suffix(".json").exists()
        ]
        for path in left:
            self.disk.unlink(path)
        for arrival in self.pending():
            if not self._whole(arrival) and self._sidecar(arrival).exists():
                self.set_aside(arrival, "spool.incomplete", "the bytes are missing or short")
        return len(left)

    def free_bytes(self) -> int:
        """What the file system has left. Raises Retry ``spool.failed`` when it does not say."""
        with _disk_errors():
            return self.disk.free_bytes(self.folder)

    def has_room(self, wanted: int = 0) -> bool:
        """Whether ``wanted`` bytes fit above the watermark."""
        return self.free_bytes() - wanted >= self.settings.min_free_mb << 20

    @contextmanager
    def claim(self, received_at: int, sha256: str) -> Iterator[tuple[str, int]]:
        """An id that nobody has, and its time: equal content in one millisecond moves to the next one."""
        with self._claiming:
            while True:
                name = arrival_id(received_at, sha256)
                if name not in self._claimed and not (self.new / f"{name}.json").exists():
                    break
                received_at += 1
            self._claimed.add(name)
        try:
            yield name, received_at
        finally:
            self._claimed.discard(name)

    def _sidecar(self, arrival: Arrival) -> Path:
        return self.new / f"{arrival.id}.json"

    def _whole(self, arrival: Arrival) -> bool:
        with suppress(FileNotFoundError):
            return self.path(arrival).stat().st_size == arrival.size
        return False

    def _read(self, sidecar: Path) -> Arrival | None:
        try:
            arrival = read_sidecar(sidecar)
        except FileNotFoundError:
            return None
        if arrival is None:
            self._move_aside(sidecar.stem, "spool.sidecar", "the sidecar cannot be read")
        return arrival

    def _move_aside(self, stem: str, code: str, reason: str) -> None:
        """Bytes and reason first, then the sidecar: after a crash between, the entry still waits."""
        with suppress(FileNotFoundError, FileExistsError):
            self.disk.link(self.new / f"{stem}.bin", self.aside / f"{stem}.bin")
        said = json.dumps({"code": code, "reason": reason, "at": time.time_ns() // 1_000_000}, ensure_ascii=False)
        written = self.tmp / secrets.token_hex(8)
        self._write_file(written, said.encode())
        self.disk.rename(written, self.aside / f"{stem}.reason.json")
        self.disk.fsync_folder(self.aside)
        self.at("spool.half_aside")
        with suppress(FileNotFoundError):
            self.disk.rename(self.new / f"{stem}.json", self.aside / f"{stem}.json")
        self.disk.fsync_folder(self.aside)
        self.disk.unlink(self.new / f"{stem}.bin")

    def _write_file(self, path: Path, content: bytes) -> None:
        descriptor = self.disk.create(path)
        try:
            write_all(self.disk, descriptor, content)
            self.disk.fsync(descriptor)
        finally:
            self.disk.close(descriptor)


class Incoming:
    """One object on its way in. Made by :meth:`Spool.receive`; use it as a context."""

    def __init__(self, spool: Spool, origin: Arrival) -> None:
        self.size = 0
        self._spool, self._disk = spool, spool.disk
        self._origin = origin
        self._hash = hashlib.sha256()
        self._held: list[int] = []
        self._trail: list[Path] = []
        token = secrets.token_hex(8)
        self._bytes, self._sidecar = spool.tmp / f"{token}.bin", spool.tmp / f"{token}.json"
        self._descriptor = self._create(self._bytes)

    def write(self, chunk: bytes | bytearray | memoryview) -> None:
        """Append. Raises Retry ``spool.full`` or ``spool.failed``."""
        with _disk_errors():
            write_all(self._disk, self._descriptor, chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def commit(self, received_at: int) -> Arrival:
        """Return once the object and its sidecar are on the medium, visible, and whole.

        ``received_at``: UTC milliseconds. Raises Retry ``spool.full`` or ``spool.failed``; then nothing is left.
        """
        sha256 = self._hash.hexdigest()
        with _disk_errors(), self._spool.claim(received_at, sha256) as (name, stamped):
            arrival = replace(self._origin, id=name, sha256=sha256, size=self.size, received_at=stamped)
            self._publish(arrival)
        self._trail.clear()
        return arrival

    def _publish(self, arrival: Arrival) -> None:
        """The order is the promise: nothing gets its name before its content is synced, the sidecar comes last."""
        at, new = self._spool.at, self._spool.new
        at("spool.written")
        self._disk.fsync(self._descriptor)
        at("spool.synced")
        sidecar = self._create(self._sidecar)
        write_all(self._disk, sidecar, _SIDECAR.dump_json(arrival))
        self._disk.fsync(sidecar)
        at("spool.sidecar_synced")
        self._rename(self._bytes, new / f"{arrival.id}.bin")
        at("spool.bytes_renamed")
        self._rename(self._sidecar, new / f"{arrival.id}.json")
        at("spool.renamed")
        self._disk.fsync_folder(new)
        at("spool.committed")

    def _create(self, path: Path) -> int:
        with _disk_errors():
            descriptor = self._disk.create(path)
        self._trail.append(path)
        self._held.append(descriptor)
        return descriptor

    def _rename(self, old: Path, new: Path) -> None:
        self._disk.rename(old, new)
        self._trail[self._trail.index(old)] = new

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for descriptor in self._held:
            self._disk.close(descriptor)
        for path in reversed(self._trail):
            with suppress(OSError):  # recover() finds it at the next start
                self._disk.unlink(path)


def write_all(disk: Disk, descriptor: int, chunk: bytes | bytearray | memoryview) -> None:
    """Write every byte: a disk that is nearly full takes a part of a write and calls that a success."""
    rest = memoryview(chunk)
    while rest:
        taken = disk.write(descriptor, rest)
        if taken == 0:
            raise OSError(errno.ENOSPC, "no byte was taken")
        rest = rest[taken:]


def read_sidecar(path: Path) -> Arrival | None:
    """What a sidecar says; None when it cannot be read or contradicts itself. Raises FileNotFoundError.

    A disk that rots one letter leaves JSON that reads well; a wrong hash would be a wrong name for ever.
    """
    try:
        arrival = _SIDECAR.validate_json(path.read_bytes())
    except ValidationError:
        return None
    hexadecimal = re.fullmatch("[0-9a-f]{64}", arrival.sha256) is not None
    genuine = hexadecimal and arrival.id == path.stem == arrival_id(arrival.received_at, arrival.sha256)
    return arrival if genuine else None


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise (_spool_full() if error.errno in _FULL else _spool_failed()) from error


def _spool_full() -> Retry:
    return Retry(
        "spool.full",
        Bilingual("接收盘已满", "The receiving disk is full"),
        Bilingual(
            "清理磁盘或缩短保存期;设备会自动重发", "Free space or shorten retention; the device will send again"
        ),
    )


def _spool_failed() -> Retry:
    return Retry(
        "spool.failed",
        Bilingual("接收盘写入失败", "The receiving disk refused to write"),
        Bilingual("检查磁盘健康与挂载状态", "Check the disk's health and that it is mounted for writing"),
    )
