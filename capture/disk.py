"""The few things the spool asks of a disk, so that a test can stand in one that forgets or is full."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol


class Disk(Protocol):
    """Every call may raise OSError; a ``write`` may take fewer bytes than it was given."""

    def create(self, path: Path) -> int:
        """Descriptor of a new file, locked for as long as its writer lives."""
        ...

    def write(self, descriptor: int, chunk: memoryview) -> int:
        """How many bytes were taken."""
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

    def fsync_folder(self, folder: Path) -> None:
        """Return once the names in ``folder`` are on the medium."""
        ...

    def abandoned(self, path: Path) -> bool:
        """Whether no living writer holds the file any more."""
        ...

    def free_bytes(self, folder: Path) -> int: ...


class RealDisk:
    """The operating system's own calls."""

    def create(self, path: Path) -> int:
        """See :class:`Disk`. The lock is flock(2): the kernel drops it when the process dies."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return descriptor

    def write(self, descriptor: int, chunk: memoryview) -> int:
        """See :class:`Disk`."""
        return os.write(descriptor, chunk)

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
