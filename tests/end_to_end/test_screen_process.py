"""``qcbox screen`` as a process, on a bad day: killed, another resolution, a feed that is gone, a full disk."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.screen import window
from capture.screen.library import Library
from capture.screen.shot import Shot, parse
from capture.screen.signal import State
from capture.spool import Spool
from tests.screens import DR, Bgr, film

PATIENCE_S = 120.0


@dataclass(eq=False)
class Box:
    """A box with one screen, whose console is a folder that pictures are put into."""

    folder: Path
    put: int = 0
    began: int = 0

    def __post_init__(self) -> None:
        self.pictures, self.screens = self.folder / "console", self.folder / "data" / "screens"
        self.pictures.mkdir(parents=True)
        self.live = self.screens / "live" / "dr1"
        self.spool = Spool(self.folder / "data" / "spool")
        self.config = self.folder / "qcbox.toml"
        self.configure(min_free_mb=1)
        library = Library(self.screens)
        taught = library.save(DR.template(), ())
        library.activate("dr1", taught.id, taught.version)

    def configure(self, min_free_mb: int) -> None:
        self.config.write_text(
            f'version = 1\ndata_dir = "{self.folder}/data"\n[spool]\nmin_free_mb = {min_free_mb}\n'
            f'[[screens]]\nname = "dr1"\nkind = "files"\naddress = "{self.pictures}"\n'
        )

    def show(self, picture: Bgr) -> None:
        """The console shows this from now on."""
        self.put += 1
        written = self.pictures / "next.tmp"
        written.write_bytes(cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())
        written.rename(self.pictures / f"{self.put:04}.png")

    def expose(self, number: int) -> None:
        self.show(DR.draw(film(number), {"InstanceNumber": str(number)}))

    def shots(self) -> list[Shot]:
        return [parse(self.spool.path(one).read_bytes()) for one in self.spool.pending()]

    def numbers(self) -> list[str]:
        """Image number of each shot, as it was read and accepted."""
        return [
            one.text
            for shot in self.shots()
            for one in shot.told.readings
            if one.keyword == "InstanceNumber" and one.state == "accepted"
        ]

    def events(self) -> Mapping[str, int] | None:
        """What its process has seen so far."""
        told = window.seen(self.live)
        return told.events if told else None

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "edge", "screen", *arguments, "--config", str(self.config)]

    @contextmanager
    def watching(self) -> Iterator[subprocess.Popen[bytes]]:
        """The process; killed, not asked, unless it has ended by itself."""
        self.began = round(time.time() * 1000)
        log = (self.folder / "log").open("ab")
        with log, subprocess.Popen(self.command("dr1"), stderr=log, stdout=log) as process:
            try:
                yield process
            finally:
                process.kill()

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < end, f"never: {what}; {window.seen(self.live)}"
            time.sleep(0.1)

    def until_state(self, state: State, process: subprocess.Popen[bytes]) -> None:
        """And the process is there to say so, not only its last word."""

        def holds() -> bool:
            assert process.poll() is None, (self.folder / "log").read_text()[-2000:]
            told = window.seen(self.live)
            return told is not None and told.state is state and told.at >= self.began

        self.until(state, holds)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path)


@pytest.mark.slow
def test_a_bad_day(box: Box) -> None:
    """Whatever happens, each image is taken once and read right, and the state says what is wrong."""
    box.expose(100)
    with box.watching() as process:
        # What is at rest first counts as old; the next image must not come before that has been looked at.
        box.until("the old image", lambda: box.events() == {"seen": 1})
        box.until_state(State.OK, process)
        box.expose(101)
        box.until("the first image", lambda: box.numbers() == ["101"])
        # Kept: the process has told its memory of the image, so that the next one knows it.
        box.until("memory", lambda: any(box.live.glob("memory-*")))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert window.seen(box.live) is not None, "said a moment ago; nobody took it back"

    with box.watching() as process:
        box.until_state(State.OK, process)
        box.show(np.full((600, 800, 3), 90, np.uint8) + np.arange(800, dtype=np.uint8)[None, :, None] // 8)
        box.until_state(State.UNSUPPORTED, process)
        told = window.seen(box.live)
        assert told is not None and "800 x 600" in told.reason.en and told.template == ""
        box.show(DR.other_screen())
        box.until_state(State.UNKNOWN_SCREEN, process)
        box.expose(102)
        box.until("the second image", lambda: box.numbers() == ["101", "102"])
        away = box.pictures.rename(box.folder / "unplugged")
        box.until_state(State.NO_DEVICE, process)
        away.rename(box.pictures)
        box.until_state(State.OK, process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert window.seen(box.live) is None and window.live(box.live) is None, "it ended in order"

    box.configure(min_free_mb=1 << 40)
    with box.watching() as process:
        box.until_state(State.OK, process)
        box.expose(103)
        box.until("held", lambda: b"screen.held" in (box.folder / "log").read_bytes())
    assert box.numbers() == ["101", "102"], "not taken, and not half taken"
    box.configure(min_free_mb=1)
    with box.watching():
        box.until("the third image", lambda: box.numbers() == ["101", "102", "103"])
    assert {shot.told.event for shot in box.shots()} == {"new"}
    logged = (box.folder / "log").read_text()
    assert "screen.state" in logged and DR.values["PatientID"] not in logged and "ZHAO" not in logged
    assert str(box.pictures) not in logged
