"""Landmarks: which constant parts of a screen make good anchors."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np

from capture.screen.ocr.engine import Bgr
from capture.screen.template import Anchor, Box

_MOST = 8
_FEW = 4
"""With fewer than these, words that stand in a field's box are taken, too."""

Spot = tuple[Box, str]
"""A constant text and where it stands."""


def landmarks(constant: Sequence[Spot], fields: Sequence[Box], image: Box, bgr: Bgr) -> tuple[Anchor, ...]:
    """Of ``constant`` those outside the image, as far from each other as can be."""
    there = [spot for spot in constant if not _touch(spot[0], image)]
    free = [spot for spot in there if not any(_touch(spot[0], box) for box in fields)]
    chosen = _spread(free, [], _MOST)
    if len(chosen) < _FEW:
        chosen += _spread([spot for spot in there if spot not in free], chosen, _FEW - len(chosen))
    return tuple(Anchor(box=box, text=text, patch=patch(bgr, box)) for box, text in chosen)


def patch(bgr: Bgr, box: Box) -> str:
    """What an anchor stores: the grey patch as PNG, base64."""
    grey = cv2.cvtColor(bgr[box.rows, box.columns], cv2.COLOR_BGR2GRAY)
    return base64.b64encode(cv2.imencode(".png", grey)[1].tobytes()).decode()


def _spread(there: Sequence[Spot], taken: Sequence[Spot], most: int) -> list[Spot]:
    """The widest first, then always the one furthest from those chosen."""
    chosen: list[Spot] = []
    left = list(there)
    while left and len(chosen) < most:
        others = [box for box, _ in [*taken, *chosen]]
        furthest = max(left, key=lambda spot: min((_apart(spot[0], box) for box in others), default=spot[0].w))
        left.remove(furthest)
        chosen.append(furthest)
    return chosen


def _touch(one: Box, other: Box) -> bool:
    level = one.y < other.y + other.h and other.y < one.y + one.h
    return level and one.x < other.x + other.w and other.x < one.x + one.w


def _apart(one: Box, other: Box) -> float:
    return float(np.hypot(one.x + one.w / 2 - other.x - other.w / 2, one.y + one.h / 2 - other.y - other.h / 2))
