"""``qcbox screen`` as a real process that is killed again and again: each exposure reaches the spool, and once."""

from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from capture.screen import window
from capture.screen.library import Library
from capture.screen.shot import Shot, parse
from capture.spool import Spool
from tests import screens
from tests.peers import Child, python, wait_until
from tests.screens import DR

pytestmark = pytest.mark.slow
_PATIENCE_S = 120.0


class Room:
    """A console whose pictures lie in a folder, and the process that watches it."""

    def __init__(self, folder: Path) -> None:
        self.pictures, self.data = folder / "pictures", folder / "box"
        self.pictures.mkdir()
        config = folder / "qcbox.toml"
        config.write_text(
            f'version = 1\ndata_dir = "{self.data}"\n[spool]\nmin_free_mb = 1\n'
            f'[[screens]]\nname = "dr1"\nkind = "files"\naddress = "{self.pictures}"\n'
        )
        library = Library(self.data / "screens")
        saved = library.save(DR.template(), ())
        library.activate("dr1", saved.id, saved.version)
        self.child: Child = python("-m", "edge", "screen", "dr1", "--config", str(config), log=folder / "log")

    def show(self, number: int) -> None:
        """The image of that number appears."""
        screen = DR.draw(screens.film(number), {"InstanceNumber": str(number)}, clock=f"12:00:{number % 60:02}")
        written = self.pictures / f".{number}"
        written.write_bytes(cv2.imencode(".png", screen, (cv2.IMWRITE_PNG_COMPRESSION, 1))[1].tobytes())
        written.replace(self.pictures / f"{number:04}.png")

    def shots(self) -> list[Shot]:
        spool = Spool(self.data / "spool")
        return [parse(spool.path(one).read_bytes()) for one in spool.pending()]

    def numbers(self) -> list[str]:
        """Of the images that were exposed, as they were read."""
        return [
            one.text
            for shot in self.shots()
            for one in shot.told.readings
            if shot.told.event == "new" and one.keyword == "InstanceNumber" and one.state == "accepted"
        ]

    def wait_for_event(self, kind: str) -> None:
        def happened() -> bool:
            told = window.seen(self.data / "screens" / "live" / "dr1")
            return told is not None and told.events is not None and kind in told.events

        wait_until(lambda: happened() or not self.child.alive, kind, _PATIENCE_S)
        assert self.child.alive, self.child.text()[-800:]

    def begin(self) -> None:
        """A new life; the one before may have left its last state."""
        (self.data / "screens" / "live" / "dr1" / "state.json").unlink(missing_ok=True)
        self.child.start()


def test_killed_at_any_time(tmp_path: Path) -> None:
    room = Room(tmp_path)
    room.show(101)
    room.begin()
    try:
        room.wait_for_event("seen")
        room.show(102)
        wait_until(lambda: room.numbers() == ["102"], "the first exposure", _PATIENCE_S)
        wait_until(lambda: any((room.data / "screens").rglob("memory-*.npz")), "it is remembered", _PATIENCE_S)
        room.child.kill()
        room.begin()
        room.wait_for_event("seen")
        assert room.numbers() == ["102"], "what was handed over is not handed over again"
        room.child.kill()
        room.show(103)
        room.begin()
        wait_until(lambda: room.numbers() == ["102", "103"], "exposed while nobody watched", _PATIENCE_S)
    finally:
        room.child.kill()
    assert "ZHAO" not in room.child.text() and DR.values["PatientID"] not in room.child.text()
