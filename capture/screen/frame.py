"""Frame: one picture of a screen, in whatever form the source gave it, decoded only as far as somebody asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from capture.screen.signal import Signal

PixelFormat = Literal["mjpeg", "yuyv", "nv12", "bgr24", "bgr0"]
"""V4L2's MJPG, YUYV and NV12, and BGR with or without a fourth byte, as ffmpeg names them."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture as it came off the source.

    ``data``: the raw buffer (JPEG bytes, or rows without padding). ``time``: seconds on ``time.monotonic``'s
    clock at which it was captured. Decoding belongs to :mod:`capture.screen.pixels`.
    """

    data: bytes
    format: PixelFormat
    width: int
    height: int
    time: float


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A frame in colour, for reading and showing: ``bgr`` is (rows, columns, 3) uint8, full range."""

    bgr: NDArray[np.uint8]
    time: float


class FrameSource(Protocol):
    """Anything that shows a screen. Used by one thread; never blocks longer than it is told."""

    def open(self) -> None:
        """Begin. Raises :class:`~capture.screen.signal.NoPicture` with the state that explains why it cannot."""

    def read(self, timeout_s: float) -> Frame | None:
        """The newest frame that was not read before (older ones are dropped), or None when none came in time.

        Raises :class:`~capture.screen.signal.NoPicture` when the source says why there is none.
        """

    def close(self) -> None:
        """Let go of the device. Twice is harmless."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a source said last: its signal, and how the picture arrives."""

    signal: Signal
    format: PixelFormat | None = None
    width: int = 0
    height: int = 0
