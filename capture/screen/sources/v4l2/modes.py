"""Which pixel format and size a device is asked for: raw before JPEG, native size, never interlaced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capture.screen.frame import PixelFormat
from capture.screen.sources.v4l2 import abi
from capture.screen.sources.v4l2.device import Device

FORMATS: dict[int, PixelFormat] = {
    abi.fourcc("YUYV"): "yuyv",
    abi.fourcc("UYVY"): "yuyv",
    abi.fourcc("NV12"): "nv12",
    abi.fourcc("BGR3"): "bgr24",
    abi.fourcc("BGR4"): "bgr0",
    abi.fourcc("XR24"): "bgr0",
    abi.fourcc("MJPG"): "mjpeg",
    abi.fourcc("JPEG"): "mjpeg",
}
"""In the order of preference. UYVY is YUYV with its bytes swapped; the source swaps them back."""
_NATIVE = (1920, 1080)
_MOST_LISTED = 64


@dataclass(frozen=True, slots=True)
class Mode:
    """What to ask for. ``fps`` 0: the device does not say."""

    pixelformat: int
    width: int
    height: int
    fps: float


def choose(device: Device, queue: int, fps: float, fixed: tuple[int, int] | None) -> Mode | None:
    """The best mode; ``fixed`` is the size that the DV timings say. None when no format can be used.

    A mode that is fast enough goes before one that is not (USB 2 carries 1080p YUYV at 5 frames a second), then
    the console's usual size, then raw before JPEG.
    """
    modes = list(_modes(device, queue, fixed))
    order = list(FORMATS)

    def rank(mode: Mode) -> tuple[bool, bool, int, int]:
        fast = mode.fps == 0 or mode.fps >= min(fps, 10) - 0.1
        native = (mode.width, mode.height) == _NATIVE
        return (not fast, not native, -mode.width * mode.height, order.index(mode.pixelformat))

    return min(modes, key=rank, default=None)


def _modes(device: Device, queue: int, fixed: tuple[int, int] | None) -> Iterator[Mode]:
    for pixelformat in _formats(device, queue):
        for width, height in [fixed] if fixed else _sizes(device, pixelformat):
            yield Mode(pixelformat, width, height, 0 if fixed else _fastest(device, pixelformat, width, height))


def _formats(device: Device, queue: int) -> Iterator[int]:
    for index in range(_MOST_LISTED):
        described = abi.FormatDescription(index=index, type=queue)
        try:
            device.ioctl(abi.ENUM_FMT, described)
        except OSError:
            return
        if described.pixelformat in FORMATS:
            yield described.pixelformat


def _sizes(device: Device, pixelformat: int) -> Iterator[tuple[int, int]]:
    for index in range(_MOST_LISTED):
        listed = abi.FrameSize(index=index, pixel_format=pixelformat)
        try:
            device.ioctl(abi.ENUM_FRAMESIZES, listed)
        except OSError:
            return
        if listed.type == abi.DISCRETE:
            yield listed.size[0], listed.size[1]
        else:  # from ... to: the card scales by itself
            yield min(_NATIVE[0], listed.size[1]), min(_NATIVE[1], listed.size[4])
            return


def _fastest(device: Device, pixelformat: int, width: int, height: int) -> float:
    best = 0.0
    for index in range(_MOST_LISTED):
        listed = abi.FrameInterval(index=index, pixel_format=pixelformat, width=width, height=height)
        try:
            device.ioctl(abi.ENUM_FRAMEINTERVALS, listed)
        except OSError:
            break
        one = listed.interval[0]
        best = max(best, one.denominator / one.numerator if one.numerator else 0)
        if listed.type != abi.DISCRETE:
            break
    return best
