"""Between what a film shows and the exposure behind it."""

from __future__ import annotations

import numpy as np

from models.image.picture import Picture

DECADES = 2.0
"""Decades of exposure between white (0 exposed) and black. A display of a radiograph is about logarithmic; two
decades hold direct radiation to mediastinum. The true curve of a processed film is unknown."""


def exposure_of(film: Picture) -> Picture:
    """Relative exposure behind the detector: 1 where the film is black, 10**-DECADES where it is white."""
    return np.asarray(np.power(np.float32(10), -np.float32(DECADES) * film), np.float32)


def film_of(exposure: Picture) -> Picture:
    """The way back; clipped to 0..1."""
    shown = -np.log10(np.maximum(exposure, 1e-6)) / DECADES
    return np.asarray(np.clip(shown, 0, 1), np.float32)
