"""Small operations on voxel arrays with OpenCV and torch, slice by slice."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import grid_sample

Bytes = NDArray[np.uint8]
_CHUNK = 32
"""Slices sampled together, so that the coordinates stay small."""


def sampled(
    voxels: NDArray[np.float32], index: NDArray[np.float32], how: Literal["bilinear", "nearest"], outside: float
) -> NDArray[np.float32]:
    """Values of ``voxels`` (x, y, z) at fractional indices (planes, rows, columns, 3), trilinear or nearest."""
    source = torch.from_numpy(np.ascontiguousarray(voxels - outside))[None, None]
    last = torch.tensor([length - 1 for length in voxels.shape], dtype=torch.float32)
    found = np.empty(index.shape[:3], np.float32)
    for first in range(0, len(index), _CHUNK):
        at = torch.from_numpy(index[first : first + _CHUNK]) / last * 2 - 1
        # grid_sample names the last axis of the volume first.
        part = grid_sample(source, at.flip(-1)[None], mode=how, padding_mode="zeros", align_corners=True)
        found[first : first + _CHUNK] = part[0, 0].numpy() + outside
    return found


def dilated(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """Grown by ``steps`` voxels along the first two axes (diamond) and the third."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    grown = mask.astype(np.uint8)
    for _ in range(steps):
        flat = [cv2.dilate(np.ascontiguousarray(grown[..., k]), cross) for k in range(grown.shape[2])]
        wider: Bytes = np.stack(flat, axis=-1).astype(np.uint8)
        wider[..., 1:] = np.maximum(wider[..., 1:], grown[..., :-1])
        wider[..., :-1] = np.maximum(wider[..., :-1], grown[..., 1:])
        grown = wider
    return grown > 0


def filled(section: NDArray[np.integer | np.floating]) -> Bytes:
    """A section (0 or 1) without holes."""
    framed = cv2.copyMakeBorder(section.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    cv2.floodFill(framed, None, (0, 0), 2)
    return np.asarray(framed[1:-1, 1:-1] != 2, np.uint8)


def largest(section: NDArray[np.integer | np.floating]) -> Bytes:
    """The largest connected piece of a section, 0 or 1."""
    _, numbered, sizes, _ = cv2.connectedComponentsWithStats(section.astype(np.uint8), connectivity=4)
    if len(sizes) < 2:
        return np.zeros(section.shape, np.uint8)
    return np.asarray(numbered == 1 + int(np.argmax(sizes[1:, cv2.CC_STAT_AREA])), np.uint8)
