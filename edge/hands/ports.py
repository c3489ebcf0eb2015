"""What a runner needs of the far end: eyes to see its screen, a hand for its keyboard and pointer."""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Bgr = NDArray[np.uint8]
"""(rows, columns, 3)."""
Button = Literal["left", "middle", "right"]


class Eyes(Protocol):
    """Sees the screen that the hand works on."""

    def look(self) -> Bgr:
        """The screen as it is now: never a picture from before the call.

        Raises:
            Retry: ``hands.blind``: there is no picture.
        """


class Hand(Protocol):
    """Moves a pointer and presses keys. Each call has happened at the far end's door when it returns.

    Raises of all but ``can_type``: Retry ``hands.lost``: the way to the far end is gone.
    """

    def can_type(self, text: str) -> bool:
        """Whether every character of it can be typed this way."""

    def point(self, x: int, y: int, size: tuple[int, int]) -> None:
        """Move the pointer to a pixel of a screen of ``size`` (width, height)."""

    def click(self, x: int, y: int, size: tuple[int, int], button: Button, times: int) -> None:
        """Point there, then click."""

    def press(self, keys: tuple[str, ...]) -> None:
        """Keys held down together, by their names in :mod:`edge.hands.keys`; then all let go."""

    def type(self, text: str) -> None:
        """Characters, one after the other."""

    def close(self) -> None:
        """Let go of everything. Twice is harmless."""


def aside(hand: Hand, size: tuple[int, int]) -> None:
    """Put the pointer where it hides nothing: captures show it, and its arrow would lie over a patch or a text.

    The middle of the right edge: an arrow is drawn right of its point, and corners open things on many desktops.
    """
    hand.point(size[0] - 1, size[1] // 2, size)
