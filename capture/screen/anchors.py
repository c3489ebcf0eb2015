"""Anchors: is this the screen that was taught? Constant patches looked for where they were, and a little around.

Nothing is read and nothing is decided of a screen whose anchors are not in place.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.template import Anchor, Template

_ALIKE = 0.8
"""Correlation: scaling to 720p with JPEG of quality 70 leaves 0.9 on text, another text has below 0.6."""
_PLAINLY = 0.95
"""So much in its place, and it is not looked for elsewhere."""
_AROUND = 4
"""Pixels by which analogue converters and cameras shift a picture."""
_LEAST_SPREAD = 4.0
"""Standard deviation below which a patch is an empty surface, like any other."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The anchors are in place; the whole picture may be shifted by whole pixels."""

    dx: int
    """To the right."""
    dy: int
    """Downwards."""
    matched: int
    """How many anchors."""


def place(pixels: NDArray[np.uint8], template: Template) -> Placed | None:
    """Where the taught screen lies in a picture, or None: it is not that screen.

    Args:
        pixels: Full size, (rows, columns) luma or (rows, columns, 3) BGR.
        template: Its ``anchors_needed`` anchors must agree on one shift.
    """
    if pixels.shape[:2] != (template.height, template.width):
        return None
    grey = pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), np.uint8)
    shifts = [shift for anchor in template.anchors if (shift := _shift(grey, anchor)) is not None]
    best = max(([s for s in shifts if _near(s, one)] for one in shifts), key=len, default=[])
    if len(best) < template.anchors_needed:
        return None
    dx, dy = (round(float(np.median(axis))) for axis in zip(*best, strict=True))
    return Placed(dx, dy, len(best))


def upright(pixels: NDArray[np.uint8], placed: Placed) -> NDArray[np.uint8]:
    """The picture moved back to where the template has it; what came in at the edge repeats the edge."""
    if not placed.dx and not placed.dy:
        return pixels
    matrix = np.array([[1, 0, -placed.dx], [0, 1, -placed.dy]], np.float32)
    moved = cv2.warpAffine(
        pixels,
        matrix,
        (pixels.shape[1], pixels.shape[0]),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return abs(one[0] - other[0]) <= 1 and abs(one[1] - other[1]) <= 1


def _shift(grey: NDArray[np.uint8], anchor: Anchor) -> tuple[int, int] | None:
    patch, box = _patch(anchor.patch), anchor.box
    if patch is None or patch.shape != (box.h, box.w):
        return None
    if _most(grey[box.rows, box.columns], patch)[0] >= _PLAINLY:
        return 0, 0
    top, left = max(box.y - _AROUND, 0), max(box.x - _AROUND, 0)
    most, x, y = _most(grey[top : box.y + box.h + _AROUND, left : box.x + box.w + _AROUND], patch)
    return (left + x - box.x, top + y - box.y) if most >= _ALIKE else None


def _most(around: NDArray[np.uint8], patch: NDArray[np.uint8]) -> tuple[float, int, int]:
    """Where it is most alike, and how much. OpenCV calls flat surfaces alike, or more than alike."""
    _, most, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED))
    flat = most > 1.001 or cv2.meanStdDev(around)[1][0, 0] < 1
    return (0.0 if flat else most), x, y


@lru_cache(maxsize=256)
def _patch(png: str) -> NDArray[np.uint8] | None:
    """The grey patch; None when it cannot be read or is an empty surface."""
    try:
        content = np.frombuffer(base64.b64decode(png, validate=True), np.uint8)
    except ValueError:
        return None
    decoded = cv2.imdecode(content, cv2.IMREAD_GRAYSCALE) if content.size else None
    if decoded is None or decoded.std() < _LEAST_SPREAD:
        return None
    return np.asarray(decoded, np.uint8)
