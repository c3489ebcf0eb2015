"""The loop of one screen, from a played source to shots in the spool, with the real readers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from capture.screen import window, words
from capture.screen.frame import Frame
from capture.screen.handover import MOST_WAITING, Handover
from capture.screen.library import Library
from capture.screen.ocr import choice
from capture.screen.ocr.engine import Engines
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.run import ScreenSource
from capture.screen.shot import Shot, parse, picture
from capture.screen.signal import NoPicture, State
from capture.spool import Spool, SpoolSettings
from tests import screens
from tests.screen_scenes import exposure
from tests.screen_streams import Stream
from tests.screens import DR, Capture


@pytest.fixture(scope="module")
def engines() -> Engines:
    return choice.make(ReadingSettings())


@dataclass(eq=False)
class Playback:
    """A source whose time passes only while it is read: the newest frame, or why there is none."""

    frames: list[tuple[float, Frame | None]]
    stop: threading.Event
    now: float = 0.0
    each: Callable[[], None] = lambda: None

    def open(self) -> None:
        """Opens unless the cable is out."""
        if self.frames and self.frames[0][1] is None:
            self._skip()
            raise NoPicture(words.NO_SIGNAL)

    def read(self, timeout_s: float) -> Frame | None:
        """The next one."""
        self.each()
        self._skip()
        if not self.frames:
            self.stop.set()
            return None
        self.now, frame = self.frames.pop(0)
        if frame is None:
            raise NoPicture(words.NO_SIGNAL)
        return frame

    def close(self) -> None:
        """Nothing is held."""

    def clock(self) -> float:
        """Seconds of the stream."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    def _skip(self) -> None:
        while len(self.frames) > 1 and self.frames[0][0] < self.now:
            self.frames.pop(0)


class Killed(BaseException):
    """Nothing after it is done. What a real kill leaves is the matter of test_handover."""


@dataclass(eq=False)
class Site:
    """One screen of one box."""

    folder: Path
    engines: Engines
    told: list[window.Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder / "spool", SpoolSettings(min_free_mb=1))
        self.library = Library(self.folder / "screens")
        self.live = self.folder / "screens" / "live" / "dr1"

    def teach(self) -> None:
        saved = self.library.save(DR.template(), ())
        self.library.activate("dr1", saved.id, saved.version)

    def play(
        self, stream: Stream, capture: Capture = "q95", at: Callable[[str], None] = lambda step: None
    ) -> list[Shot]:
        """Watch the whole stream in a process of its own, so to speak; all shots of the spool."""
        stop = threading.Event()
        played = Playback(list(stream.frames(capture)), stop, each=self._note)
        source = ScreenSource(
            "dr1", self.folder / "screens", lambda: played, self.engines,
            clock=played.clock, sleep=played.sleep, at=at,
        )  # fmt: skip
        with suppress(Killed):
            source.run(self.spool, stop)
        return self.shots()

    def shots(self) -> list[Shot]:
        arrivals = self.spool.pending()
        assert {(one.kind, one.source) for one in arrivals} <= {("frame", "dr1")}
        once = {one.digest: one for one in arrivals}  # the same bytes again are the same case: intake's tests
        return [parse(self.spool.path(one).read_bytes()) for one in once.values()]

    def states(self) -> list[State]:
        """One after the other, as they changed."""
        said = [one.state for one in self.told]
        return [state for k, state in enumerate(said) if k == 0 or said[k - 1] is not state]

    def _note(self) -> None:
        told = window.seen(self.live)
        if told is not None:
            self.told.append(told)


@pytest.fixture
def site(tmp_path: Path, engines: Engines) -> Iterator[Site]:
    made = Site(tmp_path, engines)
    made.teach()
    yield made


def _rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_an_exposure_is_one_image_and_its_final_version(site: Site) -> None:
    stream = exposure(_rng())
    with capture_logs() as logged:
        first, second = site.play(stream, "q70")
    assert (first.told.event, second.told.event) == ("new", "update")
    assert first.told.image == second.told.image
    assert first.told.state is State.OK
    read = {one.keyword: one.text for one in second.told.readings if one.state == "accepted"}
    assert read == DR.values | {"InstanceNumber": "102"}
    assert stream.image is not None
    shown = picture(second.frames[0])[DR.image.rows, DR.image.columns, 0]
    assert np.abs(shown.astype(int) - stream.image).mean() < 6
    assert site.told[-1].events == {"seen": 1, "new": 1, "update": 1}
    assert site.told[-1].template == "drawn-dx@1"
    assert not any(DR.values["PatientID"] in str(line) or "ZHAO" in str(line) for line in logged)


def test_a_process_that_was_killed_knows_what_it_had_handed_over(site: Site) -> None:
    """Killed in the milliseconds between the spool and its memory, with its second shot."""
    steps: list[str] = []

    def at(step: str) -> None:
        steps.append(step)
        if steps.count("screen.handed_over") == 2:
            raise Killed

    stream = exposure(_rng())
    assert len(site.play(stream, at=at)) == 2
    assert steps == 2 * ["screen.written", "screen.remembered", "screen.handed_over"]
    again = Stream(DR, _rng(6), time=stream.time, image=stream.image, values=stream.values)
    again.hold(1.5, 2)
    assert len(site.play(again)) == 2
    missed = Stream(DR, _rng(7), time=again.time)
    missed.show(screens.film(77), InstanceNumber="103")  # exposed while nobody watched
    missed.hold(1.5, 2)
    shots = site.play(missed)
    assert [shot.told.event for shot in shots] == ["new", "update", "new"]


def test_a_screen_that_was_not_taught_is_not_read(site: Site) -> None:
    stream = Stream(DR, _rng())
    stream.elsewhere(1, 1.5, DR.other_screen)
    stream.elsewhere(1, 1.5, lambda: np.full((600, 800, 3), 90, np.uint8))
    assert site.play(stream) == []
    assert set(site.states()) <= {State.STARTING, State.UNKNOWN_SCREEN, State.UNSUPPORTED}
    assert State.UNKNOWN_SCREEN in site.states()


def test_nothing_is_read_before_anything_was_taught(tmp_path: Path, engines: Engines) -> None:
    site = Site(tmp_path, engines)
    assert site.play(exposure(_rng())) == []
    assert site.told[-1].reason == words.NOT_TAUGHT.reason


def test_the_cable_comes_out_and_back(site: Site) -> None:
    stream = exposure(_rng())
    stream.elsewhere(1, 1.5, None)
    stream.hold(2, 2.5)
    assert [shot.told.event for shot in site.play(stream)] == ["new", "update"]
    states = site.states()
    assert states[-2:] == [State.NO_SIGNAL, State.OK]


@pytest.mark.parametrize("capture", ["limited", "interlaced"])
def test_a_damaged_picture_is_a_capture_fault(site: Site, capture: Capture) -> None:
    shots = site.play(exposure(_rng()), capture)
    assert shots and {shot.told.state for shot in shots} == {State.CAPTURE_FAULT}
    assert site.states()[-1] is State.CAPTURE_FAULT


def test_what_was_not_handed_over_is_not_remembered(site: Site) -> None:
    """A full disk, and the process dies before there is room: the image that is still shown is taken anew."""
    stream = exposure(_rng())
    assert len(site.play(stream)) == 2
    site.spool.settings, enough = SpoolSettings(min_free_mb=1 << 30), site.spool.settings
    missed = Stream(DR, _rng(7), time=stream.time)
    missed.show(screens.film(77), InstanceNumber="103")
    missed.hold(1.5, 2)
    assert len(site.play(missed)) == 2
    assert site.told[-1].reason == words.NO_ROOM.reason
    site.spool.settings = enough
    again = Stream(DR, _rng(8), time=missed.time, image=missed.image, values=missed.values)
    again.hold(1.5, 2)
    assert [shot.told.event for shot in site.play(again)] == ["new", "update", "new"]


def test_the_disk_has_room_again(tmp_path: Path) -> None:
    spool, now = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1 << 30)), [0.0]
    handover = Handover(spool, "dr1", tmp_path / "letters", lambda due: None, clock=lambda: now[0])
    for k in range(MOST_WAITING + 1):
        handover.put("dx", b"%d" % k)
    assert len(handover) == MOST_WAITING
    spool.settings = SpoolSettings(min_free_mb=1)
    handover.push()
    assert len(handover) == MOST_WAITING, "it is not tried without a pause"
    now[0] += 5
    handover.push()
    assert len(handover) == 0
    kept = [spool.path(one).read_bytes() for one in spool.pending()]
    assert sorted(kept) == [b"%d" % k for k in range(1, MOST_WAITING + 1)]
