"""A trunk that turns about its long axis, as far as a flat film can show it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.image.picture import Mask, Picture

_PER_DEGREE = 0.0086
"""Shift of the medial clavicle ends against the spinous processes, as a share of the lungs' width, per degree:
2.4 mm of 280 mm (image-qc.md 9.2: cone beam, 1.8 m, 130 mm between the two)."""
_BEHIND = 0.35
"""How far the spine moves against the chest's walls, as a part of that."""
_CLAVICLES = 0.16
"""Their level below the apices, as a share of the lungs' height."""


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    """Where each pixel of the new film comes from; for the film and everything drawn on it alike."""

    x: Picture
    y: Picture

    def of_film(self, film: Picture) -> Picture:
        moved = cv2.remap(film, self.x, self.y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip(moved, 0, 1), np.float32)

    def of_mask(self, mask: Mask) -> Mask:
        moved = cv2.remap(
            mask.astype(np.uint8), self.x, self.y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(moved > 0)


def rotate_trunk(lungs: Mask, degrees: float) -> Warp:
    """A warp like a turn by ``degrees`` (positive: the front moves to the right of the picture).

    The clavicle ends move to one side, heart and spine a little with them; the half of the chest towards
    which the front moves gets narrower, the other wider; the outer walls stay. A film has no depth: the
    clavicles are told from the spine by their level alone. The shift of the clavicle ends against the line of
    the spine grows with the angle as the geometry says, but this is a warp, not a turn: it serves tests of
    monotony; degrees are proven on projections.

    Args:
        lungs: both lungs, upright film.
        degrees: -15 to 15; beyond, the warp would fold.

    Raises:
        ValueError: no lungs, or an angle out of range.
    """
    if abs(degrees) > 15 or not lungs.any():
        raise ValueError("a warp needs lungs and an angle within 15 degrees")
    rows, columns = np.flatnonzero(lungs.any(axis=1)), np.flatnonzero(lungs.any(axis=0))
    top, height = float(rows[0]), float(rows[-1] - rows[0] + 1)
    left, width = float(columns[0]), float(columns[-1] - columns[0] + 1)
    y, x = np.indices(lungs.shape, dtype=np.float32)
    across = np.clip(2 * (x - left) / width - 1, -1, 1)
    """-1 at one wall, 0 at the midline, 1 at the other."""
    middle = (1 - across**2) ** 2
    front = np.exp(-(((y - top - _CLAVICLES * height) / (0.13 * height)) ** 2))
    shift = _PER_DEGREE * width * degrees * middle * (front + _BEHIND)
    return Warp(np.asarray(x - shift, np.float32), np.asarray(y, np.float32))
