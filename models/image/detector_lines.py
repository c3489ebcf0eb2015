"""Lines and steps that a detector draws: straight along rows or columns, one sign all along."""

from __future__ import annotations

import cv2
import numpy as np

from models.image.picture import Mask, Picture

_STRIDE = 4
"""Every fourth pixel along a line is enough to know its sign."""
_ONE_SIGN = 0.8
"""Share of a line's pixels that must deviate to one side, in a quarter of its length."""
_NARROW = 0.6
_OUTLIER = 8.0
"""A step is this many robust deviations beyond those of the other columns."""
_MARGIN = 0.012
"""Share of the box at either end in which no line is looked for."""
_REACH = 6
"""Columns nearer than this belong to one line."""


def dead_lines(box: Picture) -> list[int]:
    """Columns that differ to one side from both neighbours in at least two quarters of the box.

    The neighbours are two pixels away, so one to three dead columns side by side count as one line. A step
    differs from one neighbour only and is none. Noise does so in a third of the pixels, anatomy where it has an
    edge along the column; neither reaches the share asked for here over half of the picture.
    """
    sampled = box[::_STRIDE]
    left = sampled - np.roll(sampled, 2, axis=1)
    right = sampled - np.roll(sampled, -2, axis=1)
    brighter, darker = (left > 0) & (right > 0), (left < 0) & (right < 0)
    hit = (_shares(brighter) >= _ONE_SIGN).sum(axis=0) >= 2
    hit |= (_shares(darker) >= _ONE_SIGN).sum(axis=0) >= 2
    _spare(hit, 3)
    deepest = (max(map(int, group), key=lambda at: _depths(sampled, at, 2).sum()) for group in _groups(hit))
    return [at for at in deepest if _narrow(sampled, at)]


def _narrow(sampled: Picture, at: int) -> bool:
    """Whether a column stands out as much from near neighbours as from those further off: a valley does not."""
    near, far = _depths(sampled, at, 2), _depths(sampled, at, _REACH)
    return int(((near > 0) & (near >= _NARROW * far)).sum()) >= 2


def _depths(sampled: Picture, at: int, reach: int) -> Picture:
    """Per quarter the lesser of the median differences to both sides; 0 where they have different signs."""
    left, right = max(at - reach, 0), min(at + reach, sampled.shape[1] - 1)
    depths = []
    for rows in np.array_split(sampled, 4):
        one, other = (float(np.median(rows[:, at] - rows[:, side])) for side in (left, right))
        depths.append(min(abs(one), abs(other)) if one * other > 0 else 0.0)
    return np.array(depths, np.float32)


def stitch_steps(box: Picture, lines: list[int]) -> list[int]:
    """Columns at which the level steps by more than the slope around it, in every quarter of the box.

    ``lines``: dead lines, about which there is no telling.
    """
    sampled = box[:: 2 * _STRIDE]
    step = np.zeros_like(sampled)
    step[:, 4:-4] = _mean3(sampled, 1) - _mean3(sampled, -4)
    step -= cv2.blur(step, (41, 1))
    rising, falling = _shares(step > 0).min(axis=0), _shares(step < 0).min(axis=0)
    hit = np.maximum(rising, falling) >= _ONE_SIGN
    _spare(hit, 24)
    found = []
    for group in _groups(hit):
        level = [np.median(part[:, group], axis=0) for part in np.array_split(step, 4)]
        spread = [
            1.4826 * float(np.median(np.abs(np.median(part[:, ::8], axis=0)))) for part in np.array_split(step, 4)
        ]
        far = np.all([np.abs(one) > _OUTLIER * wide for one, wide in zip(level, spread, strict=True)], axis=0)
        at = int(group[np.abs(np.sum(level, axis=0)).argmax()])
        if far.any() and all(abs(at - line) > _REACH for line in lines):
            found.append(at)
    return found


def _shares(mask: Mask) -> Picture:
    """Share of True per column in each quarter of the rows; (4, columns)."""
    return np.array([part.mean(axis=0, dtype=np.float32) for part in np.array_split(mask, 4)])


def _spare(hit: Mask, least: int) -> None:
    """Take out the columns at both ends: a border of the field may stand there, too near to be seen as one."""
    margin = max(least, round(_MARGIN * len(hit)))
    hit[:margin] = hit[-margin:] = False


def _groups(hit: Mask) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    at = np.flatnonzero(hit)
    return np.split(at, np.flatnonzero(np.diff(at) > _REACH) + 1) if len(at) else []


def _mean3(rows: Picture, offset: int) -> Picture:
    """Mean of three neighbours that begin ``offset`` columns from each of the inner columns."""
    width = rows.shape[1]
    parts = [rows[:, 4 + offset + k : width - 4 + offset + k] for k in range(3)]
    return np.asarray((parts[0] + parts[1] + parts[2]) / 3, np.float32)
