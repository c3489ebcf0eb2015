"""A film of known content for tests of training: a torso with two lungs, and their mask."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from models.image.picture import Mask, Picture
from tests.unit.models.image.phantoms import torso


@lru_cache(maxsize=4)
def film(rows: int = 400, columns: int = 360, seed: int = 0) -> Picture:
    """0..1, dense bright, a little noise."""
    shown = 1 - torso(rows, columns, sigma=8, seed=seed) / 4095
    shown.flags.writeable = False
    return np.asarray(shown, np.float32)


def lungs(rows: int = 400, columns: int = 360) -> Mask:
    """Two ellipses, where the torso has its lungs."""
    y, x = np.mgrid[0:rows, 0:columns]
    u, v = (x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5
    sides = [((u - side) / 0.12) ** 2 + ((v + 0.1) / 0.3) ** 2 < 1 for side in (-0.19, 0.19)]
    return np.asarray(sides[0] | sides[1])
