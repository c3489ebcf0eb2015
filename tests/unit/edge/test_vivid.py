"""The acceptance run of screen capture, against a device that answers as vivid does, and as a broken one would."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capture.screen.sources.v4l2 import abi
from capture.screen.sources.v4l2.device import Ready
from edge.vivid import STEPS, accept, find, turn
from tests.unit.capture.screen.video_device import VideoDevice, fault

MENUS = {
    "Brightness": (),
    "Test Pattern": ("75% Colorbar", "100% Black", "16x16 Checkers"),
    "DV Timings Signal Mode": ("Current DV Timings", "No Signal", "No Lock", "Out of Range"),
}
FAULTS = {1: errno.ENOLINK, 2: errno.ENOLCK, 3: errno.ERANGE}


@dataclass(eq=False)
class Vivid(VideoDevice):
    """``deaf``: it sends no event when its signal changes, and goes on with the old picture."""

    deaf: bool = False
    pattern: int = 0

    def wait(self, timeout_s: float) -> Ready:
        if self.streaming and not self.filled:
            self.now += 1 / 30
            self.show(self.picture())
        return VideoDevice.wait(self, timeout_s)

    def picture(self) -> bytes:
        y, x = np.mgrid[0 : self.format.height, 0 : self.format.width]
        grey = (
            np.array([235, 190, 150, 120, 90, 60, 30])[x * 7 // x.shape[1]],
            0 * x,
            (x // 16 + y // 16) % 2 * 219,
        )
        return np.stack([grey[self.pattern] + 16, 0 * x + 128], axis=2).astype(np.uint8).tobytes()

    def queryctrl(self, described: abi.ControlDescription) -> None:
        following = (described.id & ~abi.NEXT_CONTROL) + 1
        if following > len(MENUS):
            raise fault(errno.EINVAL)
        described.id, described.name = following, list(MENUS)[following - 1].encode()

    def querymenu(self, listed: abi.MenuEntry) -> None:
        entries = list(MENUS.values())[listed.id - 1]
        if listed.index >= len(entries):
            raise fault(errno.EINVAL)
        listed.name = entries[listed.index].encode()

    def s_ctrl(self, control: abi.Control) -> None:
        if control.id == 2:
            self.pattern = control.value
        elif not self.deaf:
            self.signal = FAULTS.get(control.value, (160, 120, 0))
            self.events.append(abi.SOURCE_CHANGE)


def vivid(*, deaf: bool = False) -> Vivid:
    modes = (("YUYV", 160, 120, 60.0),)
    return Vivid(modes=modes, timings=True, signal=(160, 120, 0), deaf=deaf)


def run(device: Vivid) -> list[tuple[str, str]]:
    def sleep(seconds: float) -> None:
        device.now += seconds

    checks = accept("/dev/video7", opener=lambda path: device, clock=device.clock, sleep=sleep)
    return [(check.state, check.text.en) for check in checks]


def test_a_card_that_does_all_it_should_is_accepted() -> None:
    assert run(vivid()) == [("ok", step.text.en) for step in STEPS]


def test_a_driver_that_says_nothing_is_not_accepted() -> None:
    said = run(vivid(deaf=True))
    assert [state for state, _ in said] == ["ok", "failed"] and said[-1][1].startswith("cable out")


def test_a_control_that_is_not_there() -> None:
    assert not turn(vivid(), "Test Pattern", "no such pattern") and not turn(vivid(), "Loudness", "x")
    assert turn(vivid(), "Test Pattern", "100% Black")


def test_no_vivid(tmp_path: Path) -> None:
    (one,) = accept(find(tmp_path))
    assert one.state == "failed" and one.hint is not None and "modprobe vivid" in one.hint.en


def test_vivid_is_found_by_its_name(tmp_path: Path) -> None:
    for number, name in ((0, "USB Video"), (3, "vivid-000-vid-cap"), (4, "vivid-000-vid-out")):
        (tmp_path / f"video{number}").mkdir()
        (tmp_path / f"video{number}" / "name").write_text(f"{name}\n")
    assert find(tmp_path) == "/dev/video3"


def test_a_device_that_may_not_be_opened() -> None:
    def opener(path: str) -> Vivid:
        raise fault(errno.EACCES)

    (one,) = accept("/dev/video7", opener=opener)
    assert one.state == "failed"
