"""Exposure: noise of too little, saturation of too much, and a lung that disease has made white."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from models.image.picture import Mask, Picture
from models.training.degradations.exposure_domain import DECADES, exposure_of, film_of

_MIDDLE = 0.5
EDGE = 0.03
"""Nearer to its ends nothing of a film counts as between them."""


def add_noise(
    film: Picture, sigma: float, rng: np.random.Generator, *, electronic: float = 0.2, correlation_px: float = 0.0
) -> Picture:
    """Quantum and electronic noise with standard deviation ``sigma`` (of the range 0..1) where the film is mid
    grey.

    Quantum noise has a variance in proportion to the exposure, electronic noise a constant one: both are
    stronger in the bright, little exposed parts, as on a real film. ``electronic`` is its share of the variance
    at mid grey; ``correlation_px`` is the sigma of the detector's blur of the noise (white for 0), at the same
    strength.
    """
    exposure, middle = exposure_of(film), float(10 ** (-DECADES * _MIDDLE))
    at_middle = sigma * DECADES * np.log(10) * middle
    spread = at_middle * np.sqrt((1 - electronic) * exposure / middle + electronic)
    grain = rng.standard_normal(film.shape, dtype=np.float32)
    if correlation_px > 0:
        grain = np.asarray(cv2.GaussianBlur(grain, (0, 0), correlation_px), np.float32)
        grain /= float(grain.std())
    return film_of(np.asarray(exposure + spread * grain, np.float32))


def saturate(film: Picture, end: Literal["dark", "bright"], share: float) -> Picture:
    """So many pixels, as a share of those between the film's ends, pressed on the plateau of one end.

    Dark is too much exposure, or a window that cuts the lungs; bright is too little, or a window that cuts the
    mediastinum. What is left is stretched over the range, as a look-up table does it.
    """
    values = film if end == "bright" else 1 - film
    inside = values[(values > EDGE) & (values < 1 - EDGE)]
    top = float(np.quantile(inside, 1 - share)) if inside.size and share > 0 else 1.0
    pressed = np.clip(values / max(top, 1e-3), 0, 1)
    return np.asarray(pressed if end == "bright" else 1 - pressed, np.float32)


def white_out(film: Picture, lung: Mask, opacity: float, *, softness: float = 0.02) -> Picture:
    """A lung filled as by fluid or collapse: it takes the grey of the tissue about it; 1 leaves nothing of it.

    ``softness``: width of the transition as a share of the long side.
    """
    sigma = max(0.5, softness * max(film.shape))
    weight = cv2.GaussianBlur(lung.astype(np.float32), (0, 0), sigma) * np.float32(opacity)
    reach = 2 * int(4 * sigma) + 1
    ring = cv2.dilate(lung.astype(np.uint8), np.ones((reach, reach), np.uint8)).astype(bool) & ~lung
    tissue = float(np.quantile(film[ring], 0.7)) if ring.any() else 0.8
    return np.asarray(np.clip(film * (1 - weight) + tissue * weight, 0, 1), np.float32)
