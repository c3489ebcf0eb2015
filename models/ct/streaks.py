"""Streaks of photon starvation through the shoulders: noise that changes faster downwards than across (CC08)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from models.ct.median import median
from models.ct.scan import Values

_BODY_HU = (-200.0, 300.0)
_LAG_MM = 2.2
_LEAST_PIXELS = 4000
_UNDER_APEX_MM = 40.0
_FEWEST = 3


def direction_ratio(values: Values, spacing_mm: float) -> float | None:
    """Of one slice in HU: spread of differences down over that of differences across; 1 without streaks."""
    window = max(3, round(5.0 / spacing_mm)) | 1
    smooth = cv2.blur(np.clip(values, -400, 500), (window, window))
    inside = ((smooth > _BODY_HU[0]) & (smooth < _BODY_HU[1])).astype(np.uint8)
    seen = cv2.erode(inside, np.ones((window, window), np.uint8)) > 0
    if int(seen.sum()) < _LEAST_PIXELS:
        return None
    lag = max(1, round(_LAG_MM / spacing_mm))
    down = _spread((values[lag:] - values[:-lag])[seen[lag:] & seen[:-lag]])
    across = _spread((values[:, lag:] - values[:, :-lag])[seen[:, lag:] & seen[:, :-lag]])
    return down / across if across > 0 else None


def _spread(differences: Values) -> float:
    """Mean of their amounts; what is far out counts as 4 medians (an edge is no streak)."""
    amounts = np.abs(differences, out=differences)
    return float(np.minimum(amounts, 4 * median(amounts) + 1, out=amounts).mean())


def shoulder_ratio(ratios: Sequence[float], first_lung: int, step_mm: float) -> tuple[float, int] | None:
    """The shoulders' highest ratio over that of the rest of the chest, and its slice.

    Args:
        ratios: by slice from the head, NaN where there is none.
        first_lung: slice of the lungs' top; the shoulders end 40 mm below it.
        step_mm: from slice to slice.
    """
    values = np.asarray(ratios, np.float64)
    end = first_lung + round(_UNDER_APEX_MM / step_mm)
    at, rest = np.flatnonzero(np.isfinite(values[:end])), values[end:]
    rest = rest[np.isfinite(rest)]
    if len(at) < _FEWEST or len(rest) < _FEWEST:
        return None
    shoulders = values[at]
    smooth = np.array([np.median(shoulders[max(0, one - 1) : one + 2]) for one in range(len(shoulders))])
    worst = int(np.argmax(smooth))
    return float(smooth[worst] / np.median(rest)), int(at[worst])
