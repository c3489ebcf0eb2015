"""A folder of pictures as a screen: each in its turn by name, the last one stays until another comes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np

from capture.screen import words
from capture.screen.frame import Frame
from capture.screen.pixels import whole
from capture.screen.signal import NoPicture

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}
_MOST_BYTES = 64 << 20
_STILL_S = 2.0


class FolderOfPictures:
    """See :class:`~capture.screen.frame.FrameSource`. JPEG files are handed on as they are."""

    def __init__(
        self,
        folder: Path,
        *,
        fps: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._folder, self._period, self._clock, self._sleep = folder, 1 / fps, clock, sleep
        self._shown = ""
        self._frame: Frame | None = None
        self._due = float("-inf")

    def open(self) -> None:
        """See :class:`FrameSource`. Raises NoPicture when the folder is not there."""
        if not self._folder.is_dir():
            raise NoPicture(words.NO_FILE)

    def read(self, timeout_s: float) -> Frame | None:
        """See :class:`FrameSource`. What cannot be read as a picture is passed over."""
        wait = self._due - self._clock()
        if wait > 0:
            self._sleep(min(wait, timeout_s))
            if wait > timeout_s:
                return None
        self._due = max(self._due, self._clock() - self._period) + self._period
        following = self._following()
        if following is not None:
            frame = _frame(following)
            if frame is not None or _settled(following):
                self._shown = following.name
                self._frame = frame or self._frame
        if self._frame is None:
            return None
        seen = self._frame
        return Frame(seen.data, seen.format, seen.width, seen.height, self._clock())

    def close(self) -> None:
        """See :class:`FrameSource`."""

    def _following(self) -> Path | None:
        try:
            there = [path for path in self._folder.iterdir() if path.suffix.lower() in _SUFFIXES]
        except OSError:
            raise NoPicture(words.NO_FILE) from None
        later = [path for path in there if path.name > self._shown]
        return min(later, key=lambda path: path.name, default=None)


def _settled(path: Path) -> bool:
    """Whether nobody is still writing it."""
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _STILL_S
    return True


def _frame(path: Path) -> Frame | None:
    try:
        if path.stat().st_size > _MOST_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if decoded is None:
        return None
    height, width = decoded.shape[:2]
    if whole(content, "mjpeg", width, height):
        return Frame(content, "mjpeg", width, height, 0.0)
    return Frame(decoded.tobytes(), "bgr24", width, height, 0.0)
