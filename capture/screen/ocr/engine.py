"""What the rest of the room asks of an OCR engine. Nothing here knows which one it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capture.screen.template import Box

Bgr = NDArray[np.uint8]
"""(rows, columns, 3) uint8."""


@dataclass(frozen=True, slots=True, repr=False)
class Reading:
    """One line of text as an engine read it. ``repr`` shows no text: it may be a name."""

    text: str
    scores: tuple[float, ...]
    """Probability of each character of ``text``, 0 to 1."""

    @property
    def confidence(self) -> float:
        """Lowest probability of a character, spaces apart; 0 when nothing was read."""
        return self.least(lambda character: character != " ", 0.0)

    def least(self, of: Callable[[str], bool], none: float = 1.0) -> float:
        """Lowest probability of the characters for which ``of`` holds; ``none`` when there are none."""
        kept = (score for one, score in zip(self.text, self.scores, strict=True) if of(one))
        return min(kept, default=none)

    def __repr__(self) -> str:
        return f"Reading({len(self.text)} characters, {self.confidence:.2f})"


class Engine(Protocol):
    """Reads lines. Made once, used by one thread."""

    @property
    def name(self) -> str:
        """As the configuration calls it."""

    def read(self, crops: Sequence[Bgr], alphabets: Sequence[str]) -> list[Reading]:
        """One reading for each crop, a field's box as taught: one line of text and what lies around it.

        ``alphabets``: for each crop the characters that may occur, "" for any; the engine chooses the best among
        these. An empty crop, or one without text, gives an empty reading.
        """


@dataclass(frozen=True, slots=True)
class TextBox:
    """Where a line of text lies, in pixels of the picture, and how sure the finder is (0 to 1)."""

    box: Box
    score: float


class Finder(Protocol):
    """Finds lines of text in a whole picture."""

    def find(self, bgr: Bgr) -> tuple[TextBox, ...]:
        """All lines, from top to bottom and left to right."""


@dataclass(frozen=True, slots=True)
class Engines:
    """The readers that one process holds. ``second`` checks ``first``; both read every field."""

    first: Engine
    second: Engine
    finder: Finder
