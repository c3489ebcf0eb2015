"""Video4Linux2 as the kernel speaks it: the structures and numbers we use, after <linux/videodev2.h>.

Written by hand because the libraries that have it are GPL-3 (linuxpy, ustreamer) or hide why there is no picture
(OpenCV). 64-bit machines only.
"""

from __future__ import annotations

import ctypes as c

CAPTURE, CAPTURE_MPLANE, MMAP = 1, 9, 1
CAP_VIDEO_CAPTURE, CAP_VIDEO_CAPTURE_MPLANE = 0x1, 0x1000
CAP_STREAMING, CAP_DEVICE_CAPS = 0x04000000, 0x80000000
PLANES = 8
"""VIDEO_MAX_PLANES."""
INPUT_OFF, INPUT_NO_SIGNAL, INPUT_NO_LOCK = 0x1, 0x2, 0x10D00
"""Bits of Input.status: no power; no signal; no lock on lines, frames, standard or sync."""
INPUT_HAS_TIMINGS = 0x2
POWER_PRESENT = 0x00A00964
"""V4L2_CID_DV_RX_POWER_PRESENT: one bit for each connector with 5 V from a source."""
NEXT_CONTROL = 0x80000000
"""V4L2_CTRL_FLAG_NEXT_CTRL, or-ed to an id: the control after it."""
INTERLACED = 1
DISCRETE = 1
SOURCE_CHANGE = 5
BUFFER_TORN, BUFFER_MONOTONIC, BUFFER_CLOCK = 0x40, 0x2000, 0xE000


class Capability(c.Structure):
    _fields_ = [
        ("driver", c.c_char * 16), ("card", c.c_char * 32), ("bus_info", c.c_char * 32), ("version", c.c_uint32),
        ("capabilities", c.c_uint32), ("device_caps", c.c_uint32), ("reserved", c.c_uint32 * 3),
    ]  # fmt: skip


class Input(c.Structure):
    _fields_ = [
        ("index", c.c_uint32), ("name", c.c_char * 32), ("type", c.c_uint32), ("audioset", c.c_uint32),
        ("tuner", c.c_uint32), ("std", c.c_uint64), ("status", c.c_uint32), ("capabilities", c.c_uint32),
        ("reserved", c.c_uint32 * 3),
    ]  # fmt: skip


class FormatDescription(c.Structure):
    _fields_ = [
        ("index", c.c_uint32), ("type", c.c_uint32), ("flags", c.c_uint32), ("description", c.c_char * 32),
        ("pixelformat", c.c_uint32), ("mbus_code", c.c_uint32), ("reserved", c.c_uint32 * 3),
    ]  # fmt: skip


class Fraction(c.Structure):
    _fields_ = [("numerator", c.c_uint32), ("denominator", c.c_uint32)]


class FrameSize(c.Structure):
    """``size``: width and height when ``type`` is DISCRETE, else min, max and step of each."""

    _fields_ = [
        ("index", c.c_uint32), ("pixel_format", c.c_uint32), ("type", c.c_uint32), ("size", c.c_uint32 * 6),
        ("reserved", c.c_uint32 * 2),
    ]  # fmt: skip


class FrameInterval(c.Structure):
    """``interval``: the shortest (and, if discrete, only) time per frame comes first."""

    _fields_ = [
        ("index", c.c_uint32), ("pixel_format", c.c_uint32), ("width", c.c_uint32), ("height", c.c_uint32),
        ("type", c.c_uint32), ("interval", Fraction * 3), ("reserved", c.c_uint32 * 2),
    ]  # fmt: skip


class PixelLayout(c.Structure):
    _fields_ = [
        ("width", c.c_uint32), ("height", c.c_uint32), ("pixelformat", c.c_uint32), ("field", c.c_uint32),
        ("bytesperline", c.c_uint32), ("sizeimage", c.c_uint32), ("colorspace", c.c_uint32), ("priv", c.c_uint32),
        ("flags", c.c_uint32), ("ycbcr_enc", c.c_uint32), ("quantization", c.c_uint32), ("xfer_func", c.c_uint32),
    ]  # fmt: skip


class PlaneLayout(c.Structure):
    _pack_ = 1
    _fields_ = [("sizeimage", c.c_uint32), ("bytesperline", c.c_uint32), ("reserved", c.c_uint16 * 6)]


class PlanesLayout(c.Structure):
    """struct v4l2_pix_format_mplane."""

    _pack_ = 1
    _fields_ = [
        ("width", c.c_uint32), ("height", c.c_uint32), ("pixelformat", c.c_uint32), ("field", c.c_uint32),
        ("colorspace", c.c_uint32), ("planes", PlaneLayout * PLANES), ("num_planes", c.c_uint8),
        ("flags", c.c_uint8), ("ycbcr_enc", c.c_uint8), ("quantization", c.c_uint8), ("xfer_func", c.c_uint8),
        ("reserved", c.c_uint8 * 7),
    ]  # fmt: skip


class _FormatUnion(c.Union):
    # The pointer is in struct v4l2_window: it gives the union its alignment.
    _fields_ = [("pix", PixelLayout), ("planar", PlanesLayout), ("raw", c.c_uint8 * 200), ("align", c.c_void_p)]


class Format(c.Structure):
    _fields_ = [("type", c.c_uint32), ("fmt", _FormatUnion)]


class CaptureParameters(c.Structure):
    _fields_ = [
        ("capability", c.c_uint32), ("capturemode", c.c_uint32), ("timeperframe", Fraction),
        ("extendedmode", c.c_uint32), ("readbuffers", c.c_uint32), ("reserved", c.c_uint32 * 4),
    ]  # fmt: skip


class _ParametersUnion(c.Union):
    _fields_ = [("capture", CaptureParameters), ("raw", c.c_uint8 * 200)]


class Parameters(c.Structure):
    _fields_ = [("type", c.c_uint32), ("parm", _ParametersUnion)]


class Control(c.Structure):
    _fields_ = [("id", c.c_uint32), ("value", c.c_int32)]


class ControlDescription(c.Structure):
    _fields_ = [
        ("id", c.c_uint32), ("type", c.c_uint32), ("name", c.c_char * 32), ("minimum", c.c_int32),
        ("maximum", c.c_int32), ("step", c.c_int32), ("default", c.c_int32), ("flags", c.c_uint32),
        ("reserved", c.c_uint32 * 2),
    ]  # fmt: skip


class MenuEntry(c.Structure):
    _fields_ = [("id", c.c_uint32), ("index", c.c_uint32), ("name", c.c_char * 32), ("reserved", c.c_uint32)]


class Timings(c.Structure):
    """struct v4l2_dv_timings with its union's struct v4l2_bt_timings."""

    _pack_ = 1
    _fields_ = [
        ("type", c.c_uint32), ("width", c.c_uint32), ("height", c.c_uint32), ("interlaced", c.c_uint32),
        ("polarities", c.c_uint32), ("pixelclock", c.c_uint64), ("rest", c.c_uint8 * 104),
    ]  # fmt: skip


class Edid(c.Structure):
    _fields_ = [
        ("pad", c.c_uint32), ("start_block", c.c_uint32), ("blocks", c.c_uint32), ("reserved", c.c_uint32 * 5),
        ("edid", c.POINTER(c.c_uint8)),
    ]  # fmt: skip


class Subscription(c.Structure):
    _fields_ = [
        ("type", c.c_uint32), ("id", c.c_uint32), ("flags", c.c_uint32), ("reserved", c.c_uint32 * 5)
    ]  # fmt: skip


class Event(c.Structure):
    _fields_ = [
        ("type", c.c_uint32), ("u", c.c_uint64 * 8), ("pending", c.c_uint32), ("sequence", c.c_uint32),
        ("seconds", c.c_long), ("nanoseconds", c.c_long), ("id", c.c_uint32), ("reserved", c.c_uint32 * 8),
    ]  # fmt: skip


class BufferRequest(c.Structure):
    _fields_ = [
        ("count", c.c_uint32), ("type", c.c_uint32), ("memory", c.c_uint32), ("capabilities", c.c_uint32),
        ("flags", c.c_uint32),
    ]  # fmt: skip


class Plane(c.Structure):
    """``offset``: of its union, for memory that is mapped."""

    _fields_ = [
        ("bytesused", c.c_uint32), ("length", c.c_uint32), ("offset", c.c_uint32), ("offset_high", c.c_uint32),
        ("data_offset", c.c_uint32), ("reserved", c.c_uint32 * 11),
    ]  # fmt: skip


class _Memory(c.Union):
    _fields_ = [("offset", c.c_uint32), ("planes", c.POINTER(Plane))]


class Buffer(c.Structure):
    """``offset``: for memory that is mapped; ``planes``: where it has several, and ``length`` is their number."""

    _anonymous_ = ("m",)
    _fields_ = [
        ("index", c.c_uint32), ("type", c.c_uint32), ("bytesused", c.c_uint32), ("flags", c.c_uint32),
        ("field", c.c_uint32), ("seconds", c.c_long), ("microseconds", c.c_long), ("timecode", c.c_uint32 * 4),
        ("sequence", c.c_uint32), ("memory", c.c_uint32), ("m", _Memory),
        ("length", c.c_uint32), ("reserved2", c.c_uint32), ("request_fd", c.c_int32),
    ]  # fmt: skip


def _number(direction: int, number: int, argument: type) -> int:
    """_IOC of <asm-generic/ioctl.h>; direction 1: to the kernel, 2: from it."""
    return direction << 30 | c.sizeof(argument) << 16 | ord("V") << 8 | number


QUERYCAP = _number(2, 0, Capability)
ENUM_FMT = _number(3, 2, FormatDescription)
G_FMT = _number(3, 4, Format)
S_FMT = _number(3, 5, Format)
REQBUFS = _number(3, 8, BufferRequest)
QUERYBUF = _number(3, 9, Buffer)
QBUF = _number(3, 15, Buffer)
DQBUF = _number(3, 17, Buffer)
STREAMON = _number(1, 18, c.c_int)
STREAMOFF = _number(1, 19, c.c_int)
S_PARM = _number(3, 22, Parameters)
ENUMINPUT = _number(3, 26, Input)
G_CTRL = _number(3, 27, Control)
S_CTRL = _number(3, 28, Control)
QUERYCTRL = _number(3, 36, ControlDescription)
QUERYMENU = _number(3, 37, MenuEntry)
G_INPUT = _number(2, 38, c.c_int)
G_EDID = _number(3, 40, Edid)
S_EDID = _number(3, 41, Edid)
ENUM_FRAMESIZES = _number(3, 74, FrameSize)
ENUM_FRAMEINTERVALS = _number(3, 75, FrameInterval)
S_DV_TIMINGS = _number(3, 87, Timings)
DQEVENT = _number(2, 89, Event)
SUBSCRIBE_EVENT = _number(1, 90, Subscription)
QUERY_DV_TIMINGS = _number(2, 99, Timings)


def fourcc(name: str) -> int:
    """``YUYV`` as the kernel counts it."""
    return int.from_bytes(name.encode(), "little")
