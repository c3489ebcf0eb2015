"""The bar's row of faults on one screen with a capture card: right state, back by itself, no wrong result."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.screen import window
from capture.screen.library import Library
from capture.screen.ocr import choice
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.run import ScreenSource
from capture.screen.shot import Shot, parse
from capture.screen.signal import State
from capture.screen.sources.v4l2 import V4L2Source, abi
from capture.screen.sources.v4l2.device import Ready
from capture.spool import Spool, SpoolSettings
from tests.screens import DR, Bgr, Grey, film
from tests.unit.capture.screen.video_device import VideoDevice, fault

Way = Callable[[Bgr], Bgr]
SIZE = (1920, 1080, 0)


def as_it_is(shown: Bgr) -> Bgr:
    return shown


def scaled(shown: Bgr) -> Bgr:
    small = cv2.resize(shown, (1280, 720), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (1920, 1080), interpolation=cv2.INTER_CUBIC), np.uint8)


@lru_cache(maxsize=8)
def image(number: int) -> Grey:
    return film(number) if number else np.zeros((DR.image.h, DR.image.w), np.uint8)


@lru_cache(maxsize=4)
def jpeg(number: int, second: int, way: Way, width: int, height: int) -> bytes:
    shown = way(
        DR.draw(
            image(number), {"InstanceNumber": str(100 + number)}, clock=f"10:{second // 60:02}:{second % 60:02}"
        )
    )
    if (width, height) != shown.shape[1::-1]:
        shown = np.asarray(cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes()


@dataclass(eq=False)
class Console(VideoDevice):
    """A DR console on a capture card that gives ten JPEG pictures a second. Its clock runs unless ``hung``."""

    number: int = 0
    hung: float | None = None
    way: Way = as_it_is
    there: bool = True

    def wait(self, timeout_s: float) -> Ready:
        if self.streaming and not self.filled and not self.gone:
            self.now += 0.1
            at = self.now if self.hung is None else self.hung
            self.show(jpeg(self.number, int(at), self.way, self.format.width, self.format.height))
        return VideoDevice.wait(self, timeout_s)

    def opened(self, path: str) -> VideoDevice:
        if not self.there:
            raise fault(errno.ENOENT)
        self.gone = False
        return self

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def changed(self, **to: object) -> None:
        """The signal changes, and the card says that it did."""
        for name, value in to.items():
            setattr(self, name, value)
        self.events.append(abi.SOURCE_CHANGE)


@dataclass(eq=False)
class Site:
    """The box that watches it."""

    folder: Path
    console: Console = field(default_factory=Console)

    def __post_init__(self) -> None:
        screens = self.folder / "screens"
        library, self.live = Library(screens), screens / "live" / "dr1"
        taught = library.save(DR.template(clock=True), ())
        library.activate("dr1", taught.id, taught.version)
        console = self.console
        self.source = ScreenSource(
            "dr1",
            screens,
            lambda: V4L2Source("/dev/video0", fps=10, opener=console.opened, clock=console.clock),
            choice.make(ReadingSettings()),
            clock=console.clock,
            sleep=console.sleep,
        )
        self.spool = Spool(self.folder / "spool", SpoolSettings(min_free_mb=1))
        self.window, self.handover = window.Window(self.live), self.source.handover(self.spool)

    def until(self, state: State, most_s: float = 40) -> window.Told:
        """Watch until this is said."""
        end = self.console.now + most_s
        while self.console.now < end:
            self.source.turn(self.window, self.handover)
            told = window.seen(self.live)
            if told is not None and told.state is state:
                return told
        raise AssertionError(f"never {state}: {window.seen(self.live)}")

    def watch(self, seconds: float) -> list[Shot]:
        """Shots of this time."""
        before, end = {one.id for one in self.spool.pending()}, self.console.now + seconds
        while self.console.now < end:
            self.source.turn(self.window, self.handover)
        return [parse(self.spool.path(one).read_bytes()) for one in self.spool.pending() if one.id not in before]

    def expose(self, state: State) -> None:
        """The next exposure is taken, once, and no accepted value is wrong."""
        self.console.number += 1
        (shot,) = self.watch(4)
        assert (shot.told.event, shot.told.state) == ("new", state)
        right = DR.values | {"InstanceNumber": str(100 + self.console.number)}
        accepted = {one.keyword: one.text for one in shot.told.readings if one.state == "accepted"}
        assert accepted.items() <= right.items() and (state is not State.OK or accepted == right)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path, Console(modes=(("MJPG", 1920, 1080, 60.0),), timings=True, powered=True, length=1 << 21))
    made.until(State.OK)
    made.watch(2)
    return made


@pytest.mark.slow
def test_the_row_of_faults(site: Site) -> None:
    console = site.console
    site.expose(State.OK)

    console.changed(signal=errno.ENOLINK, powered=False)
    site.until(State.NO_CABLE)
    assert site.watch(5) == []
    console.changed(signal=SIZE, powered=True)
    site.until(State.OK)
    assert site.watch(4) == [], "the image that stood there before"

    console.changed(signal=(1280, 720, 0))
    assert "1280 x 720" in site.until(State.UNSUPPORTED).reason.en
    console.number += 1
    assert site.watch(4) == [], "another resolution is another screen"
    console.changed(signal=(1920, 1080, 1))
    assert site.watch(5) == [] and "interlaced" in site.until(State.UNSUPPORTED).reason.en
    console.changed(signal=SIZE)
    site.until(State.OK)
    site.watch(4)

    console.gone, console.there = True, False
    site.until(State.NO_DEVICE)
    console.there = True
    site.until(State.OK)
    site.expose(State.OK)

    console.hung = console.now
    assert "clock" in site.until(State.STALE).reason.en
    console.hung = None
    site.until(State.OK)
    site.expose(State.OK)

    console.way = scaled
    assert "scaled" in site.until(State.CAPTURE_FAULT).reason.en
    site.expose(State.CAPTURE_FAULT)
    console.way = as_it_is
    site.until(State.OK)
