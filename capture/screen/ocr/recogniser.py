"""Recogniser: a PP-OCR line reader (CTC), with the characters a field may hold as a mask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.ocr import models
from capture.screen.ocr.engine import Bgr, Reading
from capture.screen.ocr.session import Array, Session
from capture.screen.ocr.trim import trim

_ROWS = 48
"""Height the networks were trained at."""
_WIDEST = 1600
"""Columns at most after scaling: a box can be as wide as the screen, and time grows with it."""
_BATCH = 12
_THREADS = 2
"""Lines read at a time: somebody waits for the image, and nothing else can be done of it. Each run of the network
stays on one thread: they need not wait for each other."""
_BLANK = 0
"""Class of CTC's "nothing here"."""


class Recogniser:
    """An :class:`~capture.screen.ocr.engine.Engine`. Loads its network at the first read."""

    def __init__(
        self, name: str, session: Session, characters: Callable[[], Sequence[str]], batch: int = 1
    ) -> None:
        """``characters``: of the classes after the blank, in order; the networks have a space after the last."""
        self.name = name
        self._session = session
        self._listed = characters
        self._batch = batch

    def read(self, crops: Sequence[Bgr], alphabets: Sequence[str]) -> list[Reading]:
        """See :class:`~capture.screen.ocr.engine.Engine`."""
        readings = [Reading("", ())] * len(crops)
        prepared = {k: _prepare(trim(crop)) for k, crop in enumerate(crops) if crop.size}

        def run(chosen: list[int]) -> list[Reading]:
            found = self._session.run(_stack([prepared[k] for k in chosen]))
            return [self._decode(likely, alphabets[k]) for k, likely in zip(chosen, found, strict=True)]

        batches = _batches(prepared, self._batch)
        for chosen, read in zip(batches, self._threads.map(run, batches), strict=True):
            for k, one in zip(chosen, read, strict=True):
                readings[k] = one
        return readings

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_THREADS, "ocr")

    @cached_property
    def _characters(self) -> tuple[str, ...]:
        return ("", *self._listed(), " ")

    @cached_property
    def _classes(self) -> dict[str, int]:
        return {character: k for k, character in enumerate(self._characters)}

    def _decode(self, likely: Array, alphabet: str) -> Reading:
        """Best path through ``likely`` (steps, classes), probabilities, among the characters allowed."""
        allowed = self._allowed(alphabet, likely.shape[1])
        best = allowed[likely[:, allowed].argmax(1)]
        scores = likely[np.arange(len(best)), best]
        text: list[str] = []
        kept: list[float] = []
        for step, k in enumerate(best):
            if k == _BLANK:
                continue
            if step and best[step - 1] == k:
                kept[-1] = max(kept[-1], float(scores[step]))
                continue
            text.append(self._characters[k])
            kept.append(float(scores[step]))
        return _stripped(text, kept)

    def _allowed(self, alphabet: str, classes: int) -> NDArray[np.intp]:
        if not alphabet:
            return np.arange(classes)
        wanted = {self._classes[one] for one in alphabet + " " if one in self._classes}
        return np.array(sorted({_BLANK, *wanted}))


def small() -> Recogniser:
    """PP-OCRv6 small: the first reader. A batch gains nothing (measured)."""
    session = Session(models.small_recogniser())
    return Recogniser("ppocr", session, lambda: session.stated("character").split("\n"))


def tiny() -> Recogniser:
    """PP-OCRv6 tiny: the second reader, at a third of the cost; half of that in batches."""
    return Recogniser("ppocr-tiny", Session(models.tiny_recogniser()), models.tiny_characters, _BATCH)


def _prepare(line: Bgr) -> Array:
    """(3, 48, columns), -1 to 1; the network wants BGR."""
    rows, columns = line.shape[:2]
    width = min(max(round(columns * _ROWS / rows), 16), _WIDEST)
    scaled = cv2.resize(line, (width, _ROWS), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(scaled.transpose(2, 0, 1), np.float32) / 127.5 - 1


def _batches(prepared: dict[int, Array], size: int) -> list[list[int]]:
    """Lines of similar width together, so that little is padded."""
    order = sorted(prepared, key=lambda k: prepared[k].shape[2])
    return [order[k : k + size] for k in range(0, len(order), size)]


def _stack(lines: list[Array]) -> Array:
    widest = max(line.shape[2] for line in lines)
    stack = np.zeros((len(lines), 3, _ROWS, widest), np.float32)
    for k, line in enumerate(lines):
        stack[k, :, :, : line.shape[2]] = line
    return stack


def _stripped(text: list[str], scores: list[float]) -> Reading:
    """Without spaces at both ends, which are no reading."""
    while text and text[0] == " ":
        text, scores = text[1:], scores[1:]
    while text and text[-1] == " ":
        text, scores = text[:-1], scores[:-1]
    return Reading("".join(text), tuple(scores))
