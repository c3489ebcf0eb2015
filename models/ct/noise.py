"""Noise of soft tissue: the mode of the local standard deviation, made whole by the noise's own correlation.

The global noise index of Christianson et al. (AJR 2015; 205: W93) takes the mode of the standard deviation in
small windows. Two things bias it (image-qc.md 9.4: -7 to -8 % on correlated noise). The mode of a chi distribution
lies under its root mean square: so the histogram is of the *logarithm*, whose mode is exactly there. And a window
does not see what changes more slowly than itself: so the semivariogram of the same tissue is kept, whose plateau
is the whole variance and whose mean over a window's pairs is what the window saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.median import median

Values = NDArray[np.float32]

TISSUE_HU = (-30.0, 130.0)
"""Muscle, organs and brain, blood without contrast medium; fat, lung and bone are out."""
_WINDOW_MM = 8.0
_WINDOWS = (9, 17)
"""Least and most pixels of a window's side."""
LOW, HIGH, BINS = 0.5, 300.0, 160
"""Of the histogram of standard deviations, HU; bins are equal in the logarithm (4 % each)."""
LAGS = 16
COLUMNS = 48
_LEAST_IN_COLUMN = 40
_LEAST_WINDOWS = 300
_NEAR_MODE = (0.7, 1.4)
_SMOOTH_BINS = 2.5
_SHORT = 1.3
"""Noise that is correlated over half a window has no plateau inside it. Chosen on seeds 0 to 59 of white, Gaussian
and ramp-shaped noise, and tested on others (tests/unit/models/ct/test_noise.py)."""
_SKIP = 3
"""Every third row is enough for the semivariogram."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceNoise:
    """Of one slice: what can be added up over a series."""

    histogram: Values
    """(160,) windows by the logarithm of their standard deviation."""
    variogram: Values
    """(2, 2, 16): sum of half squared differences and number of pairs; across and down; lags 1 to 16 pixels."""
    window: int
    columns: Values
    """(48,) median standard deviation by column of the picture; NaN where there is no soft tissue."""


def slice_noise(values: Values, spacing_mm: float, inside: NDArray[np.bool_] | None = None) -> SliceNoise | None:
    """Look at one slice in HU; None where there is too little soft tissue.

    Args:
        values: (rows, columns), full size.
        spacing_mm: of its pixels.
        inside: where to look; everywhere when None.
    """
    window = int(np.clip(round(_WINDOW_MM / spacing_mm), *_WINDOWS)) | 1
    values = np.clip(values, -300, 400)
    smooth = np.asarray(cv2.blur(values, (window, window)), np.float32)
    tissue = ((smooth > TISSUE_HU[0]) & (smooth < TISSUE_HU[1])).astype(np.uint8)
    if inside is not None:
        tissue &= inside.astype(np.uint8)
    # Bone or fat near by: their edges would raise the standard deviation.
    square = np.ones((window, window), np.uint8)
    deep = cv2.erode(tissue, square, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    if int(deep.sum()) < _LEAST_WINDOWS * 4:
        return None
    variance = cv2.blur(values * values, (window, window)) - smooth * smooth
    slope = _slope(smooth, window)
    # The flatter half of the windows.
    at = deep > 0
    at &= slope <= median(slope[at])
    if int(at.sum()) < _LEAST_WINDOWS:
        return None
    histogram = _by_logarithm(np.maximum(variance[at], np.float32(LOW * LOW)))
    mode = mode_of(histogram)
    near = at & (variance > (_NEAR_MODE[0] * mode) ** 2) & (variance < (_NEAR_MODE[1] * mode) ** 2)
    return SliceNoise(histogram, _variogram(values, near, window), window, _by_column(variance, at))


def _by_logarithm(variance: Values) -> Values:
    """(160,) how many there are by the logarithm of the standard deviation."""
    ends = [2 * float(np.log(LOW)), 2 * float(np.log(HIGH))]
    return np.asarray(cv2.calcHist([cv2.log(variance)], [0], None, [BINS], ends), np.float32).reshape(BINS)


def _slope(smooth: Values, window: int) -> Values:
    """Change of the mean from beside the window to its other side: the window itself has little say in it."""
    reach = (3 * window) // 4
    wide = np.asarray(cv2.copyMakeBorder(smooth, reach, reach, reach, reach, cv2.BORDER_WRAP), np.float32)
    middle = np.s_[reach:-reach]
    across = cv2.absdiff(wide[middle, 2 * reach :], wide[middle, : -2 * reach])
    down = cv2.absdiff(wide[2 * reach :, middle], wide[: -2 * reach, middle])
    return np.asarray(cv2.add(across, down, dst=across), np.float32)


def _variogram(values: Values, centres: NDArray[np.bool_], window: int) -> Values:
    """Of pairs of pixels that lie in one of the windows round these centres."""
    sums = np.zeros((2, 2, LAGS), np.float32)
    half = window // 2
    rows, columns = np.flatnonzero(centres.any(1)), np.flatnonzero(centres.any(0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    box = np.s_[max(top - half, 0) : bottom + half, max(left - half, 0) : right + half]
    values, marks = values[box], centres[box].astype(np.uint8)
    for direction, (every, c) in enumerate(((values, marks), (cv2.transpose(values), cv2.transpose(marks)))):
        v = np.ascontiguousarray(every[::_SKIP])
        # A window is as good as its column and then its row, and its column is the same at each lag.
        beside = cv2.dilate(c, np.ones((window, 1), np.uint8))[::_SKIP].copy()
        for lag in range(1, min(LAGS, window - 1) + 1):
            reach = np.ones((1, window - lag), np.uint8)
            both = np.roll(cv2.dilate(beside, reach, anchor=(0, 0)), half - lag, axis=1)[:, :-lag]
            apart = cv2.norm(v[:, lag:], v[:, :-lag], cv2.NORM_L2SQR, both)
            sums[:, direction, lag - 1] = 0.5 * apart, cv2.countNonZero(both)
    return sums


def _by_column(variance: Values, at: NDArray[np.bool_]) -> Values:
    columns = np.full(COLUMNS, np.nan, np.float32)
    by_column = np.asarray(cv2.transpose(variance), np.float32)
    seen = by_column[cv2.transpose(at.view(np.uint8)).view(np.bool_)]
    # The numbers lie column by column now.
    until = np.concatenate([[0], np.cumsum(at.sum(0))])
    edges = until[np.linspace(0, variance.shape[1], COLUMNS + 1).astype(int)]
    for column, (first, last) in enumerate(pairwise(edges)):
        if last - first >= _LEAST_IN_COLUMN:
            columns[column] = float(np.sqrt(max(median(seen[first:last]), 0.0)))
    return columns


def mode_of(histogram: Values) -> float:
    """Standard deviation, HU, where the smoothed histogram is highest; between bins by a parabola."""
    smooth = cv2.GaussianBlur(histogram.reshape(1, -1).astype(np.float64), (0, 0), _SMOOTH_BINS)[0]
    top = int(np.clip(np.argmax(smooth), 1, BINS - 2))
    left, middle, right = smooth[top - 1 : top + 2]
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    width = np.log(HIGH / LOW) / BINS
    return float(np.exp(np.log(LOW) + (top + 0.5 + shift) * width))


def whole_over_seen(variogram: Values, window: int) -> float:
    """Standard deviation of the noise over the root mean square that windows of this size see; 1 or more."""
    sums = variogram.sum(axis=1)[:, : window - 1]
    gamma = sums[0] / np.maximum(sums[1], 1)
    sill = float(np.median(gamma[len(gamma) // 2 :]))
    if sill <= 0:
        return 1.0
    lag = np.arange(window)
    distance = np.hypot(lag[:, None], lag[None, :])
    pairs = (window - lag)[:, None] * (window - lag)[None, :] * np.where(lag > 0, 2, 1)[:, None]
    pairs = pairs * np.where(lag > 0, 2, 1)[None, :]
    curve = np.interp(distance, np.arange(len(gamma) + 1), [0.0, *gamma], right=sill)
    seen = float((np.minimum(curve, sill) * pairs).sum() / window**4)
    return float(max(1.0, np.sqrt(sill / seen)) ** _SHORT)


def series_noise(slices: Sequence[SliceNoise]) -> float | None:
    """Standard deviation of soft tissue over all slices, HU; None without any."""
    if not slices:
        return None
    histogram = np.stack([one.histogram for one in slices]).sum(axis=0)
    variogram = np.stack([one.variogram for one in slices]).sum(axis=0)
    window = int(np.median([one.window for one in slices]))
    return mode_of(histogram) * whole_over_seen(variogram, window)


def as_numbers(one: SliceNoise) -> Mapping[str, Values]:
    """As kept with a slice."""
    return {
        "histogram": one.histogram,
        "variogram": one.variogram,
        "window": np.array([one.window], np.float32),
        "columns": one.columns,
    }
