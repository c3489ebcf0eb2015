"""Connected parts of a volume: components of each slice, linked where they lie over each other."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
_MANY = 1_000_000
"""Possible pairs of labels above which they are sorted instead of counted."""


def labelled(mask: Mask) -> NDArray[np.int32]:
    """(n, rows, columns) labels from 1; equal where two pixels are connected through slices. 0 outside."""
    labels = np.zeros(mask.shape, np.int32)
    parent: list[int] = [0]
    start, count = 1, 0
    for at, one in enumerate(mask):
        above, above_start, above_count = labels[at - 1], start, count
        start = len(parent)
        count = cv2.connectedComponents(one.view(np.uint8), labels[at], connectivity=8)[0] - 1
        parent.extend(range(start, start + count))
        if count:
            labels[at][one] += start - 1
        if count and above_count and at:
            both = (above > 0) & one
            pairs = (above[both] - above_start) * count + (labels[at][both] - start)
            for pair in np.flatnonzero(np.bincount(pairs)) if above_count * count < _MANY else np.unique(pairs):
                _join(parent, above_start + int(pair) // count, start + int(pair) % count)
    return np.array([_root(parent, one) for one in range(len(parent))], np.int32)[labels]


def _join(parent: list[int], one: int, other: int) -> None:
    first, second = _root(parent, one), _root(parent, other)
    parent[max(first, second)] = min(first, second)


def _root(parent: list[int], label: int) -> int:
    while parent[label] != label:
        parent[label] = parent[parent[label]]
        label = parent[label]
    return label


def largest(mask: Mask) -> Mask:
    """The largest connected part of one slice."""
    count, found, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    if count == 1:
        return np.zeros_like(mask, dtype=np.bool_)
    return np.asarray(found == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), np.bool_)


def filled(mask: Mask) -> Mask:
    """One slice with the holes of every part filled."""
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    drawn = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(drawn, outlines, -1, 1, cv2.FILLED)
    return drawn > 0


def disc(radius_mm: float, spacing_mm: tuple[float, float]) -> NDArray[np.uint8]:
    """A kernel of this radius on pixels of (between rows, between columns)."""
    high, wide = (max(1, 2 * round(radius_mm / step) + 1) for step in spacing_mm)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, high)), np.uint8)
