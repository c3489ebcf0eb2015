"""Files that are there whole or not at all, whenever the power goes."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int | None = None) -> None:
    """Replace a file; on disk on return, and the old one until then. ``mode``: who may read it; by default as the
    process's umask says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("wb") as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """The names in a folder are on disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_inside(folder: Path, path: str) -> int:
    """Descriptor of a plain file in ``folder``, to read. Every step is taken by itself, so that no link, however
    quickly it is put there, leads out of the folder.

    Raises FileNotFoundError, also for a path that is none; OSError for a link (ELOOP, ENOTDIR), a disk that fails.
    """
    *folders, name = path.split("/")
    if not all(part not in ("", ".", "..") and "\0" not in part for part in (*folders, name)):
        raise FileNotFoundError(errno.ENOENT, "not a path of the repository")
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        # A pipe would make the caller wait for ever; a device may do anything.
        found = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
    if not stat.S_ISREG(os.fstat(found).st_mode):
        os.close(found)
        raise FileNotFoundError(errno.ENOENT, "not a plain file")
    return found
