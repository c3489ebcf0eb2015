"""MB05: signal to noise, from the air (NEMA MS 1-2008, method 4) and from the object itself as a check."""

from __future__ import annotations

import numpy as np

from models.mr.plane import Plane

_WHOLE = 400


def air_snr(plane: Plane) -> float | None:
    """Object's mean over sigma; sigma^2 is half of the mean square of the air that no ghost reaches.

    One receiver is assumed (Rayleigh). With several the air is chi distributed and the number is off by a constant
    factor of that coil (Constantinides 1997), which a baseline of the same protocol takes out.
    """
    sigma = plane.sigma
    return plane.signal / sigma if sigma else None


def inner_sigma(plane: Plane) -> float | None:
    """Median of the absolute diagonal Haar detail in the object over 0.6745: fine structure adds to it."""
    values = plane.values
    rows, columns = (n // 2 * 2 for n in values.shape)
    v = values[:rows, :columns]
    a, b, c, d = v[0::2, 0::2], v[0::2, 1::2], v[1::2, 0::2], v[1::2, 1::2]
    m = plane.object[:rows, :columns]
    whole = m[0::2, 0::2] & m[0::2, 1::2] & m[1::2, 0::2] & m[1::2, 1::2]
    if np.count_nonzero(whole) < _WHOLE // 4:
        return None
    detail = np.abs(a - b - c + d)[whole] / 2
    return float(np.median(detail)) / 0.6745


def inner_snr(plane: Plane) -> float | None:
    """Object's mean over :func:`inner_sigma`."""
    sigma = inner_sigma(plane)
    return plane.signal / sigma if sigma else None
