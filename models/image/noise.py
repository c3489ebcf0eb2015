"""Noise: standard deviation of the pixel values that is not picture.

Estimator: in blocks of 32 x 32 pixels the median of the absolute diagonal Haar detail over 0.6745; then the median
over the blocks of the body (image-qc.md 7 row 3). Immerkaer's operator (CVIU 1996;64:300) is the check.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from models.image.metric import Radiograph
from models.image.picture import Picture
from models.measurement import Measured, Measurement, NotMeasured, Reason

NAMES = frozenset({"noise.sigma", "noise.immerkaer_sigma", "noise.two_scale_sigma", "noise.relative_percent"})
_BLOCK = 32
_MOST_BLOCKS = 3000
_LEAST_BLOCKS = 24
_WHITE = (0.75, 1.35)
"""Sigma of 2 x 2 means, doubled, over sigma: 1 for white noise, more where the maker smoothed or the picture has
fine structure, less where he sharpened."""
_COARSE = 0.4
"""Least sigma in grey levels: rounding alone makes 0.29."""
_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Refused where the values are not the detector's: screen, derived, 8 bits, lossy."""
    why = _refused(radiograph)
    blocks = None if why else body_blocks(radiograph)
    if blocks is None:
        detail = why or "too little body without saturation"
        return [NotMeasured(name, Reason.NOT_RELIABLE, detail) for name in sorted(NAMES)]
    step = _step(blocks)
    sigma = haar_sigma(blocks, step)
    if sigma <= _COARSE * step:
        detail = "less than the step between grey levels shows"
        return [NotMeasured(name, Reason.NOT_RELIABLE, detail) for name in sorted(NAMES)]
    check = immerkaer_sigma(blocks)
    coarse = coarse_sigma(blocks, step)
    white = coarse / sigma
    sure = 1.0 if _WHITE[0] <= white <= _WHITE[1] else 0.5
    signal = float(np.median(blocks)) - radiograph.pixels.value_range[0]
    relative: Measured = Measurement("noise.relative_percent", 100 * sigma / signal, confidence=sure)
    if signal <= 0:
        relative = NotMeasured("noise.relative_percent", Reason.NOT_RELIABLE, "no signal in the body")
    return [
        Measurement("noise.sigma", sigma, confidence=sure),
        Measurement("noise.immerkaer_sigma", check, confidence=sure),
        Measurement("noise.two_scale_sigma", two_scale_sigma(sigma, coarse)),
        relative,
    ]


def _refused(radiograph: Radiograph) -> str | None:
    display, exam = radiograph.acquisition.display, radiograph.acquisition.exam
    reasons = {
        "a picture from a screen": radiograph.from_screen,
        "8 bits or fewer": (display.BitsStored or 16) <= 8,
        "lossy compression": radiograph.lossy,
        "a derived image": exam.ImageType[:1] == ("DERIVED",),
        "a colour image": radiograph.pixels.color is not None,
    }
    return next((text for text, holds in reasons.items() if holds), None)


def body_blocks(radiograph: Radiograph) -> Picture | None:
    """(n, 32, 32) modality values of blocks wholly inside the body and not flat; None when there are too few."""
    views = radiograph.views
    values = radiograph.pixels.values[views.rows, views.columns]
    down, across = values.shape[0] // _BLOCK, values.shape[1] // _BLOCK
    if down * across < _LEAST_BLOCKS:
        return None
    height, width = (round(n * _BLOCK / views.scale) for n in (down, across))
    body = cv2.resize(views.body[:height, :width].astype(np.float32), (across, down), interpolation=cv2.INTER_AREA)
    at = np.argwhere(body > 0.999)
    at = at[:: len(at) // _MOST_BLOCKS + 1]
    tiled = values[: down * _BLOCK, : across * _BLOCK].reshape(down, _BLOCK, across, _BLOCK)
    blocks = tiled[at[:, 0], :, at[:, 1], :]
    # A block in which many neighbours are equal is saturated or painted.
    alike = (blocks[:, ::2, 1::2] == blocks[:, ::2, ::2]).mean(axis=(1, 2))
    blocks = blocks[alike < 0.5]
    return blocks if len(blocks) >= _LEAST_BLOCKS else None


def haar_sigma(blocks: Picture, step: float) -> float:
    """Median over blocks of median |diagonal detail| / 0.6745, in the unit of the values.

    ``step``: distance between grey levels, 0 when they are practically continuous.
    """
    a, b = blocks[:, 0::2, 0::2], blocks[:, 0::2, 1::2]
    c, d = blocks[:, 1::2, 0::2], blocks[:, 1::2, 1::2]
    detail = np.abs(a - b - c + d).reshape(len(blocks), -1) / 2
    middle = np.median(detail, axis=1)
    # Values in steps give a median in half steps; interpolate within them (grouped median).
    if step > 0:
        below = (detail < (middle - step / 8)[:, None]).mean(axis=1)
        equal = (detail < (middle + step / 8)[:, None]).mean(axis=1) - below
        inside = np.clip((0.5 - below) / np.maximum(equal, 1e-6), 0, 1)
        middle = np.where(equal > 0, middle + step / 2 * (inside - 0.5), middle)
    return float(np.median(middle)) / 0.6745


def coarse_sigma(blocks: Picture, step: float) -> float:
    """The same at half the resolution, doubled: equal for white noise, more where a detector blurs it."""
    means = (blocks[:, ::2, ::2] + blocks[:, ::2, 1::2] + blocks[:, 1::2, ::2] + blocks[:, 1::2, 1::2]) / 4
    return 2 * haar_sigma(np.asarray(means, np.float32), step / 4)


def two_scale_sigma(fine: float, coarse: float) -> float:
    """Root mean square of both: follows the strength of noise whether it is white or correlated."""
    return float(np.sqrt((fine**2 + coarse**2) / 2))


def _step(blocks: Picture) -> float:
    """Distance between neighbouring grey levels; 0 when the values are practically continuous."""
    levels = np.unique(blocks[:: max(1, len(blocks) // 64)])
    if len(levels) < 2:
        return 0.0
    step = float(np.diff(levels).min())
    return step if step * 20000 > float(levels[-1] - levels[0]) else 0.0


def immerkaer_sigma(blocks: Picture) -> float:
    """sqrt(pi/2)/6 times the mean absolute response of Immerkaer's kernel; the median over blocks."""
    stacked = blocks[:: len(blocks) // 800 + 1]
    flat = stacked.reshape(-1, _BLOCK)
    response = np.abs(cv2.filter2D(flat, cv2.CV_32F, _KERNEL)).reshape(stacked.shape)[:, 1:-1, 1:-1]
    return float(np.median(response.mean(axis=(1, 2)))) * float(np.sqrt(np.pi / 2)) / 6
