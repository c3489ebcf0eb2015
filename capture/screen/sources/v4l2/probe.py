"""Why a device has no picture, asked in the order in which one answer explains the next."""

from __future__ import annotations

import ctypes
import errno
from contextlib import suppress

from capture.screen import words
from capture.screen.signal import NoPicture, Signal
from capture.screen.sources.v4l2 import abi
from capture.screen.sources.v4l2.device import Device
from capture.screen.sources.v4l2.edid import one_mode

_NO_TIMINGS: dict[int, Signal] = {
    errno.ENOLINK: words.NO_SIGNAL,
    errno.ENOLCK: words.NO_LOCK,
    errno.ERANGE: words.OUT_OF_RANGE,
}


def queue_of(device: Device) -> int:
    """The queue its frames come in: plain where it has one, else multi-planar.

    Raises NoPicture UNSUPPORTED when it is no capture device (a card has others, for its settings or sound).
    """
    said = abi.Capability()
    try:
        device.ioctl(abi.QUERYCAP, said)
    except OSError:
        raise NoPicture(words.NO_CAPTURE) from None
    able = said.device_caps if said.capabilities & abi.CAP_DEVICE_CAPS else said.capabilities
    if able & abi.CAP_STREAMING and able & abi.CAP_VIDEO_CAPTURE:
        return abi.CAPTURE
    if able & abi.CAP_STREAMING and able & abi.CAP_VIDEO_CAPTURE_MPLANE:
        return abi.CAPTURE_MPLANE
    raise NoPicture(words.NO_CAPTURE)


def give_edid(device: Device) -> None:
    """Let the console see one mode only, where the card's EDID is ours to write and is not this one already.

    Setting it makes the console look anew, which costs its picture for a second.
    """
    wanted, block = one_mode(), (ctypes.c_uint8 * 128)()
    pointer = ctypes.cast(block, ctypes.POINTER(ctypes.c_uint8))
    asked = abi.Edid(blocks=1, edid=pointer)
    with suppress(OSError):  # UVC dongles have their own
        try:
            device.ioctl(abi.G_EDID, asked)
            if asked.blocks == 1 and bytes(block) == wanted:
                return
        except OSError as error:
            if error.errno != errno.ENODATA:  # none is set yet
                return
        ctypes.memmove(block, wanted, 128)
        device.ioctl(abi.S_EDID, abi.Edid(blocks=1, edid=pointer))


def signal_size(device: Device) -> tuple[int, int] | None:
    """Width and height of the signal on a card that knows its timings, which are made the card's own.

    None for one that does not (UVC). Raises NoPicture with what is wrong: cable, signal, lock, range, interlace.
    """
    if not _has_timings(device):
        return None
    timings = abi.Timings()
    try:
        device.ioctl(abi.QUERY_DV_TIMINGS, timings)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.ENODATA, errno.EINVAL):
            return None
        found = _NO_TIMINGS.get(error.errno or 0, words.DEVICE_FAILED)
        raise NoPicture(words.NO_CABLE if found is words.NO_SIGNAL and _unplugged(device) else found) from None
    if timings.interlaced == abi.INTERLACED:
        raise NoPicture(words.INTERLACED)
    device.ioctl(abi.S_DV_TIMINGS, timings)  # a driver never changes over by itself
    return timings.width, timings.height


def listen_for_changes(device: Device) -> None:
    """Ask to be told when the source changes its mode; not every driver can."""
    with suppress(OSError):
        device.ioctl(abi.SUBSCRIBE_EVENT, abi.Subscription(type=abi.SOURCE_CHANGE))


def _has_timings(device: Device) -> bool:
    """Raises NoPicture when the input itself says that nothing comes in."""
    number, described = ctypes.c_int(), abi.Input()
    try:
        device.ioctl(abi.G_INPUT, number)
        described.index = number.value
        device.ioctl(abi.ENUMINPUT, described)
    except OSError:
        return True  # drivers behind a media controller have no inputs; the timings tell
    status = described.status
    if status & (abi.INPUT_OFF | abi.INPUT_NO_SIGNAL):
        raise NoPicture(words.NO_CABLE if _unplugged(device) else words.NO_SIGNAL)
    if status & abi.INPUT_NO_LOCK:
        raise NoPicture(words.NO_LOCK)
    return bool(described.capabilities & abi.INPUT_HAS_TIMINGS)


def _unplugged(device: Device) -> bool:
    """Whether the card can tell that nobody feeds 5 V into its connector."""
    control = abi.Control(id=abi.POWER_PRESENT)
    try:
        device.ioctl(abi.G_CTRL, control)
    except OSError:
        return False
    return bool(control.value == 0)
