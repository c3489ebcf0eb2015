"""Disks with a behaviour: one that forgets what was not synced, one that fills up or breaks."""

from __future__ import annotations

import errno
import os
import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from capture.disk import RealDisk

SECTOR = 512
"""Bytes that a medium writes whole or not at all."""


class PowerCut(BaseException):
    """Not an Exception: no product code may catch it."""


@dataclass
class Inode:
    """A file's content as the processes see it, and as the medium has it (None: nothing was synced)."""

    seen: bytearray = field(default_factory=bytearray)
    synced: bytes | None = None


@dataclass(frozen=True)
class NameChange:
    """One entry of a folder appearing (an inode) or going away (None), not yet on the medium."""

    path: Path
    inode: Inode | None


class ForgetfulDisk(RealDisk):
    """Does everything for real and remembers what a medium would hold if the power went now.

    What POSIX promises, and no more: content is there after fsync of the file, names after fsync of their
    folder; whatever is not synced may be there or not, each change by itself and in any order.
    ``cut_after`` calls the power goes: that call and all later ones raise PowerCut.
    """

    def __init__(self, cut_after: int | None = None) -> None:
        self.calls = 0
        self.cut_after = cut_after
        self.look: Callable[[], None] = lambda: None
        self._inodes: dict[Path, Inode] = {}
        self._open: dict[int, Inode] = {}
        self._next: dict[int, int] = {}
        self._medium: dict[Path, Inode] = {}
        self._unsynced: list[NameChange] = []

    def create(self, path: Path, *, direct: bool = False) -> int:
        self._count()
        descriptor = super().create(path, direct=direct)
        self._open[descriptor], self._next[descriptor] = Inode(), 0
        self._change(path, self._open[descriptor])
        return descriptor

    def open(self, path: Path) -> int:
        self._count()
        descriptor = super().open(path)
        self._open[descriptor] = self._inodes[path]
        return descriptor

    def write(self, descriptor: int, chunk: memoryview) -> int:
        self._count()
        taken = super().write(descriptor, chunk[: max(1, len(chunk) // 2)])  # short writes, always
        at = self._next[descriptor]
        self._next[descriptor] = at + taken
        self._open[descriptor].seen[at : at + taken] = chunk[:taken]
        return taken

    def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
        self._count()
        taken = super().write_at(descriptor, chunk[: max(1, len(chunk) // 2)], at)
        self._open[descriptor].seen[at : at + taken] = chunk[:taken]
        return taken

    def rewind(self, descriptor: int) -> None:
        super().rewind(descriptor)
        self._next[descriptor] = 0

    def allocate(self, descriptor: int, start: int, size: int) -> None:
        """A power cut may leave zeros there, as of what was written and not synced."""
        self._count()
        super().allocate(descriptor, start, size)

    def fsync(self, descriptor: int) -> None:
        self._count()
        self._open[descriptor].synced = bytes(self._open[descriptor].seen)

    def close(self, descriptor: int) -> None:
        super().close(descriptor)
        del self._open[descriptor]

    def rename(self, old: Path, new: Path) -> None:
        self._count()
        super().rename(old, new)
        inode = self._inodes[old]
        self._change(new, inode)
        self._change(old, None)

    def link(self, old: Path, new: Path) -> None:
        self._count()
        super().link(old, new)
        self._change(new, self._inodes[old])

    def unlink(self, path: Path) -> None:
        self._count()
        super().unlink(path)
        if path in self._inodes:
            self._change(path, None)

    def truncate(self, path: Path, size: int) -> None:
        self._count()
        super().truncate(path, size)
        del self._inodes[path].seen[size:]

    def fsync_folder(self, folder: Path) -> None:
        self._count()
        for change in [c for c in self._unsynced if c.path.parent == folder]:
            self._apply(self._medium, change)
            self._unsynced.remove(change)

    def after_power_cut(self, choose: random.Random | None, to: Path, root: Path) -> None:
        """Write what the medium holds below ``to``; of unsynced changes those that ``choose`` keeps, or none."""
        names = dict(self._medium)
        for change in self._unsynced:
            if choose is not None and choose.random() < 0.5:
                self._apply(names, change)
        for path, inode in names.items():
            target = to / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(_content(inode, choose))

    def _change(self, path: Path, inode: Inode | None) -> None:
        change = NameChange(path, inode)
        self._apply(self._inodes, change)
        self._unsynced.append(change)

    @staticmethod
    def _apply(names: dict[Path, Inode], change: NameChange) -> None:
        if change.inode is None:
            names.pop(change.path, None)
        else:
            names[change.path] = change.inode

    def _count(self) -> None:
        self.look()
        if self.cut_after is not None and self.calls >= self.cut_after:
            raise PowerCut
        self.calls += 1


def _content(inode: Inode, choose: random.Random | None) -> bytes:
    """What is not synced may be missing, or be zeros of the right length, all or parts of it, as file systems do.

    Over what was synced before, each sector is the old or the new one.
    """
    old, new = inode.synced or b"", bytes(inode.seen)
    if old == new or choose is None:
        return old
    if len(new) < len(old):  # cut off, or not yet
        return choose.choice([old, new])
    over = bytearray(old)
    for at in range(0, len(old), SECTOR):
        if choose.random() < 0.5:
            over[at : at + SECTOR] = new[at : min(at + SECTOR, len(old))]
    behind = new[len(old) :]
    torn = bytearray(behind)
    for at in range(0, len(torn), SECTOR):
        if choose.random() < 0.5:
            torn[at : at + SECTOR] = bytes(len(torn[at : at + SECTOR]))
    return bytes(over) + choose.choice([b"", bytes(len(behind)), behind, bytes(torn)])


class FailingDisk(RealDisk):
    """Has room for ``room`` bytes, or fails the ``fail_at``-th call of one name with ``error``."""

    def __init__(
        self, *, room: int | None = None, call: str = "", fail_at: int = 1, error: int = errno.EIO
    ) -> None:
        self.room, self.call, self.fail_at, self.error = room, call, fail_at, error

    def create(self, path: Path, *, direct: bool = False) -> int:
        self._perhaps_fail("create")
        return super().create(path, direct=direct)

    def allocate(self, descriptor: int, start: int, size: int) -> None:
        self._perhaps_fail("allocate")
        super().allocate(descriptor, start, size)

    def write(self, descriptor: int, chunk: memoryview) -> int:
        self._perhaps_fail("write")
        if self.room is None:
            return super().write(descriptor, chunk)
        if self.room == 0:
            raise OSError(errno.ENOSPC, "full")
        taken = super().write(descriptor, chunk[: self.room])
        self.room -= taken
        return taken

    def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
        self._perhaps_fail("write_at")
        return super().write_at(descriptor, chunk, at)

    def fsync(self, descriptor: int) -> None:
        self._perhaps_fail("fsync")
        super().fsync(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        self._perhaps_fail("rename")
        super().rename(old, new)

    def truncate(self, path: Path, size: int) -> None:
        self._perhaps_fail("truncate")
        super().truncate(path, size)

    def fsync_folder(self, folder: Path) -> None:
        self._perhaps_fail("fsync_folder")
        super().fsync_folder(folder)

    def _perhaps_fail(self, call: str) -> None:
        if call == self.call:
            self.fail_at -= 1
            if self.fail_at == 0:
                raise OSError(self.error, "the simulated disk failed")


class TroubledDisk(RealDisk):
    """Takes writes in parts, and at one call kills the process or fails."""

    def __init__(self, chance: random.Random, trouble: str) -> None:
        self._chance, self._trouble = chance, trouble
        self._left = chance.randrange(1, 60)
        self._room = chance.randrange(0, 1 << 19)
        self._failing = chance.randrange(1, 5)
        self._turn = threading.Lock()

    def create(self, path: Path, *, direct: bool = False) -> int:
        self._strike()
        return super().create(path, direct=direct)

    def allocate(self, descriptor: int, start: int, size: int) -> None:
        self._strike()
        super().allocate(descriptor, start, size)

    def write(self, descriptor: int, chunk: memoryview) -> int:
        return super().write(descriptor, self._part(chunk))

    def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
        return super().write_at(descriptor, self._part(chunk), at)

    def fsync(self, descriptor: int) -> None:
        self._strike()
        super().fsync(descriptor)

    def truncate(self, path: Path, size: int) -> None:
        self._strike()
        super().truncate(path, size)

    def fsync_folder(self, folder: Path) -> None:
        self._strike()
        super().fsync_folder(folder)

    def _part(self, chunk: memoryview) -> memoryview:
        with self._turn:
            self._strike_now()
            taken = chunk[: self._chance.randrange(1, len(chunk) + 1)] if self._chance.random() < 0.5 else chunk
            if self._trouble == "full" and len(taken) < 1 << 20:  # the journal's file is made while there is room
                if self._room <= 0:
                    raise OSError(errno.ENOSPC, "full")
                taken = taken[: self._room]
                self._room -= len(taken)
            return taken

    def _strike(self) -> None:
        with self._turn:
            self._strike_now()

    def _strike_now(self) -> None:
        self._left -= 1
        if self._trouble == "kill" and self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._trouble == "EIO" and -self._failing < self._left <= 0:
            raise OSError(errno.EIO, "the medium failed")
