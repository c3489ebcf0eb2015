"""A head of known size, place and signal: ellipsoids of scalp, skull and brain with ventricles, in noisy air."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

SIGNAL = 1000.0
SIDE = 160
SPACING = 1.6
HEIGHT, DEPTH, WIDTH = 95.0, 92.0, 74.0
"""Half axes in mm: head to feet, front to back, side to side."""


def head(
    z_mm: float = 0.0, turned_deg: float = 0.0, side: int = SIDE, centre: tuple[float, float] = (0.0, 0.0)
) -> NDArray[np.float32]:
    """An axial slice ``z_mm`` above the middle of the head, without noise; ``centre``: down, across in mm."""
    y, x = np.meshgrid(*[(np.arange(side) - (side - 1) / 2) * SPACING] * 2, indexing="ij")
    turn = np.deg2rad(turned_deg)
    y, x = y - centre[0], x - centre[1]
    y, x = y * np.cos(turn) - x * np.sin(turn), x * np.cos(turn) + y * np.sin(turn)
    out = np.zeros((side, side))
    for shrink, level in ((0.0, 900.0), (6.0, 120.0), (12.0, 1000.0)):
        out[_inside(y, x, z_mm, shrink)] = level
    grey = _inside(y, x, z_mm, 12.0) & ~_inside(y, x, z_mm, 22.0)
    out[grey] = 750.0
    ventricles = ((np.abs(x) - 12) / 7) ** 2 + (y / 22) ** 2 + (z_mm / 25) ** 2 < 1
    out[ventricles] = 300.0
    out[(x / 9) ** 2 + ((y + 70) / 9) ** 2 < 1] *= 0.6
    return out.astype(np.float32)


def _inside(y: NDArray[np.float64], x: NDArray[np.float64], z: float, shrink: float) -> NDArray[np.bool_]:
    a, b, c = DEPTH - shrink, WIDTH - shrink, HEIGHT - shrink
    return np.asarray((y / a) ** 2 + (x / b) ** 2 + (z / c) ** 2 < 1)


def with_noise(picture: NDArray[np.float32], sigma: float, seed: int = 0) -> NDArray[np.float32]:
    """Rician: noise of sigma in each channel."""
    random = np.random.default_rng(seed)
    real, imaginary = random.normal(0, sigma, (2, *picture.shape))
    return np.asarray(np.hypot(picture + real, imaginary), np.float32)


Place = tuple[float, float, float]
"""Up, down in the picture, to its right, in mm from the middle of the head."""


def without_ball(
    pictures: Iterable[NDArray[np.float32]], heights_mm: Iterable[float], place: Place, radius_mm: float
) -> list[NDArray[np.float32]]:
    """Slices at these heights with a ball of no signal in them."""
    y, x = np.meshgrid(*[(np.arange(SIDE) - (SIDE - 1) / 2) * SPACING] * 2, indexing="ij")
    aside = np.hypot(y - place[1], x - place[2])
    return [
        np.where(np.hypot(aside, z - place[0]) < radius_mm, with_noise(np.zeros_like(one), 10.0, 99), one)
        for one, z in zip(pictures, heights_mm, strict=True)
    ]
