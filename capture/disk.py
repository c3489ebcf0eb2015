"""The few things the spool asks of a disk, so that a test can stand in one that forgets or is full."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from capture.errors import Retry
from capture.text import Bilingual

BLOCK = 4096
"""Bytes of which a medium writes whole numbers: those of a page, and no medium has larger ones."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MAKE_ROOM = Bilingual(
    "清理磁盘或缩短保存期；设备会自动重发", "Free space or shorten retention; the device will send again"
)


class Disk(Protocol):
    """Every call may raise OSError; a ``write`` may take fewer bytes than it was given."""

    def create(self, path: Path, *, direct: bool = False) -> int:
        """Descriptor of a new file, locked for as long as its writer lives.

        ``direct``: what is written comes in whole blocks, out of memory that begins at a page.
        """
        ...

    def open(self, path: Path) -> int:
        """Descriptor of a file that is there, for reading and writing."""
        ...

    def write(self, descriptor: int, chunk: memoryview) -> int:
        """Behind what was written before; how many bytes were taken."""
        ...

    def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
        """Over what stands at byte ``at``; how many bytes were taken."""
        ...

    def rewind(self, descriptor: int) -> None:
        """What is written next begins at the first byte again."""
        ...

    def allocate(self, descriptor: int, start: int, size: int) -> None:
        """Room for these bytes, which are to be written next."""
        ...

    def fsync(self, descriptor: int) -> None:
        """Return once the content is on the medium."""
        ...

    def close(self, descriptor: int) -> None: ...

    def rename(self, old: Path, new: Path) -> None: ...

    def link(self, old: Path, new: Path) -> None: ...

    def unlink(self, path: Path) -> None:
        """Remove it; nothing happens when it is gone already."""
        ...

    def truncate(self, path: Path, size: int) -> None:
        """Cut off what stands behind ``size`` bytes, of which there are more."""
        ...

    def fsync_folder(self, folder: Path) -> None:
        """Return once the names in ``folder`` are on the medium."""
        ...

    def abandoned(self, path: Path) -> bool:
        """Whether no living writer holds the file any more."""
        ...

    def free_bytes(self, folder: Path) -> int: ...


class RealDisk:
    """The operating system's own calls."""

    def create(self, path: Path, *, direct: bool = False) -> int:
        """See :class:`Disk`. The lock is flock(2): the kernel drops it when the process dies.

        What goes past the page cache (open(2), O_DIRECT) costs half the processor time, if there is room for it
        already: no copy of it is made, and none is looked for at the sync.
        """
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if direct:
            with suppress(OSError):  # some file systems cannot
                fcntl.fcntl(descriptor, fcntl.F_SETFL, os.O_DIRECT)
        return descriptor

    def open(self, path: Path) -> int:
        """See :class:`Disk`."""
        return os.open(path, os.O_RDWR)

    def write(self, descriptor: int, chunk: memoryview) -> int:
        """See :class:`Disk`."""
        try:
            return os.write(descriptor, chunk)
        except OSError as error:
            if error.errno != errno.EINVAL or not fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_DIRECT:
                raise
        # After a short write the rest may be no whole blocks any more: by the page cache, then.
        fcntl.fcntl(descriptor, fcntl.F_SETFL, 0)
        return os.write(descriptor, chunk)

    def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
        """See :class:`Disk`."""
        return os.pwrite(descriptor, chunk, at)

    def rewind(self, descriptor: int) -> None:
        """See :class:`Disk`."""
        os.lseek(descriptor, 0, os.SEEK_SET)

    def allocate(self, descriptor: int, start: int, size: int) -> None:
        """See :class:`Disk`. posix_fallocate(3)."""
        try:
            os.posix_fallocate(descriptor, start, size)
        except OSError as error:
            # A file system that cannot; what stands in for it writes single bytes, which O_DIRECT forbids.
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP):
                raise

    def fsync(self, descriptor: int) -> None:
        """See :class:`Disk`. fdatasync(2) also writes the length, which is all that reading back needs."""
        os.fdatasync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close it, which also drops the lock."""
        os.close(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        """Move within one file system."""
        old.rename(new)

    def link(self, old: Path, new: Path) -> None:
        """A second name for one file."""
        new.hardlink_to(old)

    def unlink(self, path: Path) -> None:
        """See :class:`Disk`."""
        path.unlink(missing_ok=True)

    def truncate(self, path: Path, size: int) -> None:
        """See :class:`Disk`."""
        os.truncate(path, size)

    def fsync_folder(self, folder: Path) -> None:
        """See :class:`Disk`."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def abandoned(self, path: Path) -> bool:
        """See :class:`Disk`."""
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def free_bytes(self, folder: Path) -> int:
        """What a process without privileges may still write."""
        room = os.statvfs(folder)
        return room.f_bavail * room.f_frsize


def write_all(disk: Disk, descriptor: int, chunk: bytes | bytearray | memoryview, at: int | None = None) -> None:
    """Write every byte, appended or over what stands at byte ``at``.

    A disk that is nearly full takes a part of a write and calls that a success.
    """
    rest, left = memoryview(chunk), len(chunk)
    while left:
        taken = disk.write(descriptor, rest) if at is None else disk.write_at(descriptor, rest, at)
        if taken == left:
            return
        if taken == 0:
            raise OSError(errno.ENOSPC, "no byte was taken")
        rest, left = rest[taken:], left - taken
        at = None if at is None else at + taken


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time; the others wait."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class disk_errors:  # a generator would be made anew for each piece
    """What the disk refuses, as Retry ``spool.full`` or ``spool.failed``."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise refused(error) from error


def refused(error: OSError) -> Retry:
    """Retry ``spool.full`` or ``spool.failed``."""
    return _full() if error.errno in _FULL else _failed()


def low() -> Retry:
    """Retry ``spool.low``: there is room, but it is kept free."""
    return Retry(
        "spool.low",
        Bilingual("磁盘空间不足", "Disk space is low"),
        _MAKE_ROOM,
    )


def _full() -> Retry:
    return Retry(
        "spool.full",
        Bilingual("接收盘已满", "The receiving disk is full"),
        _MAKE_ROOM,
    )


def _failed() -> Retry:
    return Retry(
        "spool.failed",
        Bilingual("接收盘写入失败", "The receiving disk refused to write"),
        Bilingual("检查磁盘健康与挂载状态", "Check the disk's health and that it is mounted for writing"),
    )
