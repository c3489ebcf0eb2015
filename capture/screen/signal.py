"""The state of a picture source, in the words a field engineer needs: what is wrong and what to try."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from capture.text import Bilingual


class State(StrEnum):
    """Shown on the board and published on change."""

    OK = "ok"
    STARTING = "starting"
    NO_DEVICE = "no_device"
    NO_CABLE = "no_cable"
    NO_SIGNAL = "no_signal"
    UNSUPPORTED = "unsupported"
    STALE = "stale"
    UNKNOWN_SCREEN = "unknown_screen"
    CAPTURE_FAULT = "capture_fault"


@dataclass(frozen=True, slots=True)
class Signal:
    """A state, why, and what to do. ``reason`` and ``hint`` never hold what the screen shows."""

    state: State
    reason: Bilingual
    hint: Bilingual


class NoPicture(Exception):
    """The source has no picture to give, and knows why."""

    def __init__(self, signal: Signal) -> None:
        super().__init__(signal.state.value)
        self.signal = signal
