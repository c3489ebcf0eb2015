"""Typing where it is seen: a caret must blink in the field before the first key, and each piece must appear.

A caret is the only sign of the keyboard's focus that nearly every field of every toolkit has. What blinks is
remembered, so that it is not mistaken for a character.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from capture.screen.template import Box
from edge.hands import stops
from edge.hands.ports import Bgr, Eyes, Hand

_PIECE = 6
"""Characters between two looks."""
_CARET_S = 4.0
"""Windows lets a caret blink with 1.2 s each way, and a capture may show only two pictures a second."""
_WATCH_S = 1.3
"""Watched at least so long, that all of a common caret's blinking is known."""
_BETWEEN_S = 0.1
_CONTRAST = 40
"""Grey levels by which a pixel changes when a character or a caret comes."""
_LEAST_PIXELS = 6


class Typist:
    """Types one text into one field."""

    def __init__(
        self, eyes: Eyes, hand: Hand, pause: Callable[[float], None], stands: Callable[[Bgr], bool]
    ) -> None:
        """``stands``: whether the window around the field is still as it was."""
        self._eyes = eyes
        self._hand = hand
        self._pause = pause
        self._stands = stands

    def type(self, number: int, text: str, box: Box, seconds: float, *, caret: bool) -> None:
        """``caret``: it must blink; else the step's patches are what shows the focus.

        Raises:
            SetAside: no caret, the window changed, or a piece did not appear; how far it came is in the text.
        """
        low, high = self._watch(number, box, caret=caret)
        typed = 0
        for piece in _pieces(text):
            if not self._stands(self._eyes.look()):
                raise stops.interrupted(number, typed, len(text)) if typed else stops.not_seen(number, 0)
            self._hand.type(piece)
            typed += len(piece)
            low, high = self._appeared(number, box, low, high, seconds, (typed, len(text)), blank=piece.isspace())

    def _watch(self, number: int, box: Box, *, caret: bool) -> tuple[Bgr, Bgr]:
        """Darkest and brightest of every pixel of the field, over the blinking of the caret.

        Returns right after the caret went or came back: until then the field surely has the keyboard.
        """
        started = time.monotonic()
        low = high = before = self._crop(box)
        seen = [before]
        while True:
            self._pause(_BETWEEN_S)
            now = self._crop(box)
            low, high = np.minimum(low, now), np.maximum(high, now)
            passed = time.monotonic() - started
            # There and back again: a field or a dialog that only appears does not blink.
            blinked = not _alike(now, before) and any(_alike(now, earlier) for earlier in seen)
            if passed >= _WATCH_S and (blinked or not caret):
                return low, high
            if passed >= _CARET_S:
                raise stops.no_focus(number)
            if not _alike(now, before):
                seen.append(now)
            before = now

    def _appeared(
        self,
        number: int,
        box: Box,
        low: Bgr,
        high: Bgr,
        seconds: float,
        progress: tuple[int, int],
        *,
        blank: bool,
    ) -> tuple[Bgr, Bgr]:
        until = time.monotonic() + seconds
        while True:
            now = self._crop(box)
            if blank or _changed(now, low, high) >= _LEAST_PIXELS:
                return np.minimum(low, now), np.maximum(high, now)
            if time.monotonic() >= until:
                raise stops.no_echo(number, *progress)
            self._pause(_BETWEEN_S)

    def _crop(self, box: Box) -> Bgr:
        return self._eyes.look()[box.rows, box.columns].copy()


def _pieces(text: str) -> list[str]:
    """The first character alone, then a few at a time."""
    return [text[:1], *(text[at : at + _PIECE] for at in range(1, len(text), _PIECE))]


def _alike(one: Bgr, other: Bgr) -> bool:
    return _changed(one, other, other) < _LEAST_PIXELS


def _changed(now: Bgr, low: Bgr, high: Bgr) -> int:
    """Pixels outside of what was seen before."""
    over = np.maximum(cv2.subtract(now, high), cv2.subtract(low, now))
    return int(np.count_nonzero(over.max(axis=2) >= _CONTRAST))
