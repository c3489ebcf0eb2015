"""Drawn films: thorax-like pictures of nobody, for goldens and for tests of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A picture (float32, dense bright, 0..1) and its lungs (uint8, 0 or 255)."""

    picture: Picture
    lungs: NDArray[np.uint8]


def draw(seed: int, rows: int = 240, columns: int = 200) -> Drawing:
    """A trunk, two lungs, a heart, a spine and ribs, placed at random; the same seed gives the same picture."""
    rng = np.random.default_rng(seed)
    body = np.zeros((rows, columns), np.float32)
    lungs = np.zeros((rows, columns), np.uint8)
    unit = np.array([columns, rows])

    def ellipse(
        canvas: NDArray[np.float32] | NDArray[np.uint8],
        centre: tuple[float, float],
        axes: tuple[float, float],
        value: float,
    ) -> None:
        shift = rng.normal(0, 0.01, 2)
        at = np.round((np.array(centre) + shift) * unit).astype(int)
        cv2.ellipse(
            canvas, at.tolist(), np.round(np.array(axes) * unit).astype(int).tolist(), 0, 0, 360, value, -1
        )

    ellipse(body, (0.5, 0.6), (0.48, 0.6), 0.75)
    for x in (0.29, 0.71):
        ellipse(lungs, (x, 0.5), (0.15 * rng.uniform(0.9, 1.1), 0.33 * rng.uniform(0.9, 1.1)), 255)
    body[lungs > 0] = 0.2
    ellipse(body, (0.56, 0.66), (0.13, 0.14), 0.7)
    cv2.line(body, (columns // 2, 0), (columns // 2, rows), 0.85, max(2, columns // 14))
    for y in np.arange(0.15, 0.9, 0.09):
        for x in (0.29, 0.71):
            at = (round(x * columns), round(float(y) * rows))
            cv2.ellipse(body, at, (columns // 5, rows // 16), 0, 180, 360, 0.5, max(1, rows // 80))
    soft = cv2.GaussianBlur(body, (0, 0), max(rows, columns) / 160) + rng.normal(0, 0.01, body.shape)
    return Drawing(np.clip(soft, 0, 1).astype(np.float32), lungs)
