"""Lines of an anti-scatter grid."""

from __future__ import annotations

import numpy as np

from models.image.picture import Picture
from models.training.degradations.exposure_domain import exposure_of, film_of


def alias(lines_per_mm: float, spacing_mm: float) -> float:
    """Cycles per pixel, 0 to 0.5, at which a grid shows after sampling: the moire of grid and pixels."""
    cycles = lines_per_mm * spacing_mm
    return abs(cycles - round(cycles))


def grid_lines(
    film: Picture,
    cycles_per_px: float,
    amplitude: float,
    angle_deg: float,
    *,
    phase: float = 0.0,
    second: float = 0.2,
) -> Picture:
    """Parallel lines that take up to ``amplitude`` of the exposure; they cross the film along ``angle_deg`` (0:
    upright lines).

    ``second``: strength of the second harmonic against the first; lamellae are not sine waves.
    """
    rows, columns = np.indices(film.shape, dtype=np.float32)
    across = columns * np.cos(np.radians(angle_deg)) + rows * np.sin(np.radians(angle_deg))
    turns = 2 * np.pi * cycles_per_px * across + phase
    wave = (np.cos(turns) + second * np.cos(2 * turns)) / (1 + second)
    passed = 1 - amplitude * (0.5 + 0.5 * wave)
    return film_of(np.asarray(exposure_of(film) * passed, np.float32))
