"""Acceptance of screen capture in the field: the kernel's ``vivid`` plays an HDMI card with every fault in turn.

It shows that this machine's kernel and our own ioctl layer understand each other; no console is needed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from capture.screen.signal import State
from capture.screen.sources.v4l2 import V4L2Source, abi
from capture.screen.sources.v4l2.device import Device, Opener, RealDevice
from capture.screen.watchdog import Watched
from capture.text import Bilingual
from edge.check import Check

_PATIENCE_S = 30.0
_WAIT_S = 0.25
_MOST_ENTRIES = 64
LOAD = "sudo modprobe vivid n_devs=1 num_inputs=1 input_types=3"
"""Type 3 is HDMI."""
_SIGNAL, _PATTERN = "DV Timings Signal Mode", "Test Pattern"
_ABSENT = (State.NO_CABLE, State.NO_SIGNAL)


@dataclass(frozen=True, slots=True)
class Step:
    """A control of vivid is put on an entry; then one of these states must be said."""

    text: Bilingual
    control: str
    entry: str
    states: tuple[State, ...]


STEPS = (
    Step(Bilingual("有画面", "a picture"), _PATTERN, "16x16 Checkers", (State.OK,)),
    Step(Bilingual("线拔出", "cable out"), _SIGNAL, "No Signal", _ABSENT),
    Step(Bilingual("信号恢复", "signal back"), _SIGNAL, "Current DV Timings", (State.OK,)),
    Step(Bilingual("无法锁定", "no lock"), _SIGNAL, "No Lock", (State.NO_SIGNAL,)),
    Step(Bilingual("超出范围", "out of range"), _SIGNAL, "Out of Range", (State.UNSUPPORTED,)),
    Step(Bilingual("信号恢复", "signal back"), _SIGNAL, "Current DV Timings", (State.OK,)),
    Step(Bilingual("黑屏", "black picture"), _PATTERN, "100% Black", (State.NO_SIGNAL,)),
    Step(Bilingual("彩条", "colour bars"), _PATTERN, "75% Colorbar", (State.NO_SIGNAL,)),
    Step(Bilingual("画面恢复", "picture back"), _PATTERN, "16x16 Checkers", (State.OK,)),
)


def find(sysfs: Path = Path("/sys/class/video4linux")) -> str | None:
    """The device file of vivid's capture side."""
    for name in sorted(sysfs.glob("video*/name")):
        if name.read_text(encoding="ascii", errors="replace").strip().endswith("-vid-cap"):
            return f"/dev/{name.parent.name}"
    return None


def accept(
    path: str | None,
    *,
    opener: Opener = RealDevice,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Check]:
    """One check for each step; the first that fails is the last."""
    try:
        knobs = opener(path) if path else None
    except OSError:
        knobs = None
    if path is None or knobs is None:
        text = Bilingual("找不到 vivid 虚拟采集卡", "The virtual capture card vivid is not there")
        yield Check("vivid", "failed", text, Bilingual(LOAD, LOAD))
        return
    watched = Watched(lambda: V4L2Source(path, fps=10, opener=opener, clock=clock), clock=clock, sleep=sleep)
    try:
        for step in STEPS:
            found = _try(step, knobs, watched, clock)
            yield found
            if found.state != "ok":
                return
    finally:
        watched.close()
        knobs.close()


def _try(step: Step, knobs: Device, watched: Watched, clock: Callable[[], float]) -> Check:
    if not turn(knobs, step.control, step.entry):
        text = Bilingual(f"vivid 没有 {step.control}", f"vivid has no {step.control}")
        return Check("vivid", "failed", text, Bilingual(LOAD, LOAD))
    end = clock() + _PATIENCE_S
    while (seen := watched.next(_WAIT_S)[0]).signal.state not in step.states:
        if clock() >= end:
            said = seen.signal.reason
            text = Bilingual(f"{step.text.zh}:显示为 {said.zh}", f"{step.text.en}: it said {said.en}")
            hint = Bilingual(
                "把本命令的输出和内核版本报给我们", "Send us what this command says, and the kernel's version"
            )
            return Check("vivid", "failed", text, hint)
    return Check("vivid", "ok", step.text)


def turn(device: Device, control: str, entry: str) -> bool:
    """Put a menu control, named as the driver names it, on an entry; False when there is none such."""
    described = abi.ControlDescription(id=abi.NEXT_CONTROL)
    while True:
        try:
            device.ioctl(abi.QUERYCTRL, described)
        except OSError:
            return False
        if described.name.decode("ascii", "replace") == control:
            break
        described.id |= abi.NEXT_CONTROL
    for index in range(_MOST_ENTRIES):
        listed = abi.MenuEntry(id=described.id, index=index)
        try:
            device.ioctl(abi.QUERYMENU, listed)
        except OSError:  # a menu may have gaps
            continue
        if listed.name.decode("ascii", "replace") == entry:
            device.ioctl(abi.S_CTRL, abi.Control(id=described.id, value=index))
            return True
    return False
