"""Canvas: the square picture that every network of a radiograph looks at, and the way back to the film.

One owner for the box and for training: a network sees in the field exactly what it saw when it learnt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.image.picture import Mask, Picture, equalised, shrink


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """A film scaled into a square, its long side filling it, the rest 0.

    ``image``: float32 ``(side, side)``, 0..1, dense anatomy bright (as MONOCHROME2 shows it), histogram equalised
    with a limited slope, so that window, look-up table and exposure hardly matter.
    """

    image: Picture
    width: int
    """Columns of the canvas that the film covers, from the left edge; the rest is padding."""
    height: int
    """Rows, from the top edge."""
    scale: float
    """Film pixels per canvas pixel."""

    @property
    def side(self) -> int:
        return int(self.image.shape[0])

    def fraction(self, points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        """Canvas points (x, y; pixel edges counted from 0) as fractions of the film."""
        return tuple((x / self.width, y / self.height) for x, y in points)


def canvas_of(values: Picture, side: int, *, used: Mask | None = None, inverted: bool = False) -> Canvas:
    """The canvas of a film.

    Args:
        values: float32 ``(rows, columns)``, any scale.
        side: of the square, in pixels.
        used: False where there is padding instead of a picture; same shape as ``values``.
        inverted: high values are dark (MONOCHROME1).
    """
    scale = max(values.shape) / side
    height, width = (max(1, min(side, round(length / scale))) for length in values.shape)
    small = shrink(values, (width, height)) if scale >= 1 else _enlarge(values, (width, height))
    inside = np.ones(small.shape, bool)
    if used is not None:
        inside = cv2.resize(used.astype(np.uint8) * 255, (width, height), interpolation=cv2.INTER_AREA) > 247
    tone = equalised(-small if inverted else small, inside)
    image = np.zeros((side, side), np.float32)
    image[:height, :width] = np.where(inside, tone, 0)
    return Canvas(image, width, height, scale)


def _enlarge(values: Picture, size: tuple[int, int]) -> Picture:
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), np.float32)
