"""V4L2Source: a capture card or an HDMI dongle. Only the newest buffer is ever handed on."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from capture.screen import words
from capture.screen.frame import Frame, PixelFormat
from capture.screen.pixels import bytes_of, whole
from capture.screen.signal import NoPicture
from capture.screen.sources.v4l2 import abi, modes, probe
from capture.screen.sources.v4l2.buffers import Buffers, Taken
from capture.screen.sources.v4l2.device import Device, Opener, RealDevice, no_picture

_OLD_S = 0.3
"""While we were busy the driver ran out of buffers; what lies in them is no longer what the screen shows."""
_UYVY = abi.fourcc("UYVY")
_PROGRESSIVE = (0, 1)
"""V4L2_FIELD_ANY and _NONE."""


@dataclass(frozen=True, slots=True)
class _Stream:
    """An agreed stream. ``stride``: bytes of a row as the driver pads it, 0 for JPEG."""

    format: PixelFormat
    width: int
    height: int
    stride: int
    swapped: bool
    buffers: Buffers


class V4L2Source:
    """See :class:`~capture.screen.frame.FrameSource`. ``edid``: give the card our EDID where it takes one."""

    def __init__(
        self,
        path: str,
        *,
        fps: float,
        edid: bool = False,
        opener: Opener = RealDevice,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path, self._fps, self._edid, self._opener, self._clock = path, fps, edid, opener, clock
        self._device: Device | None = None
        self._stream: _Stream | None = None
        self._due = float("-inf")

    def open(self) -> None:
        """See :class:`FrameSource`. Raises NoPicture: device, cable, signal, mode or format."""
        try:
            self._device = device = self._opener(self._path)
            queue = probe.queue_of(device)
            if self._edid:
                probe.give_edid(device)
            size = probe.signal_size(device)
            probe.listen_for_changes(device)
            self._stream = _start(device, self._fps, size, queue)
        except OSError as error:
            self.close()
            raise no_picture(error) from None
        except NoPicture:
            self.close()
            raise

    def read(self, timeout_s: float) -> Frame | None:
        """See :class:`FrameSource`. Frames that are not due yet are handed back to the driver uncopied."""
        device, stream = self._device, self._stream
        if device is None or stream is None:
            raise NoPicture(words.NO_DEVICE)
        until = self._clock() + timeout_s
        try:
            while (left := until - self._clock()) >= 0:
                ready = device.wait(left)
                if ready.gone:
                    raise NoPicture(words.DEVICE_FAILED)
                if ready.event and _changed(device):
                    raise NoPicture(words.CHANGING)
                if ready.frame and (frame := self._newest(stream)):
                    return frame
                if not ready.frame and not ready.event:
                    return None
        except OSError as error:
            raise NoPicture(
                words.DEVICE_FAILED if error.errno == errno.EIO else no_picture(error).signal
            ) from None
        return None

    def close(self) -> None:
        """See :class:`FrameSource`."""
        device, stream, self._device, self._stream = self._device, self._stream, None, None
        if stream is not None:
            with suppress(OSError):
                stream.buffers.stop()
        if device is not None:
            with suppress(OSError):
                device.close()

    def _newest(self, stream: _Stream) -> Frame | None:
        newest: Taken | None = None
        while (taken := stream.buffers.take()) is not None:
            if newest is not None:
                stream.buffers.give(newest.index)
            newest = taken
        if newest is None:
            return None
        try:
            if newest.flags & abi.BUFFER_TORN or self._clock() < self._due:
                return None
            return self._copy(stream, newest)
        finally:
            stream.buffers.give(newest.index)

    def _copy(self, stream: _Stream, taken: Taken) -> Frame | None:
        at = now = self._clock()
        if taken.flags & abi.BUFFER_CLOCK == abi.BUFFER_MONOTONIC:
            at = taken.time
        if now - at > _OLD_S:
            return None
        content = _rows(stream.buffers.content(taken), stream)
        if content is None:
            return None
        # Half a period early is in time: cameras do not keep step with us.
        self._due = max(self._due + 1 / self._fps, now + 0.5 / self._fps)
        return Frame(content, stream.format, stream.width, stream.height, at)


def _start(device: Device, fps: float, size: tuple[int, int] | None, queue: int) -> _Stream:
    """Agree on a format, map the buffers, begin. Raises NoPicture UNSUPPORTED, OSError."""
    mode = modes.choose(device, queue, fps, size)
    if mode is None:
        raise NoPicture(words.NO_FORMAT)
    buffers = Buffers(device, queue)
    agreed = buffers.agree(mode)
    if agreed.pixelformat not in modes.FORMATS:
        raise NoPicture(words.NO_FORMAT)
    if agreed.field not in _PROGRESSIVE:
        raise NoPicture(words.INTERLACED)
    buffers.start()
    kind = modes.FORMATS[agreed.pixelformat]
    stride = 0 if kind == "mjpeg" else agreed.stride
    return _Stream(kind, agreed.width, agreed.height, stride, agreed.pixelformat == _UYVY, buffers)


def _changed(device: Device) -> bool:
    """Whether the event that waits says that the source changed its mode."""
    event = abi.Event()
    device.ioctl(abi.DQEVENT, event)
    return bool(event.type == abi.SOURCE_CHANGE)


def _rows(raw: memoryview, stream: _Stream) -> bytes | None:
    """The picture without padding; None when the buffer is short or no whole JPEG."""
    if stream.format == "mjpeg":
        return bytes(raw) if whole(raw, "mjpeg", stream.width, stream.height) else None
    count = stream.height * 3 // 2 if stream.format == "nv12" else stream.height
    line = bytes_of(stream.format, stream.width, stream.height) // count
    stride = max(stream.stride, line)
    if len(raw) < stride * (count - 1) + line:
        return None
    if stride == line and not stream.swapped:
        return bytes(raw[: line * count])
    rows = np.lib.stride_tricks.as_strided(np.frombuffer(raw, np.uint8), (count, line), (stride, 1))
    return rows.view(np.uint16).byteswap().tobytes() if stream.swapped else rows.tobytes()
