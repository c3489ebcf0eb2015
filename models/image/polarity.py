"""Which end of the stored values is the exposed one: a question the pixels answer for some pictures only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.background import End, flat_end
from models.image.picture import Mask, Picture

Part = Literal["chest", "limb", "other"]

_CHEST = frozenset({"CHEST", "THORAX", "LUNG"})
_LIMB = frozenset(
    {"HAND", "WRIST", "FINGER", "THUMB", "FOREARM", "ELBOW", "HUMERUS", "UPPERARM", "ARM", "FOOT", "TOE", "ANKLE"}
    | {"CALCANEUS", "HEEL", "TIBIA", "FIBULA", "TIBIAFIBULA", "LOWERLEG", "LEG", "KNEE", "PATELLA", "EXTREMITY"}
)

_GRID = 32
_ALIKE = 0.6
"""Least correlation with the chest's pattern that decides."""
_AHEAD = 0.2
"""And by how much it must be ahead of the correlation of the picture turned by 90, 180 or 270 degrees."""
_CLEAR = 0.08
"""Share of the field that must be flat and extreme at one end to decide, for a limb."""
_OTHER = 0.1
"""And at most this share of it at the other end."""


@dataclass(frozen=True, slots=True)
class Polarity:
    """``exposed_end`` is None when the pixels do not say."""

    exposed_end: End | None
    confidence: float


_UNKNOWN = Polarity(None, 0.0)


def part_of(BodyPartExamined: str | None) -> Part:
    """Which of the two tests may be used, from the header's word for the body part."""
    words = "".join(c if c.isalpha() else " " for c in (BodyPartExamined or "").upper()).split()
    if _CHEST & set(words):
        return "chest"
    return "limb" if _LIMB & set(words) else "other"


def polarity_of(
    small: Picture,
    tone: Picture,
    exposed: Mask,
    box: tuple[slice, slice],
    part: Part,
) -> Polarity:
    """Chest: by the pattern of lungs and mediastinum. Limb: by direct radiation. Any other: unknown.

    A trunk has thick flat parts that look like direct radiation of an inverted picture, so there flatness
    alone would guess.
    """
    if part == "chest":
        return _by_pattern(tone[box])
    if part == "limb":
        return _by_background(small, tone, exposed)
    return _UNKNOWN


def _by_pattern(tone: Picture) -> Polarity:
    if min(tone.shape) < _GRID:
        return _UNKNOWN
    grid = cv2.resize(tone, (_GRID, _GRID), interpolation=cv2.INTER_AREA)
    spread = float(grid.std())
    if spread < 1e-6:
        return _UNKNOWN
    grid = (grid - grid.mean()) / spread
    upright, *turned = (float((np.rot90(grid, k) * chest_pattern()).mean()) for k in range(4))
    if abs(upright) < max(_ALIKE, max(abs(other) for other in turned) + _AHEAD):
        return _UNKNOWN
    # The pattern is bright where a right picture is bright: a likeness means that low values are shown dark.
    return Polarity("low" if upright > 0 else "high", min(0.99, 0.9 + (abs(upright) - _ALIKE) / 4))


@cache
def chest_pattern() -> NDArray[np.float64]:
    """A frontal chest as shown, in closed form: (32, 32), mean 0, deviation 1, mirror-symmetric.

    Dark: two lungs, the corners above the shoulders, the rims. Bright: mediastinum and heart, abdomen.
    """
    place = (np.arange(_GRID) + 0.5) / _GRID - 0.5
    down, across = place[:, None], np.abs(place)[None, :]
    lungs = np.exp(-(((across - 0.2 - 0.08 * (down + 0.1)) / 0.1) ** 2) - ((down + 0.1) / 0.24) ** 2)
    mediastinum = np.exp(-((across / (0.09 + 0.1 * np.clip(down + 0.1, 0, 1))) ** 2))
    abdomen = _step((down - 0.22) / 0.08) * _step((0.42 - across) / 0.04)
    corners = _step((across - 0.12) / 0.03) * _step((-0.38 - down) / 0.04)
    rims = _step((across - 0.46) / 0.02) + 0 * down
    pattern = -0.6 * lungs + 0.5 * mediastinum + 0.8 * abdomen - 0.6 * corners - 0.5 * rims
    shown: NDArray[np.float64] = (pattern - pattern.mean()) / pattern.std()
    return shown


def _step(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(1 / (1 + np.exp(-x)))


def _by_background(small: Picture, tone: Picture, exposed: Mask) -> Polarity:
    area = max(1, int(exposed.sum()))
    low = float(flat_end(small, tone, exposed, "low").sum()) / area
    high = float(flat_end(small, tone, exposed, "high").sum()) / area
    if max(low, high) < _CLEAR or min(low, high) > _OTHER * max(low, high):
        return _UNKNOWN
    return Polarity("low" if low > high else "high", min(0.95, 0.85 + max(low, high) / 4))
