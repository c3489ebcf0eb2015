"""Detector: finds lines of text in a whole picture (PP-OCRv6 tiny, differentiable binarisation).

Post-processing of DB (Liao et al., AAAI 2020, 3.4): components of the probability map, their mean as score, grown
by area x ratio / perimeter. Text on a screen is level, so upright rectangles take the place of rotated ones. Full
size: at 1280 pixels 1.4 points of the fields are lost (design capture-ocr.md, 6).
"""

from __future__ import annotations

import cv2
import numpy as np

from capture.screen.ocr import models
from capture.screen.ocr.engine import Bgr, TextBox
from capture.screen.ocr.session import Array, Session
from capture.screen.template import Box

_STRIDE = 32
_LIKELY = 0.3
"""Probability of text from which a pixel counts."""
_SCORE = 0.5
"""Mean probability from which a component is a line."""
_GROWTH = 2.0
_LOWEST = 3
"""Pixels."""


class Detector:
    """A :class:`~capture.screen.ocr.engine.Finder`. Loads its network at the first use."""

    def __init__(self) -> None:
        self._session = Session(models.tiny_detector())

    def find(self, bgr: Bgr) -> tuple[TextBox, ...]:
        """All lines, from top to bottom and left to right."""
        rows, columns = bgr.shape[:2]
        if min(rows, columns) < _LOWEST:
            return ()
        likely = self._session.run(_prepare(bgr))[0, 0, :rows, :columns]
        _, _, stats, _ = cv2.connectedComponentsWithStats((likely > _LIKELY).astype(np.uint8))
        found = [box for row in stats[1:] if (box := _line(likely, row)) is not None]
        return tuple(sorted(found, key=lambda one: (one.box.y, one.box.x)))


def _prepare(bgr: Bgr) -> Array:
    """(1, 3, rows, columns) padded to the network's stride with the edge's pixels; mean and spread of ImageNet."""
    below, right = -bgr.shape[0] % _STRIDE, -bgr.shape[1] % _STRIDE
    padded = cv2.copyMakeBorder(bgr, 0, below, 0, right, cv2.BORDER_REPLICATE)
    mean, spread = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
    return np.ascontiguousarray(((padded.astype(np.float32) / 255 - mean) / spread).transpose(2, 0, 1)[None])


def _line(likely: Array, row: np.ndarray[tuple[int], np.dtype[np.int32]]) -> TextBox | None:
    x, y, w, h = (int(one) for one in row[:4])
    part = likely[y : y + h, x : x + w]
    score = float(part[part > _LIKELY].mean())
    if min(w, h) < _LOWEST or score < _SCORE:
        return None
    grow = round(w * h * _GROWTH / (2 * (w + h)))
    left, top = max(x - grow, 0), max(y - grow, 0)
    right, bottom = min(x + w + grow, likely.shape[1]), min(y + h + grow, likely.shape[0])
    return TextBox(Box(x=left, y=top, w=right - left, h=bottom - top), score)
