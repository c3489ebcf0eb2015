"""What passes between a screen's process and the console, and how long it counts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import structlog

from capture.screen import window, words
from capture.screen.frame import Picture, Seen
from capture.screen.signal import State


@dataclass
class Time:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "screens" / "live" / "us1"


def opened(folder: Path, time: Time) -> window.Window:
    return window.Window(folder, clock=time, wall=time)


OK = Seen(words.OK, "yuyv", 1920, 1080)
PICTURE = Picture(np.arange(48 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3), 1.0)


def test_what_is_said_is_heard(folder: Path, time: Time) -> None:
    assert window.seen(folder, wall=time) is None
    opened(folder, time).state(OK, fps=9.96, template="dr@2", events={"new": 3})
    told = window.seen(folder, wall=time)
    assert told is not None and told.state is State.OK and told.fps == 10.0
    assert (told.width, told.height, told.format) == (1920, 1080, "yuyv")
    assert told.template == "dr@2" and told.events == {"new": 3}
    assert folder.stat().st_mode & 0o077 == 0 and (folder / "state.json").stat().st_mode & 0o077 == 0


def test_a_process_that_is_gone_says_nothing(folder: Path, time: Time) -> None:
    opened(folder, time).state(OK)
    time.now += 11
    assert window.seen(folder, wall=time) is None


def test_a_change_is_said_at_once_and_all_else_every_two_seconds(folder: Path, time: Time) -> None:
    process = opened(folder, time)
    process.state(OK)
    began = time.now
    time.now += 1
    process.state(OK)
    first = window.seen(folder, wall=time)
    assert first is not None and first.at == round(began * 1000)
    with structlog.testing.capture_logs() as logs:
        process.state(Seen(words.NO_CABLE))
        process.state(Seen(words.NO_CABLE))
    changed = window.seen(folder, wall=time)
    assert changed is not None and changed.state is State.NO_CABLE and changed.hint == words.NO_CABLE.hint
    assert [(one["event"], one["device"], one["state"]) for one in logs] == [("screen.state", "us1", "no_cable")]
    time.now += 2.5
    process.state(Seen(words.NO_CABLE))
    later = window.seen(folder, wall=time)
    assert later is not None and later.at > changed.at and later.since == changed.since


def test_the_picture_is_only_shown_to_somebody_who_looks(folder: Path, time: Time) -> None:
    process = opened(folder, time)
    assert not process.wanted() and window.live(folder) is None
    window.watch(folder)
    os.utime(folder / "watch", (time.now, time.now))
    assert process.wanted()
    process.show(PICTURE)
    assert not process.wanted(), "at most two a second"
    time.now += 0.6
    assert process.wanted()
    time.now += 5
    assert not process.wanted(), "nobody looks any more"
    live = window.live(folder)
    assert live is not None
    decoded = cv2.imdecode(np.frombuffer(live.png, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None and np.array_equal(decoded, PICTURE.bgr), "lossless"
    assert sorted(path.name for path in folder.iterdir()) == ["live.png", "watch"]


def test_a_process_that_ends_leaves_no_picture_behind(folder: Path, time: Time) -> None:
    process = opened(folder, time)
    process.state(OK)
    process.show(PICTURE)
    process.close()
    assert window.seen(folder, wall=time) is None and window.live(folder) is None


def test_what_a_killed_process_left_is_removed(folder: Path, time: Time) -> None:
    opened(folder, time)
    (folder / ".0a0b.tmp").write_bytes(b"half a picture")
    opened(folder, time)
    assert list(folder.iterdir()) == []


def test_a_full_disk_does_not_end_the_process(folder: Path, time: Time) -> None:
    process = opened(folder, time)
    folder.rmdir()
    process.state(OK)
    process.show(PICTURE)
    process.close()
    window.watch(folder)


def test_a_damaged_state_is_no_state(folder: Path, time: Time) -> None:
    opened(folder, time)
    (folder / "state.json").write_text('{"state": "fine"}')
    assert window.seen(folder, wall=time) is None
