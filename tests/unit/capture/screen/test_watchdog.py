"""A source that fails in every way: the right state is said, and the picture comes back by itself."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pytest

from capture.screen import words
from capture.screen.frame import Frame, FrameSource
from capture.screen.signal import NoPicture, Signal, State
from capture.screen.sources.v4l2 import V4L2Source, abi
from capture.screen.watchdog import Watched
from tests.unit.capture.screen.video_device import VideoDevice

PERIOD = 0.1


@dataclass(eq=False)
class Console:
    """A console, its cable and its capture device, whose time passes only while somebody waits.

    ``fault``: what is wrong at the moment; ``running``: the clock on its screen goes.
    """

    now: float = 0.0
    fault: Signal | str = ""
    running: bool = True
    size: tuple[int, int] = (64, 48)
    opened: list[float] = field(default_factory=list)
    open: int = 0
    shown: int = 0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def source(self) -> FrameSource:
        return Cable(self)

    def watched(self) -> Watched:
        return Watched(self.source, clock=self.clock, sleep=self.sleep)


class Cable:
    """A source on a console."""

    def __init__(self, console: Console) -> None:
        self.console, self.held = console, False

    def open(self) -> None:
        self.console.opened.append(self.console.now)
        if isinstance(self.console.fault, Signal):
            raise NoPicture(self.console.fault)
        self.held = True
        self.console.open += 1

    def read(self, timeout_s: float) -> Frame | None:
        console = self.console
        assert self.held
        if isinstance(console.fault, Signal):
            raise NoPicture(console.fault)
        console.now += min(PERIOD, timeout_s)
        if console.fault == "silent":
            return None
        width, height = console.size
        picture = np.full((height, width, 3), 40, np.uint8)
        if console.fault != "blank":
            picture[:] = np.arange(height, dtype=np.uint8)[:, None, None] * 4
            picture[1, 1] = console.shown % 200
        if console.running:
            console.shown += 1
        return Frame(picture.tobytes(), "bgr24", width, height, console.now)

    def close(self) -> None:
        if self.held:
            self.held = False
            self.console.open -= 1


def states(watched: Watched, console: Console, seconds: float) -> list[State]:
    """The states in turn, without repetition; and there is a frame if and only if all is well."""
    said: list[State] = []
    end = console.now + seconds
    while console.now < end:
        seen, frame = watched.next(0.5)
        assert frame is None or seen.signal.state is State.OK
        if not said or said[-1] is not seen.signal.state:
            said.append(seen.signal.state)
    return said


@pytest.fixture
def console() -> Iterator[Console]:
    made = Console()
    yield made
    assert made.open <= 1, "a device is held once at most"


def test_a_good_picture(console: Console) -> None:
    watched = console.watched()
    assert states(watched, console, 5) == [State.OK]
    seen, frame = watched.next(0.5)
    assert (seen.format, seen.width, seen.height) == ("bgr24", 64, 48) and frame is not None
    assert watched.fps == pytest.approx(10, rel=0.05)
    watched.close()
    assert console.open == 0


FAULTS = (words.NO_DEVICE, words.NO_CABLE, words.NO_SIGNAL, words.NO_LOCK, words.OUT_OF_RANGE, words.NO_STREAM)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: one.reason.en)
def test_it_comes_back_by_itself(console: Console, fault: Signal) -> None:
    watched = console.watched()
    states(watched, console, 3)
    console.fault = fault
    assert states(watched, console, 60) == [fault.state]
    assert watched.next(0.1)[0].signal is fault
    console.fault = ""
    assert states(watched, console, 30) == [fault.state, State.OK]


def test_a_source_that_fails_is_not_opened_without_end(console: Console) -> None:
    """Back-off: at most five openings a minute once it has failed for a while; soon again after a good frame."""
    console.fault = words.NO_DEVICE
    watched = console.watched()
    states(watched, console, 600)
    assert all(sum(at <= one < at + 60 for one in console.opened) <= 5 for at in console.opened[5:])
    console.fault = ""
    states(watched, console, 15)
    console.opened.clear()
    console.fault = words.CHANGING
    watched.next(0.5)
    console.fault = ""
    before = console.now
    assert states(watched, console, 1.0)[-1] is State.OK and console.now - before < 1.6


def test_a_device_that_falls_silent_is_opened_again(console: Console) -> None:
    watched = console.watched()
    states(watched, console, 3)
    console.fault = "silent"
    assert states(watched, console, 30) == [State.OK, State.STALE]
    assert len(console.opened) > 1
    console.fault = ""
    assert states(watched, console, 15)[-1] is State.OK


def test_who_is_busy_does_not_call_the_device_silent(console: Console) -> None:
    watched = console.watched()
    states(watched, console, 3)
    console.now += 30  # reading text on a loaded machine
    console.fault = "silent"
    assert watched.next(0.1)[0].signal.state is State.OK
    console.fault = ""
    assert states(watched, console, 1) == [State.OK] and len(console.opened) == 1


def test_a_device_that_gives_a_frame_and_fails_is_not_opened_without_end(console: Console) -> None:
    watched = console.watched()
    while console.now < 300:
        console.fault = ""
        watched.next(0.5)
        watched.next(0.5)
        console.fault = words.DEVICE_FAILED
        watched.next(0.5)
    assert sum(at > 60 for at in console.opened) <= 5 * 4


def test_a_stream_has_time_for_its_first_frame(console: Console) -> None:
    console.fault = "silent"
    watched = console.watched()
    assert states(watched, console, 8) == [State.STARTING] and len(console.opened) == 1
    console.fault = ""
    assert states(watched, console, 1)[-1] is State.OK


def test_a_picture_without_a_picture_is_no_signal(console: Console) -> None:
    watched = console.watched()
    states(watched, console, 3)
    console.fault = "blank"
    assert states(watched, console, 5) == [State.OK, State.NO_SIGNAL]
    console.fault = ""
    assert states(watched, console, 3)[-1] is State.OK
    assert len(console.opened) == 1, "the dongle itself is well"


def test_a_frozen_feed_is_stale_only_where_a_clock_runs(console: Console) -> None:
    watched = console.watched()
    console.running = False
    assert states(watched, console, 30) == [State.OK], "a console at rest"
    console.running = True
    watched.has_clock = True
    assert states(watched, console, 12) == [State.OK]
    console.running = False
    assert states(watched, console, 12) == [State.OK, State.STALE]
    assert watched.next(0.5)[0].signal is words.FROZEN
    console.running = True
    assert states(watched, console, 2)[-1] is State.OK


def test_a_capture_card_through_a_bad_day() -> None:
    """The ioctl layer under the watchdog: cable out, another mode, pulled out, back again."""
    device = VideoDevice(timings=True, modes=(("YUYV", 64, 48, 60.0),), signal=(64, 48, 0), powered=True)
    there = True

    def opener(path: str) -> VideoDevice:
        if not there:
            raise OSError(errno.ENODEV, "gone")
        device.gone = False
        return device

    def sleep(seconds: float) -> None:
        device.now += seconds

    watched = Watched(
        lambda: V4L2Source("/dev/video0", fps=10, opener=opener, clock=device.clock),
        clock=device.clock, sleep=sleep,
    )  # fmt: skip

    def until(state: State, width: int = 0, most: int = 200) -> None:
        for number in range(most):
            if device.streaming:
                rows = np.tile(np.array([16 + number % 200, 128], np.uint8), device.format.width)
                picture = np.tile(rows, (device.format.height, 1))
                picture[:, ::4] = np.arange(0, 2 * len(picture), 2, dtype=np.uint8)[:, None]
                device.show(picture.tobytes())
            seen, _ = watched.next(0.1)
            device.now += 0.05
            if seen.signal.state is state and (not width or seen.width == width):
                return
        raise AssertionError(f"never {state}")

    until(State.OK, 64)
    device.signal, device.powered = errno.ENOLINK, False
    device.events.append(abi.SOURCE_CHANGE)
    until(State.NO_CABLE)
    device.signal, device.powered = (96, 60, 0), True
    until(State.OK, 96)
    device.gone, there = True, False
    until(State.NO_DEVICE)
    there = True
    until(State.OK, 96)
