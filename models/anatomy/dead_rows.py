"""Rows without a picture at the top or bottom of a chest film: a shutter's border that no line betrays.

Below the diaphragm a border may have hardly any contrast, so that the field's finder, which follows lines, misses
it. But neck or abdomen cross every exposed row; a row that is flat from side to side shows nobody.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture
from models.image.views import Views

_FLAT = 0.04
"""Of the film's range: what noise leaves of a flat row after a mean of nine pixels."""
_LEAST, _MOST = 0.015, 0.5
"""Of the film's rows: fewer are a frame's own, more are no chest film."""
_PENUMBRA = 0.03
"""Of the film's rows, at most."""


def dead_rows(views: Views) -> tuple[float, float]:
    """How much of the film has no picture, at the top and at the bottom, in full pixels."""
    low, high = views.percentiles[0], views.percentiles[-1]
    if high <= low:
        return 0.0, 0.0
    flat = _spread(views.small) <= _FLAT * (high - low)
    level = views.small.mean(axis=1)
    return _border(flat, level) * views.scale, _border(flat[::-1], level[::-1]) * views.scale


def _border(flat: NDArray[np.bool_], level: Picture) -> int:
    """Rows without a picture, to the middle of the penumbra that follows them."""
    run, reach = _run(flat), max(3, round(_PENUMBRA * len(flat)))
    if not run:
        return 0
    outside, inside = float(level[:run].mean()), float(level[run + reach : run + 2 * reach].mean())
    through = np.abs(level[run : run + reach] - outside) >= abs(inside - outside) / 2
    return run + (int(np.argmax(through)) if through.any() else 0)


def _spread(small: Picture) -> Picture:
    soft = cv2.blur(small, (9, 1))
    low, high = np.percentile(soft, (3, 97), axis=1)
    return np.asarray(high - low, np.float32)


def _run(flat: NDArray[np.bool_]) -> int:
    """Flat rows from the first on; 0 where their number is no shutter's."""
    length = int(np.argmin(flat)) if not flat.all() else len(flat)
    return length if _LEAST * len(flat) <= length <= _MOST * len(flat) else 0
