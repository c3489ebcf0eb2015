"""Where the image lies on a console's screen: proposed from two exams, or from live frames that move."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.ocr.engine import Bgr
from capture.screen.template import Box

_BLOCK = 8
_MOVED = 6
"""Mean difference of a block's grey values from which it changed."""
_TEXTURE = 2.0
"""Standard deviation within a block of an image; a flat panel has less."""
_BETWEEN = 0.5
"""Share of a block's pixels that are neither its darkest nor its brightest grey: text and lines have few."""
_COLOURED = 24
"""Difference of the channels beyond which a block is not grey."""
_BACKGROUND = 10
_FREE = 0.9
"""Share of a strip that is the colour of the screen's rim: there the image has ended."""

_EDGE, _STRAIGHT = 8, 0.9
"""Grey levels between the two sides of an edge, and the share of its length on which they differ so."""
_NEAR = 3
"""Pixels from an edge at which a side lies on it."""

Map = NDArray[np.uint8]


def image_box(a: Bgr, b: Bgr, texts: Sequence[Box] = ()) -> Box:
    """The largest part that changed between two exams or looks like an image in both; all where there is none.

    A side that is no straight edge in both pictures moves out to the next one, if none of ``texts`` lies between:
    white where it was exposed or black where it was collimated, an image looks like the panel beside it.
    """
    found = _largest(_changed(a, b) | (_textured(a) & _textured(b)), a)
    return _framed(found, (a, b), texts) if found else Box(x=0, y=0, w=a.shape[1], h=a.shape[0])


def moving_box(frames: Sequence[Bgr]) -> Box | None:
    """The part in which a live picture moves, or None when nothing does."""
    moved = [_changed(one, other) for one, other in pairwise(frames)]
    return _largest(np.max(np.stack(moved), axis=0), frames[0]) if moved else None


def _changed(a: Bgr, b: Bgr) -> Map:
    """1 for each block that changed, (rows / 8, columns / 8)."""
    difference = cv2.cvtColor(cv2.absdiff(a, b), cv2.COLOR_BGR2GRAY)
    return np.asarray(_means(difference) > _MOVED, np.uint8)


def _textured(bgr: Bgr) -> Map:
    """1 for each block that is grey and has many levels."""
    rows, columns = bgr.shape[0] // _BLOCK * _BLOCK, bgr.shape[1] // _BLOCK * _BLOCK
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)[:rows, :columns].astype(np.int16)
    tiles = grey.reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK).swapaxes(1, 2)
    blocks = tiles.reshape(*tiles.shape[:2], _BLOCK * _BLOCK)
    low, high = blocks.min(2, keepdims=True), blocks.max(2, keepdims=True)
    edge = np.maximum((high - low) // 8, 1)
    between = ((blocks > low + edge) & (blocks < high - edge)).mean(2)
    colour = _means(np.asarray(bgr.max(2) - bgr.min(2), np.uint8))[: blocks.shape[0], : blocks.shape[1]]
    texture = (blocks.std(2) > _TEXTURE) & (between > _BETWEEN) & (colour < _COLOURED)
    return np.asarray(texture, np.uint8)


def _means(plane: NDArray[np.uint8] | cv2.typing.MatLike) -> NDArray[np.float32]:
    size = (max(plane.shape[1] // _BLOCK, 1), max(plane.shape[0] // _BLOCK, 1))
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def _largest(blocks: Map, bgr: Bgr) -> Box | None:
    """Bounding box of the largest connected part, grown to the rim's colour; texts are too small to join it."""
    closed = cv2.morphologyEx(blocks, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return None
    x, y, w, h, _ = (int(one) * _BLOCK for one in max(stats[1:], key=lambda row: row[cv2.CC_STAT_AREA]))
    return _grown(bgr, x, y, min(x + w, bgr.shape[1]), min(y + h, bgr.shape[0]))


def _grown(bgr: Bgr, left: int, top: int, right: int, bottom: int) -> Box:
    """Sideways, then up and down, as far as something else than the rim's colour lies beside it."""
    rim = np.concatenate([bgr[:2].reshape(-1, 3), bgr[-2:].reshape(-1, 3), bgr[:, :2].reshape(-1, 3)])
    free = np.abs(bgr.astype(np.int16) - np.median(rim, axis=0)).max(2) <= _BACKGROUND
    while left > 0 and free[top:bottom, left - 1].mean() < _FREE:
        left -= 1
    while right < bgr.shape[1] and free[top:bottom, right].mean() < _FREE:
        right += 1
    while top > 0 and free[top - 1, left:right].mean() < _FREE:
        top -= 1
    while bottom < bgr.shape[0] and free[bottom, left:right].mean() < _FREE:
        bottom += 1
    return Box(x=left, y=top, w=right - left, h=bottom - top)


def _framed(found: Box, pictures: Sequence[Bgr], texts: Sequence[Box]) -> Box:
    """Sideways, then up and down, to the edges of the frame."""
    greys = [np.asarray(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY), np.int16) for one in pictures]
    beside = [(one.x, one.x + one.w) for one in texts if one.y < found.y + found.h and found.y < one.y + one.h]
    left, right = _reach(found.x, found.x + found.w, beside, [grey[found.rows] for grey in greys])
    above = [(one.y, one.y + one.h) for one in texts if one.x < right and left < one.x + one.w]
    top, bottom = _reach(found.y, found.y + found.h, above, [grey[:, left:right].T for grey in greys])
    return Box(x=left, y=top, w=right - left, h=bottom - top)


def _reach(
    low: int, high: int, texts: Sequence[tuple[int, int]], greys: Sequence[NDArray[np.int16]]
) -> tuple[int, int]:
    """``low`` and ``high``, each moved out to a straight edge before the next text. ``greys``: (along, across)."""
    least = max((end for start, end in texts if (start + end) // 2 < low), default=0)
    most = min((start for start, end in texts if (start + end) // 2 >= high), default=greys[0].shape[1])
    straight = [(np.abs(np.diff(grey, axis=1)) > _EDGE).mean(0) > _STRAIGHT for grey in greys]
    edges = np.flatnonzero(np.logical_and.reduce(straight)) + 1
    before = edges[(edges >= least) & (edges <= low + _NEAR)]
    behind = edges[(edges >= high - _NEAR) & (edges <= most)]
    further_low = len(before) and before[-1] < low - _NEAR
    further_high = len(behind) and behind[0] > high + _NEAR
    return int(before[-1]) if further_low else low, int(behind[0]) if further_high else high
