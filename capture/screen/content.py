"""What a picture says of the way it came: whether it is one at all.

A UVC dongle without a signal does not say so; it sends a picture: black, blue, grey, colour bars
(capture-ocr, section 2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SAME_GREY = 6
_EMPTY_SHARE = 0.995
_LEAST_BARS, _FLAT = 5, 2.0


def no_picture(luma: NDArray[np.uint8]) -> bool:
    """Whether this (reduced) luma is one colour or colour bars, as a card without a signal shows."""
    level = int(np.median(luma))
    same = np.abs(luma.astype(np.int16) - level) <= _SAME_GREY
    return bool(same.mean() >= _EMPTY_SHARE) or _bars(luma)


def _bars(luma: NDArray[np.uint8]) -> bool:
    """Vertical bars: in the upper half every row is the same, in five plateaus or more."""
    upper = luma[: luma.shape[0] // 2].astype(np.int16)
    row = np.median(upper, axis=0)
    if np.abs(upper - row).mean() > _FLAT:
        return False
    steps = np.abs(np.diff(row)) > _SAME_GREY
    starts = np.count_nonzero(steps[1:] & ~steps[:-1]) + int(steps[:1].any())
    return bool(starts >= _LEAST_BARS - 1 and steps.mean() < 0.2)
