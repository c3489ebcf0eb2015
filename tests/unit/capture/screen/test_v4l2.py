"""A capture card in every state it can be in: what is said, and which frame is handed on."""

from __future__ import annotations

import ctypes
import errno
from collections.abc import Callable

import cv2
import numpy as np
import pytest

from capture.screen import words
from capture.screen.signal import NoPicture, Signal
from capture.screen.sources.v4l2 import V4L2Source, abi
from capture.screen.sources.v4l2.edid import one_mode
from tests.unit.capture.screen.video_device import CARD, VideoDevice, fault

SMALL = (("YUYV", 64, 48, 30.0),)


def source(device: VideoDevice, *, fps: float = 30.0, edid: bool = False) -> V4L2Source:
    return V4L2Source("/dev/video0", fps=fps, edid=edid, opener=lambda path: device, clock=device.clock)


def yuyv(level: int, width: int = 64, height: int = 48) -> bytes:
    return bytes([level, 128]) * (width * height)


def why(action: Callable[[], object]) -> Signal:
    with pytest.raises(NoPicture) as said:
        action()
    return said.value.signal


# The numbers, compiled from <linux/videodev2.h> of Linux 6.1 on x86-64 with gcc 12.
NUMBERS = {
    "QUERYCAP": 0x80685600, "ENUM_FMT": 0xC0405602, "S_FMT": 0xC0D05605, "REQBUFS": 0xC0145608,
    "QUERYBUF": 0xC0585609, "QBUF": 0xC058560F, "DQBUF": 0xC0585611, "STREAMON": 0x40045612,
    "STREAMOFF": 0x40045613, "S_PARM": 0xC0CC5616, "ENUMINPUT": 0xC050561A, "G_CTRL": 0xC008561B,
    "G_INPUT": 0x80045626, "G_EDID": 0xC0285628, "S_EDID": 0xC0285629, "ENUM_FRAMESIZES": 0xC02C564A,
    "ENUM_FRAMEINTERVALS": 0xC034564B, "S_DV_TIMINGS": 0xC0845657, "DQEVENT": 0x80885659,
    "SUBSCRIBE_EVENT": 0x4020565A, "QUERY_DV_TIMINGS": 0x80845663, "S_CTRL": 0xC008561C, "QUERYCTRL": 0xC0445624,
    "QUERYMENU": 0xC02C5625,
}  # fmt: skip


@pytest.mark.parametrize(("name", "number"), NUMBERS.items())
def test_the_numbers_are_the_kernels(name: str, number: int) -> None:
    """Each holds the size of its structure."""
    assert getattr(abi, name) == number


def test_the_fields_lie_where_the_kernel_puts_them() -> None:
    places = {
        abi.Buffer: {"seconds": 24, "memory": 60, "offset": 64, "planes": 64, "length": 72},
        abi.Plane: {"offset": 8, "data_offset": 16},
        abi.PlaneLayout: {"bytesperline": 4},
        abi.PlanesLayout: {"planes": 20, "num_planes": 180, "xfer_func": 184},
        abi.Event: {"u": 8, "pending": 72, "id": 96},
        abi.Format: {"fmt": 8},
        abi.Input: {"std": 48, "status": 56},
        abi.Edid: {"edid": 32},
        abi.FrameInterval: {"interval": 20},
        abi.Timings: {"interlaced": 12, "pixelclock": 20},
        abi.Parameters: {"parm": 4},
    }
    for structure, fields in places.items():
        assert {name: getattr(structure, name).offset for name in fields} == fields


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOENT, words.NO_DEVICE), (errno.ENODEV, words.NO_DEVICE), (errno.EACCES, words.NOT_ALLOWED),
        (errno.EBUSY, words.BUSY), (errno.EIO, words.DEVICE_FAILED),
    ],
)  # fmt: skip
def test_a_device_that_does_not_open(number: int, expected: Signal) -> None:
    def opener(path: str) -> VideoDevice:
        raise fault(number)

    assert why(V4L2Source("/dev/video9", fps=30, opener=opener).open) is expected


HDMI: dict[str, object] = {"timings": True, "modes": (CARD,)}


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ({"capabilities": abi.CAP_STREAMING}, words.NO_CAPTURE),
        ({"modes": (("H264", 1920, 1080, 30.0),)}, words.NO_FORMAT),
        ({"scan": 4}, words.INTERLACED),
        ({"input_status": abi.INPUT_NO_SIGNAL}, words.NO_SIGNAL),
        ({"input_status": abi.INPUT_NO_SIGNAL, "powered": False}, words.NO_CABLE),
        ({"input_status": 0x10000}, words.NO_LOCK),
        ({**HDMI, "signal": errno.ENOLINK}, words.NO_SIGNAL),
        ({**HDMI, "signal": errno.ENOLINK, "powered": True}, words.NO_SIGNAL),
        ({**HDMI, "signal": errno.ENOLINK, "powered": False}, words.NO_CABLE),
        ({**HDMI, "signal": errno.ENOLCK}, words.NO_LOCK),
        ({**HDMI, "signal": errno.ERANGE}, words.OUT_OF_RANGE),
        ({**HDMI, "signal": (1920, 1080, 1)}, words.INTERLACED),
        ({**HDMI, "signal": errno.EIO}, words.DEVICE_FAILED),
    ],
)
def test_why_there_is_no_picture(faults: dict[str, object], expected: Signal) -> None:
    device = VideoDevice(**faults)  # type: ignore[arg-type]  # by name, from the table above
    assert why(source(device).open) is expected
    assert device.closed == 1, "a device that failed is let go"


def test_a_card_takes_over_the_timings_of_the_signal() -> None:
    device = VideoDevice(timings=True, signal=(1280, 1024, 0), modes=(CARD,))
    source(device).open()
    assert device.log == ["timings 1280x1024", f"event {abi.SOURCE_CHANGE}"] and device.streaming
    assert (device.format.width, device.format.height) == (1280, 1024)


@pytest.mark.parametrize(
    ("modes", "chosen"),
    [
        # USB 2: YUYV at full size is too slow, JPEG is not.
        ((("YUYV", 1920, 1080, 5.0), ("MJPG", 1920, 1080, 30.0)), ("MJPG", 1920, 30)),
        # USB 3: both are fast, raw is better.
        ((("MJPG", 1920, 1080, 60.0), ("YUYV", 1920, 1080, 60.0)), ("YUYV", 1920, 60)),
        ((("YUYV", 640, 480, 30.0), ("YUYV", 1280, 720, 30.0)), ("YUYV", 1280, 30)),
        ((("YUYV", 3840, 2160, 30.0), ("YUYV", 1920, 1080, 30.0)), ("YUYV", 1920, 30)),
        ((("H264", 1920, 1080, 30.0), ("YUYV", 1920, 1080, 5.0)), ("YUYV", 1920, 5)),
    ],
)
def test_the_mode_that_is_asked_for(
    modes: tuple[tuple[str, int, int, float], ...], chosen: tuple[str, int, float]
) -> None:
    device = VideoDevice(modes=modes)
    source(device, fps=10).open()
    assert (device.format.pixelformat, device.format.width) == (abi.fourcc(chosen[0]), chosen[1])
    assert device.rate == pytest.approx(chosen[2])


def test_only_the_newest_frame_is_handed_on() -> None:
    device = VideoDevice(modes=SMALL)
    one = source(device)
    one.open()
    for level in (10, 20, 30):
        device.show(yuyv(level), at=99.75)
    frame = one.read(0.1)
    assert frame is not None and frame.data == yuyv(30) and (frame.width, frame.height) == (64, 48)
    assert frame.time == pytest.approx(99.75) and frame.format == "yuyv"
    assert one.read(0.1) is None and len(device.queued) == 4, "every buffer went back to the driver"


def test_no_more_frames_than_asked_for() -> None:
    device = VideoDevice(modes=SMALL)
    one = source(device, fps=5)
    one.open()
    taken = 0
    for number in range(60):  # two seconds at 30 a second
        device.now = 100 + number / 30
        device.show(yuyv(number))
        taken += one.read(0.0) is not None
    assert taken == pytest.approx(10, abs=1)


def test_after_a_pause_old_buffers_are_not_handed_on() -> None:
    device = VideoDevice(modes=SMALL)
    one = source(device)
    one.open()
    for level in (1, 2, 3, 4):
        device.show(yuyv(level))
    device.now += 3  # reading text took so long
    assert one.read(0.05) is None
    device.show(yuyv(9))
    frame = one.read(0.05)
    assert frame is not None and frame.data == yuyv(9)


def test_torn_and_short_frames_are_dropped() -> None:
    device = VideoDevice(modes=SMALL)
    one = source(device)
    one.open()
    device.show(yuyv(10)[:-50])
    assert one.read(0.0) is None
    device.show(yuyv(20), flags=abi.BUFFER_TORN)
    assert one.read(0.0) is None
    device.show(yuyv(30))
    assert one.read(0.0) is not None


PLANAR = abi.CAP_VIDEO_CAPTURE_MPLANE | abi.CAP_STREAMING


def test_a_multi_planar_card_hands_on_the_same_frames() -> None:
    """HDMI inputs of Rockchip boards. None was at hand: this is what the kernel says of them."""
    device = VideoDevice(modes=SMALL, capabilities=PLANAR, padding=32, before=64)
    one = source(device)
    one.open()
    row = yuyv(9, 64, 1)
    for level in (1, 2):
        device.show(yuyv(level, 64, 1) * 48)
    device.show((row + b"\xee" * 32) * 48)
    frame = one.read(0.0)
    assert frame is not None and frame.data == row * 48 and (frame.width, frame.height) == (64, 48)
    assert len(device.queued) == 4, "every buffer went back to the driver"
    one.close()
    assert not device.streaming and device.closed == 1


def test_a_picture_in_several_pieces_of_memory_is_none() -> None:
    device = VideoDevice(modes=SMALL, capabilities=PLANAR, pieces=2)
    assert why(source(device).open) is words.NO_FORMAT
    assert device.closed == 1


def test_a_device_with_both_queues_is_asked_for_the_plain_one() -> None:
    device = VideoDevice(modes=SMALL, capabilities=PLANAR | abi.CAP_VIDEO_CAPTURE)
    source(device).open()
    assert device.streaming


def test_a_short_jpeg_is_dropped() -> None:
    device = VideoDevice(modes=(("MJPG", 64, 48, 30.0),))
    one = source(device)
    one.open()
    jpeg = cv2.imencode(".jpg", np.random.default_rng(1).integers(0, 255, (48, 64), np.uint8))[1].tobytes()
    device.show(jpeg[:-20])
    assert one.read(0.0) is None
    device.show(jpeg + b"\0" * 64)  # padded, as some dongles do
    frame = one.read(0.0)
    assert frame is not None and frame.format == "mjpeg"


def test_rows_are_handed_on_without_the_drivers_padding() -> None:
    device = VideoDevice(modes=SMALL, padding=32)
    one = source(device)
    one.open()
    row = yuyv(9, 64, 1)
    device.show((row + b"\xee" * 32) * 48)
    frame = one.read(0.0)
    assert frame is not None and frame.data == row * 48


def test_uyvy_becomes_yuyv() -> None:
    device = VideoDevice(modes=(("UYVY", 64, 48, 30.0),))
    one = source(device)
    one.open()
    device.show(bytes([128, 7]) * (64 * 48))
    frame = one.read(0.0)
    assert frame is not None and frame.data == yuyv(7) and frame.format == "yuyv"


def test_a_change_of_mode_is_said_and_the_source_begins_anew() -> None:
    device = VideoDevice(timings=True, modes=(CARD,))
    one = source(device)
    one.open()
    device.signal = (1280, 720, 0)
    device.events.append(abi.SOURCE_CHANGE)
    assert why(lambda: one.read(0.1)) is words.CHANGING
    one.close()
    assert not device.streaming
    one.open()
    assert (device.format.width, device.format.height) == (1280, 720)


def test_another_event_is_no_reason_to_stop() -> None:
    device = VideoDevice(modes=SMALL)
    one = source(device)
    one.open()
    device.events.append(1)
    device.show(yuyv(1))
    assert one.read(0.1) is not None


def test_a_device_that_is_pulled_out() -> None:
    device = VideoDevice(modes=SMALL)
    one = source(device)
    one.open()
    device.gone = True
    assert why(lambda: one.read(0.1)) is words.DEVICE_FAILED
    one.close()
    one.close()
    assert device.closed == 1


def test_the_edid_is_given_once() -> None:
    device = VideoDevice(timings=True, modes=(CARD,), edid=bytes(128))
    one = source(device, edid=True)
    one.open()
    assert device.edid == one_mode() and device.log.count("edid") == 1
    one.close()
    one.open()
    assert device.log.count("edid") == 1, "the console would lose its picture for a second each time"


def test_a_dongle_with_its_own_edid_keeps_it() -> None:
    device = VideoDevice(modes=SMALL)
    source(device, edid=True).open()
    assert device.edid == errno.ENOTTY


def test_the_edid_says_one_mode() -> None:
    """VESA E-EDID A2: header, checksum, and the detailed timing of 1920 x 1080 at 60 Hz."""
    block = one_mode()
    assert len(block) == 128 and block[:8] == bytes.fromhex("00ffffffffffff00") and sum(block) % 256 == 0
    timing = block[54:72]
    clock = int.from_bytes(timing[:2], "little") * 10_000
    wide, blank = timing[2] | (timing[4] & 0xF0) << 4, timing[3] | (timing[4] & 0x0F) << 8
    high, vertical_blank = timing[5] | (timing[7] & 0xF0) << 4, timing[6] | (timing[7] & 0x0F) << 8
    assert (wide, high) == (1920, 1080) and not timing[17] & 0x80, "progressive"
    assert clock / ((wide + blank) * (high + vertical_blank)) == pytest.approx(60)
    assert block[126] == 0, "no extension: a DVI monitor, which is sent full range"


def test_the_structures_are_plain_memory() -> None:
    """What the kernel writes is what is read: no reordering, no hidden pointer."""
    buffer = abi.Buffer.from_buffer_copy(bytes(range(88)))
    assert buffer.bytesused == int.from_bytes(bytes(range(8, 12)), "little")
    assert [ctypes.sizeof(one) for one in (abi.Timings, abi.Plane, abi.PlaneLayout, abi.PlanesLayout)] == [
        132, 64, 20, 192,
    ]  # fmt: skip
