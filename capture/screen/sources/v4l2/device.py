"""The few things asked of a video device, so that a test can stand in one with every fault there is."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from capture.screen import words
from capture.screen.signal import NoPicture


@dataclass(frozen=True, slots=True)
class Ready:
    """What a wait ended with; nothing set: its time was over."""

    frame: bool = False
    event: bool = False
    gone: bool = False
    """The device was pulled out, or does not stream any more."""


class Device(Protocol):
    """An open video device. Every call may raise OSError with the kernel's errno."""

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        """Filled in place."""

    def map(self, length: int, offset: int) -> memoryview:
        """A buffer of the driver, readable until the device is closed."""

    def wait(self, timeout_s: float) -> Ready:
        """For a frame or an event."""

    def close(self) -> None:
        """Twice is harmless."""


Opener = Callable[[str], Device]


class RealDevice:
    """A device file. Non-blocking: a driver that hangs must not hang us."""

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._maps: list[mmap.mmap] = []
        self._views: list[memoryview] = []
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN | select.POLLPRI)

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        """See :class:`Device`."""
        while True:
            try:
                fcntl.ioctl(self._descriptor, request, argument)
                return
            except InterruptedError:
                continue

    def map(self, length: int, offset: int) -> memoryview:
        """See :class:`Device`."""
        mapped = mmap.mmap(self._descriptor, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)
        self._maps.append(mapped)
        self._views.append(memoryview(mapped))
        return self._views[-1]

    def wait(self, timeout_s: float) -> Ready:
        """See :class:`Device`."""
        for _, said in self._poll.poll(max(timeout_s, 0) * 1000):
            if said & select.POLLPRI:
                return Ready(frame=bool(said & select.POLLIN), event=True)
            if said & select.POLLIN:
                return Ready(frame=True)
            return Ready(gone=True)
        return Ready()

    def close(self) -> None:
        """See :class:`Device`."""
        for view in self._views:
            view.release()
        for mapped in self._maps:
            mapped.close()
        self._views, self._maps = [], []
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


_WHY_NOT = {
    errno.EACCES: words.NOT_ALLOWED,
    errno.EPERM: words.NOT_ALLOWED,
    errno.EBUSY: words.BUSY,
    errno.ENOENT: words.NO_DEVICE,
    errno.ENODEV: words.NO_DEVICE,
    errno.ENXIO: words.NO_DEVICE,
}


def no_picture(error: OSError) -> NoPicture:
    """What an errno of opening or of an ioctl means to a field engineer."""
    return NoPicture(_WHY_NOT.get(error.errno or 0, words.DEVICE_FAILED))
