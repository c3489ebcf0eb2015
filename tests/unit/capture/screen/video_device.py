"""A capture device that is a table: it answers each ioctl as a driver would, and has every fault there is."""

from __future__ import annotations

import ctypes
import errno
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from capture.screen.sources.v4l2 import abi
from capture.screen.sources.v4l2.device import Ready

CARD = ("UYVY", 1920, 1080, 60.0)
Answer = Callable[[ctypes.Structure | ctypes.c_int], None]


def fault(number: int) -> OSError:
    return OSError(number, "as the kernel says it")


@dataclass(slots=True)
class Buffer:
    content: bytes
    flags: int
    at: float


@dataclass(eq=False)
class VideoDevice:
    """``timings``: an HDMI receiver with its own clock recovery; otherwise a UVC dongle with ``modes``.

    Time passes only while somebody waits.
    """

    modes: tuple[tuple[str, int, int, float], ...] = (("YUYV", 1920, 1080, 30.0),)
    timings: bool = False
    signal: tuple[int, int, int] | int = (1920, 1080, 0)
    """Width, height, interlaced; or the errno of QUERY_DV_TIMINGS."""
    powered: bool | None = None
    """5 V on the connector; None: the card cannot tell."""
    input_status: int = 0
    edid: bytes | int = errno.ENOTTY
    capabilities: int = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING
    padding: int = 0
    pieces: int = 1
    """Pieces of memory of a picture on a multi-planar device."""
    before: int = 0
    """Bytes of its own that it puts before a picture there."""
    scan: int = 1
    """enum v4l2_field."""
    gone: bool = False
    now: float = 100.0
    length: int = 1 << 16
    log: list[str] = field(default_factory=list)
    filled: deque[Buffer] = field(default_factory=deque)
    events: deque[int] = field(default_factory=deque)
    queued: deque[int] = field(default_factory=deque)
    streaming: bool = False
    format: abi.PixelLayout = field(default_factory=abi.PixelLayout)
    rate: float = 0.0
    closed: int = 0
    next_s: float = 0.0
    """How long a wait takes until it sees what is there."""

    def __post_init__(self) -> None:
        self.buffers: list[bytearray] = []
        self._answers: dict[int, Answer] = {
            getattr(abi, name): getattr(self, name.lower())
            for name in dir(abi)
            if name.isupper() and hasattr(self, name.lower()) and callable(getattr(self, name.lower()))
        }

    # What the source sees -------------------------------------------------------------------------------------

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        if self.gone:
            raise fault(errno.ENODEV)
        answer = self._answers.get(request)
        if answer is None:
            raise fault(errno.ENOTTY)
        answer(argument)

    def map(self, length: int, offset: int) -> memoryview:
        return memoryview(self.buffers[offset // 4096]).toreadonly()

    def wait(self, timeout_s: float) -> Ready:
        if self.gone:
            return Ready(gone=True)
        if self.filled or self.events:
            self.now += self.next_s
            return Ready(frame=bool(self.filled), event=bool(self.events))
        self.now += timeout_s
        return Ready()

    def close(self) -> None:
        """As the kernel does: what streamed ends with its file, also of a device that is gone."""
        self.closed += 1
        self.streaming = False
        self.queued.clear()
        self.filled.clear()

    def clock(self) -> float:
        return self.now

    def show(self, content: bytes, flags: int = abi.BUFFER_MONOTONIC, at: float | None = None) -> None:
        """A frame arrives; with no free buffer the driver drops it."""
        if len(self.filled) < len(self.queued):
            self.filled.append(Buffer(content, flags, self.now if at is None else at))

    # What the driver answers ----------------------------------------------------------------------------------

    def querycap(self, said: abi.Capability) -> None:
        said.capabilities, said.device_caps = abi.CAP_DEVICE_CAPS, self.capabilities

    def g_input(self, number: ctypes.c_int) -> None:
        number.value = 0

    def enuminput(self, described: abi.Input) -> None:
        described.status = self.input_status
        described.capabilities = abi.INPUT_HAS_TIMINGS if self.timings else 0

    def g_ctrl(self, control: abi.Control) -> None:
        if self.powered is None or control.id != abi.POWER_PRESENT:
            raise fault(errno.EINVAL)
        control.value = int(self.powered)

    def query_dv_timings(self, timings: abi.Timings) -> None:
        if isinstance(self.signal, int):
            raise fault(self.signal)
        timings.width, timings.height, timings.interlaced = self.signal

    def s_dv_timings(self, timings: abi.Timings) -> None:
        if self.streaming:
            raise fault(errno.EBUSY)
        self.log.append(f"timings {timings.width}x{timings.height}")

    def g_edid(self, asked: abi.Edid) -> None:
        if isinstance(self.edid, int):
            raise fault(self.edid)
        ctypes.memmove(asked.edid, self.edid, 128)

    def s_edid(self, given: abi.Edid) -> None:
        self.edid = ctypes.string_at(given.edid, 128)
        self.log.append("edid")

    def subscribe_event(self, wanted: abi.Subscription) -> None:
        """Only what happens from now on: the kernel keeps events for each open file."""
        self.events.clear()
        self.log.append(f"event {wanted.type}")

    def dqevent(self, event: abi.Event) -> None:
        event.type = self.events.popleft()

    def enum_fmt(self, described: abi.FormatDescription) -> None:
        assert described.type == self.queue
        names = list(dict.fromkeys(mode[0] for mode in self.modes))
        if described.index >= len(names):
            raise fault(errno.EINVAL)
        described.pixelformat = abi.fourcc(names[described.index])

    def enum_framesizes(self, listed: abi.FrameSize) -> None:
        sizes = [mode[1:3] for mode in self.modes if abi.fourcc(mode[0]) == listed.pixel_format]
        if listed.index >= len(sizes):
            raise fault(errno.EINVAL)
        listed.type = abi.DISCRETE
        listed.size[0], listed.size[1] = sizes[listed.index]

    def enum_frameintervals(self, listed: abi.FrameInterval) -> None:
        wanted = (listed.pixel_format, listed.width, listed.height)
        rates = [mode[3] for mode in self.modes if (abi.fourcc(mode[0]), mode[1], mode[2]) == wanted]
        if listed.index >= len(rates):
            raise fault(errno.EINVAL)
        listed.type, listed.interval[0] = abi.DISCRETE, abi.Fraction(1000, round(rates[listed.index] * 1000))

    def s_fmt(self, wanted: abi.Format) -> None:
        assert wanted.type == self.queue
        pix = wanted.fmt.planar if self.planar else wanted.fmt.pix
        pix.field = self.scan
        stride = pix.width * (1 if pix.pixelformat == abi.fourcc("NV12") else 2) + self.padding
        if self.planar:
            pix.num_planes, pix.planes[0].bytesperline = self.pieces, stride
        else:
            pix.bytesperline = stride
        for name in ("width", "height", "pixelformat"):
            setattr(self.format, name, getattr(pix, name))

    def s_parm(self, wanted: abi.Parameters) -> None:
        one = wanted.parm.capture.timeperframe
        self.rate = one.denominator / one.numerator

    def reqbufs(self, request: abi.BufferRequest) -> None:
        assert request.type == self.queue
        self.buffers = [bytearray(self.length) for _ in range(request.count)]

    def querybuf(self, buffer: abi.Buffer) -> None:
        lies = self._lies(buffer)
        lies.length, lies.offset = self.length, buffer.index * 4096

    def qbuf(self, buffer: abi.Buffer) -> None:
        self._lies(buffer)
        assert buffer.index not in self.queued, "queued twice"
        self.queued.append(buffer.index)

    def dqbuf(self, buffer: abi.Buffer) -> None:
        lies = self._lies(buffer)
        if not self.filled:
            raise fault(errno.EAGAIN)
        shown, buffer.index = self.filled.popleft(), self.queued.popleft()
        start = self.before if self.planar else 0
        self.buffers[buffer.index][start : start + len(shown.content)] = shown.content
        lies.bytesused, buffer.flags = start + len(shown.content), shown.flags
        if self.planar:
            lies.data_offset = start
        buffer.seconds, buffer.microseconds = int(shown.at), round(shown.at % 1 * 1e6)

    def streamon(self, kind: ctypes.c_int) -> None:
        assert kind.value == self.queue
        self.streaming = True

    def streamoff(self, kind: ctypes.c_int) -> None:
        assert kind.value == self.queue
        self.streaming = False
        self.queued.clear()
        self.filled.clear()

    # Which of its queues it has ------------------------------------------------------------------------------

    @property
    def planar(self) -> bool:
        return not self.capabilities & abi.CAP_VIDEO_CAPTURE

    @property
    def queue(self) -> int:
        return abi.CAPTURE_MPLANE if self.planar else abi.CAPTURE

    def _lies(self, buffer: abi.Buffer) -> abi.Buffer | abi.Plane:
        """Where it is said how long it is and where: as the kernel, in the planes that the caller lent."""
        if buffer.type != self.queue or (self.planar and not 0 < buffer.length <= abi.PLANES):
            raise fault(errno.EINVAL)
        return buffer.planes[0] if self.planar else buffer
