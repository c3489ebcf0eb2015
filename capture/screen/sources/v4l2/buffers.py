"""Buffers: the queue of a device, plain or multi-planar, behind one face.

A multi-planar device (HDMI inputs of Rockchip boards) hands out the same pixel formats; all of a picture lies in
its first plane. Formats in several pieces of memory (NM12) are none that we ask for.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from dataclasses import dataclass

from capture.screen import words
from capture.screen.signal import NoPicture
from capture.screen.sources.v4l2 import abi
from capture.screen.sources.v4l2.device import Device
from capture.screen.sources.v4l2.modes import Mode

_COUNT = 4


@dataclass(frozen=True, slots=True)
class Layout:
    """What a device agreed to. ``stride``: bytes of a row as it pads it."""

    pixelformat: int
    width: int
    height: int
    field: int
    stride: int


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A filled buffer, the driver's again after :meth:`Buffers.give`."""

    index: int
    used: slice
    flags: int
    time: float
    """Seconds of the driver's clock, see ``flags``."""


class Buffers:
    """Of one open device. Raises OSError with the kernel's errno."""

    def __init__(self, device: Device, queue: int) -> None:
        """``queue``: abi.CAPTURE or abi.CAPTURE_MPLANE."""
        self._device, self._queue = device, queue
        self._mapped: tuple[memoryview, ...] = ()

    def agree(self, mode: Mode) -> Layout:
        """Ask for a mode. Raises NoPicture UNSUPPORTED: a picture in several pieces of memory."""
        wanted = abi.Format(type=self._queue)
        pix = wanted.fmt.planar if self._planar else wanted.fmt.pix
        pix.width, pix.height, pix.pixelformat, pix.field = mode.width, mode.height, mode.pixelformat, 1
        if self._planar:
            pix.num_planes = 1
        self._device.ioctl(abi.S_FMT, wanted)
        if self._planar and pix.num_planes != 1:
            raise NoPicture(words.NO_FORMAT)
        stride = pix.planes[0].bytesperline if self._planar else pix.bytesperline
        if mode.fps:
            rate = abi.Parameters(type=self._queue)
            rate.parm.capture.timeperframe = abi.Fraction(1000, round(mode.fps * 1000))
            with suppress(OSError):  # then it runs as fast as it likes
                self._device.ioctl(abi.S_PARM, rate)
        return Layout(pix.pixelformat, pix.width, pix.height, pix.field, stride)

    def start(self) -> None:
        """Map the buffers and begin."""
        request = abi.BufferRequest(count=_COUNT, type=self._queue, memory=abi.MMAP)
        self._device.ioctl(abi.REQBUFS, request)
        mapped = []
        for index in range(request.count):
            buffer = self._buffer(index)
            self._device.ioctl(abi.QUERYBUF, buffer)
            lies = buffer.planes[0] if self._planar else buffer
            mapped.append(self._device.map(lies.length, lies.offset))
            self.give(index)
        self._mapped = tuple(mapped)
        self._device.ioctl(abi.STREAMON, ctypes.c_int(self._queue))

    def stop(self) -> None:
        """End the stream."""
        self._device.ioctl(abi.STREAMOFF, ctypes.c_int(self._queue))

    def take(self) -> Taken | None:
        """A filled buffer; None when there is no more."""
        buffer = self._buffer(0)
        try:
            self._device.ioctl(abi.DQBUF, buffer)
        except BlockingIOError:
            return None
        used = slice(0, buffer.bytesused)
        if self._planar:  # what a plane begins with is counted, too
            used = slice(buffer.planes[0].data_offset, buffer.planes[0].bytesused)
        return Taken(buffer.index, used, buffer.flags, buffer.seconds + buffer.microseconds / 1e6)

    def content(self, taken: Taken) -> memoryview:
        """Its bytes. Nobody may keep the view: the device could not be closed."""
        return self._mapped[taken.index][taken.used]

    def give(self, index: int) -> None:
        """Hand a buffer back to the driver."""
        self._device.ioctl(abi.QBUF, self._buffer(index))

    @property
    def _planar(self) -> bool:
        return self._queue == abi.CAPTURE_MPLANE

    def _buffer(self, index: int) -> abi.Buffer:
        buffer = abi.Buffer(index=index, type=self._queue, memory=abi.MMAP)
        if self._planar:
            planes = (abi.Plane * abi.PLANES)()
            buffer.planes, buffer.length = ctypes.cast(planes, ctypes.POINTER(abi.Plane)), abi.PLANES
        return buffer
