"""The film turned, mirrored, inverted."""

from __future__ import annotations

import numpy as np

from models.image.picture import Picture


def turn(film: Picture, quarters: int) -> Picture:
    """Turned clockwise by so many quarters."""
    return np.ascontiguousarray(np.rot90(film, -quarters))


def mirror(film: Picture) -> Picture:
    """Left and right exchanged."""
    return np.ascontiguousarray(film[:, ::-1])


def invert(film: Picture) -> Picture:
    """Black for white."""
    return np.asarray(1 - film, np.float32)
