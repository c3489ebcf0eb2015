"""The hand-over of a screen's shots, killed at each of its steps: each image exactly once in effect.

The process is a real one that ends with ``os._exit`` at the named step; what it leaves is what kill -9 leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from capture.screen import memory
from capture.screen.handover import Due, Handover
from capture.screen.memory import Memory
from capture.spool import Spool, SpoolSettings

SHOT = b"the shot of one image" * 100
STEPS = (
    "screen.written", "screen.remembered", "spool.written", "spool.synced", "screen.handed_over",
)  # fmt: skip


class Screen:
    """What a screen's process does with an image that it has not handed over yet, as far as it remembers."""

    def __init__(self, folder: Path, at: Callable[[str], None] = lambda step: None, min_free_mb: int = 1) -> None:
        self.file, self.letters = folder / "memory-dx.npz", folder / "letters"
        self.spool = Spool(folder / "spool", SpoolSettings(min_free_mb=min_free_mb), at=at)
        self.spool.recover()
        content = self.file.read_bytes() if self.file.exists() else b""
        self.memory = memory.load(content, (2, 2)) if content else Memory()
        self.now = 0.0
        self.handover = Handover(self.spool, "dr1", self.letters, self._remember, clock=lambda: self.now, at=at)
        self.handover.resume({"dx": memory.due(content)} if content else {})

    def _remember(self, due: Due) -> None:
        self.memory.due = due.get("dx", ())
        memory.save(self.file, self.memory)

    def show(self, take: int) -> None:
        """The image is on the screen; a noisy card shows it in other bytes each time."""
        self.handover.push()
        if not self.memory.current:
            self.memory.current = "image-1"
            self.memory.add("image-1", np.zeros((2, 2, 2), np.uint8), ("said",))
            self.handover.put("dx", SHOT + b"%d" % take)

    def digests(self) -> set[str]:
        """Of all that waits: equal ones are one case for intake."""
        return {one.digest for one in self.spool.pending()}


def killed(folder: Path, step: str, take: int) -> bool:
    """Run it in a process of its own up to the first of these steps."""

    def at(name: str) -> None:
        if name == step:
            os._exit(9)

    child = os.fork()
    if not child:
        Screen(folder, at).show(take)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process_hands_an_image_over_once_in_effect(tmp_path: Path, step: str) -> None:
    assert killed(tmp_path, step, 1), "the step is there"
    again = Screen(tmp_path)
    again.show(2)
    assert len(again.digests()) == 1
    assert list(again.letters.iterdir()) == []
    once_more = Screen(tmp_path)
    once_more.show(3)
    assert once_more.digests() == again.digests(), "and it is known from then on"


@pytest.mark.parametrize("step", STEPS[1:])
def test_an_image_that_has_left_the_screen_is_not_lost(tmp_path: Path, step: str) -> None:
    assert killed(tmp_path, step, 1)
    again = Screen(tmp_path)
    again.handover.push()
    assert len(again.digests()) == 1


@pytest.mark.parametrize("step", STEPS)
def test_killed_twice_at_the_same_place(tmp_path: Path, step: str) -> None:
    assert killed(tmp_path, step, 1)
    killed(tmp_path, step, 2)
    again = Screen(tmp_path)
    again.show(3)
    assert len(again.digests()) == 1


def test_what_waits_for_room_is_neither_remembered_nor_written(tmp_path: Path) -> None:
    full = Screen(tmp_path, min_free_mb=1 << 30)
    full.show(1)
    assert len(full.handover) == 1 and not full.file.exists() and list(full.letters.iterdir()) == []
    full.spool.settings = SpoolSettings(min_free_mb=1)
    full.now += 5
    full.handover.push()
    assert len(full.digests()) == 1 and memory.load(full.file.read_bytes(), (2, 2)).current == "image-1"


def test_a_letter_that_waits_for_room_after_a_crash_stays_due(tmp_path: Path) -> None:
    assert killed(tmp_path, "screen.remembered", 1)
    full = Screen(tmp_path, min_free_mb=1 << 30)
    full.show(2)
    assert len(full.handover) == 1, "held"
    assert killed(tmp_path, "spool.written", 3)
    again = Screen(tmp_path)
    again.show(4)
    assert len(again.digests()) == 1


def test_a_folder_that_cannot_be_written_loses_no_image(tmp_path: Path) -> None:
    one = Screen(tmp_path)
    one.letters.rmdir()
    one.letters.write_text("no folder")
    one.show(1)
    assert len(one.digests()) == 1


def test_a_damaged_memory_has_nothing_due() -> None:
    assert memory.due(b"no memory") == ()
    one = Memory()
    one.due = ("0" * 32,)
    assert memory.due(one.dump()) == one.due
