"""What redaction says of a picture: here it is without identity, or it does not leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from capture.text import Bilingual

Bgr = NDArray[np.uint8]
"""(rows, columns, 3)."""


class Area(NamedTuple):
    """A rectangle in pixels; ``right`` and ``bottom`` are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int

    def meets(self, other: Area) -> bool:
        """Whether they have a pixel in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def within(self, other: Area, slack: int = 0) -> bool:
        """Whether all of it lies in ``other``, or at most ``slack`` pixels outside."""
        return (
            self.left >= other.left - slack
            and self.top >= other.top - slack
            and self.right <= other.right + slack
            and self.bottom <= other.bottom + slack
        )

    def grown(self, by: int) -> Area:
        """With a border; may reach over the picture."""
        return Area(self.left - by, self.top - by, self.right + by, self.bottom + by)


@dataclass(frozen=True, slots=True, repr=False)
class Text:
    """A line of text on a picture. ``repr`` shows no text: it may be a name."""

    area: Area
    text: str
    sure: float = 1.0
    """Mean probability of its characters, 0 when none was read."""

    def __repr__(self) -> str:
        return f"Text({self.area})"


Net = Callable[[Bgr], Sequence[Text]]
"""Finds and reads what looks like text: the last guard, never the only one."""


@dataclass(frozen=True, slots=True, eq=False)
class Redacted:
    """A picture that may leave."""

    bgr: Bgr
    covered: tuple[Area, ...]
    """What was blackened, in pixels of ``bgr``: taught, or found."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The picture stays. Never says what was read."""

    code: str
    reason: Bilingual
    hint: Bilingual
