"""Trim: from a field's box as a person draws it to the line of text in it.

Measured (design capture-ocr.md, 5): 1.5 to 4.5 points of exact readings for the older networks, 0.7 for the chosen
one on bad captures. The frame of an input field, read as "1" or "|", goes with it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capture.screen.ocr.engine import Bgr

_FROM_BACKGROUND = 48
"""Grey levels by which ink stands out from the background."""
_PLAIN = 12
"""Grey levels within which half of the pixels of a plain background lie."""
_PAD = 3
"""Pixels left around the ink."""
_NARROWEST = 8


def trim(crop: Bgr) -> Bgr:
    """The part of ``crop`` with ink in it and a margin; the crop itself where its background is not plain."""
    if min(crop.shape[:2]) < _NARROWEST:
        return crop
    ink = _ink(crop)
    if ink is None:
        return crop
    ink = _one_line(_without_frame(ink))
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    if not len(rows) or not len(columns):
        return crop
    # A dash alone is low: it needs the height of a line around it to be told from a letter.
    lacking = max(crop.shape[0] // 2 - int(rows[-1] - rows[0]), 2 * _PAD) // 2
    top, bottom = max(rows[0] - lacking, 0), rows[-1] + 1 + lacking
    left, right = max(columns[0] - _PAD, 0), columns[-1] + 1 + _PAD
    return crop[top:bottom, left:right]


def _ink(crop: Bgr) -> NDArray[np.bool_] | None:
    pixels = crop.astype(np.int16)
    background = np.median(pixels.reshape(-1, 3), axis=0)
    away = np.abs(pixels - background).max(2)
    if np.count_nonzero(away < _PLAIN) < away.size // 2:
        return None
    return np.asarray(away > min(_FROM_BACKGROUND, max(away.max() // 3, 1)))


def _without_frame(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the lines of an input field: rows and columns at the rim that are ink almost from end to end."""
    kept = ink.copy()
    for lines, along in ((kept, 1), (kept.T, 0)):
        full = ink.mean(axis=along) > 0.8
        # In a long box a line from end to end is no text, wherever it lies: fields move with what they show.
        long = ink.shape[along] > 3 * len(full)
        rim = len(full) if long else max(len(full) // 4, 2)
        for k in np.flatnonzero(full):
            if k < rim or k >= len(full) - rim:
                lines[k] = False
    return kept


def _one_line(ink: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without what the box cuts off the rows above and below, where a line stands free between them.

    Only in a box at least twice as high as that line: in a tight one a stroke at the rim is part of it (三).
    """
    rows: NDArray[np.bool_] = np.asarray(ink.any(axis=1))
    inner = rows.copy()
    inner[: _run(rows)] = False
    inner[len(rows) - _run(rows[::-1]) :] = False
    kept = np.flatnonzero(inner)
    high = kept[-1] + 1 - kept[0] if len(kept) else 0
    if not len(rows) / 4 <= high <= len(rows) / 2:
        return ink
    return np.asarray(ink & inner[:, None])


def _run(rows: NDArray[np.bool_]) -> int:
    """How many rows from the first on have ink."""
    return int(np.argmin(rows)) if not rows.all() else len(rows)
