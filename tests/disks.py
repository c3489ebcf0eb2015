"""Disks with a behaviour: one that forgets what was not synced, one that fills up or breaks."""

from __future__ import annotations

import errno
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from capture.disk import RealDisk


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
        self._medium: dict[Path, Inode] = {}
        self._unsynced: list[NameChange] = []

    def create(self, path: Path) -> int:
        self._count()
        descriptor = super().create(path)
        self._open[descriptor] = Inode()
        self._change(path, self._open[descriptor])
        return descriptor

    def write(self, descriptor: int, chunk: memoryview) -> int:
        self._count()
        taken = super().write(descriptor, chunk[: max(1, len(chunk) // 2)])  # short writes, always
        self._open[descriptor].seen += chunk[:taken]
        return taken

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
    """What is not synced may be missing, or be zeros of the right length, as file systems do leave behind."""
    if inode.synced == bytes(inode.seen):
        return inode.synced
    if choose is None:
        return inode.synced or b""
    return choose.choice([inode.synced or b"", bytes(len(inode.seen)), bytes(inode.seen)])


class FailingDisk(RealDisk):
    """Has room for ``room`` bytes, or fails the ``fail_at``-th call of one name with ``error``."""

    def __init__(
        self, *, room: int | None = None, call: str = "", fail_at: int = 1, error: int = errno.EIO
    ) -> None:
        self.room, self.call, self.fail_at, self.error = room, call, fail_at, error

    def create(self, path: Path) -> int:
        self._perhaps_fail("create")
        return super().create(path)

    def write(self, descriptor: int, chunk: memoryview) -> int:
        self._perhaps_fail("write")
        if self.room is None:
            return super().write(descriptor, chunk)
        if self.room == 0:
            raise OSError(errno.ENOSPC, "full")
        taken = super().write(descriptor, chunk[: self.room])
        self.room -= taken
        return taken

    def fsync(self, descriptor: int) -> None:
        self._perhaps_fail("fsync")
        super().fsync(descriptor)

    def rename(self, old: Path, new: Path) -> None:
        self._perhaps_fail("rename")
        super().rename(old, new)

    def fsync_folder(self, folder: Path) -> None:
        self._perhaps_fail("fsync_folder")
        super().fsync_folder(folder)

    def _perhaps_fail(self, call: str) -> None:
        if call == self.call:
            self.fail_at -= 1
            if self.fail_at == 0:
                raise OSError(self.error, "the simulated disk failed")
