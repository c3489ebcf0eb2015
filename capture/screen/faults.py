"""Capture faults: the picture is the taught screen, but it came damaged. Not a bad image (capture-ocr, section 8).

The anchors are the witness: constant patches whose grey values were stored when the screen was taught.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen import words
from capture.screen.signal import Signal
from capture.screen.template import Anchor, Template

_LEAST_CONTRAST = 12.0
"""Standard deviation of a patch below which no gain can be told."""
_GAIN_OFF = 0.07
"""Limited range shown as full has a gain of 219/255 = 0.86, twice 0.74, expanded twice 1.16; JPEG keeps 0.99."""
_SMOOTH = 3.0
"""Pixels: wider than what softness and JPEG do to a letter."""
_SOFT = 0.55
"""Sharpness ratio: 720p scaling leaves 0.18 to 0.27, 4:2:0 and JPEG 0.94 and more (capture-ocr, section 8)."""
_DOUBLED, _MEANT = 0.25, 0.45
"""Squared difference of neighbouring rows, within pairs over between them, and of rows from the mean of their
neighbours, odd over even. On 36 shared consoles, clean, scaled or at JPEG q70: at least 0.46 and 0.71; stretched
fields at q70: at most 0.10 and 0.27."""


def capture_fault(luma: NDArray[np.uint8], template: Template) -> Signal | None:
    """The first fault of a picture whose anchors are in place; None when it came as it was taught.

    ``luma``: full size and full range as the template says it, (rows, columns).
    """
    if luma.shape != (template.height, template.width):
        return words.other_size(luma.shape[1], luma.shape[0], template.width, template.height)
    if row_doubled(luma):
        return words.ROWS_DOUBLED
    gain, now, taught = _against(luma, template.anchors)
    if gain is None:
        return None
    if abs(gain - 1) > _GAIN_OFF:
        return words.OTHER_RANGE
    return words.SCALED if taught > 0 and now / taught / gain**2 < _SOFT else None


def row_doubled(luma: NDArray[np.uint8]) -> bool:
    """Whether an interlaced field was stretched to a frame: rows come in pairs, or every other one is a mean."""
    rows = luma[: luma.shape[0] // 2 * 2].astype(np.float32)
    steps = np.square(np.diff(rows, axis=0)).mean(axis=1)
    within, between = float(steps[::2].mean()), float(steps[1::2].mean())
    if max(within, between) < 1:
        return False  # nothing on it that has edges
    off_mean = np.square(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean(axis=1)
    odd, even = float(off_mean[::2].mean()), float(off_mean[1::2].mean())
    return min(within, between) < _DOUBLED * max(within, between) or min(odd, even) < _MEANT * max(odd, even)


def _against(luma: NDArray[np.uint8], anchors: Sequence[Anchor]) -> tuple[float | None, float, float]:
    """Gain of the grey values over the taught ones, sharpness now and then, over the anchors that can tell."""
    pairs = [(luma[anchor.box.rows, anchor.box.columns], _patch(anchor)) for anchor in anchors]
    pairs = [(now, then) for now, then in pairs if now.shape == then.shape and then.std() >= _LEAST_CONTRAST]
    pairs = [(now, then) for now, then in pairs if _alike(now, then)]
    if not pairs:
        return None, 0.0, 0.0
    now, then = zip(*pairs, strict=True)
    return _gain(now, then), _sharpness(now), _sharpness(then)


def _alike(now: NDArray[np.uint8], then: NDArray[np.uint8]) -> bool:
    return bool(now.std() > 1 and np.corrcoef(now.ravel(), then.ravel())[0, 1] > 0.5)


def _gain(now: Sequence[NDArray[np.uint8]], then: Sequence[NDArray[np.uint8]]) -> float:
    """Slope of the grey values over the taught ones, both smoothed: softness and JPEG are no loss of range."""
    x, y = (
        np.concatenate([cv2.GaussianBlur(one, (0, 0), _SMOOTH).ravel() for one in patches]).astype(np.float64)
        for patches in (then, now)
    )
    return float(np.mean((x - x.mean()) * (y - y.mean())) / x.var())


def _sharpness(patches: Sequence[NDArray[np.uint8]]) -> float:
    """Variance of the Laplacian, mean over the patches."""
    return float(np.mean([cv2.Laplacian(patch, cv2.CV_64F).var() for patch in patches]))


def _patch(anchor: Anchor) -> NDArray[np.uint8]:
    """The taught patch, grey; a PNG that cannot be read is an empty one."""
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(anchor.patch), np.uint8), cv2.IMREAD_GRAYSCALE)
    return np.zeros((0, 0), np.uint8) if decoded is None else np.asarray(decoded, np.uint8)
