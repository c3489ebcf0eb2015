"""Challenges for the test: what must be refused, made by other means than what the network learnt to refuse.

A network learns the trace of its simulator; so photographs and white lungs of the test come from a second one that
shares no code with the first (image-qc.md 7.2, pitfalls 2 and 3).
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Mask, Picture, shrink
from models.training.degradations import white_out

Rng = np.random.Generator

_TRIADS = 320
"""Pixels of the simulated monitor across its width, each of three stripes."""


def photo_of_monitor(film: Picture, rng: Rng, side: int = 240) -> Picture:
    """A pinhole camera before a lit monitor in a room.

    Stripes of sub-pixels sampled by the sensor, a window's reflection, a rim of plastic, the desk under it.
    """
    emitted = _monitor(film, rng)
    height, width = emitted.shape
    yaw, pitch, roll = (math.radians(float(rng.uniform(-b, b))) for b in (26, 18, 5))
    rotation = cv2.Rodrigues(np.asarray([pitch, 0, 0]))[0] @ cv2.Rodrigues(np.asarray([0, yaw, 0]))[0]
    rotation = rotation @ cv2.Rodrigues(np.asarray([0, 0, roll]))[0]
    distance = float(rng.uniform(1.25, 2.1))
    rows = columns = side
    if rng.random() < 0.5:
        rows = int(side * 0.75)
    focal = 1.15 * columns
    corners = np.asarray([[-0.5, -0.5 * height / width], [0.5, -0.5 * height / width]])
    corners = np.vstack([corners, -corners])
    solid = np.column_stack([corners, np.zeros(4)]) @ rotation.T + (
        float(rng.uniform(-0.08, 0.08)),
        float(rng.uniform(-0.08, 0.08)),
        distance,
    )
    seen = solid[:, :2] / solid[:, 2:] * focal + (columns / 2, rows / 2)
    start = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(start, seen.astype(np.float32))
    room = np.full((rows, columns), float(rng.uniform(0.02, 0.5)), np.float32)
    room[int(rows * rng.uniform(0.75, 0.95)) :] = float(rng.uniform(0.1, 0.7))
    photo = cv2.warpPerspective(emitted, matrix, (columns, rows), room, cv2.INTER_NEAREST, cv2.BORDER_TRANSPARENT)
    photo = np.asarray(photo, np.float32) + _reflection(rows, columns, rng)
    photo = cv2.GaussianBlur(photo, (0, 0), float(rng.uniform(0.3, 0.9)))
    sensor = rng.standard_normal(photo.shape, np.float32) * np.sqrt(np.maximum(photo, 0.02)) * 0.03
    return np.asarray(np.clip(photo + sensor, 0, 1), np.float32)


def _monitor(film: Picture, rng: Rng) -> Picture:
    """The film shown on three stripes per pixel, in a case."""
    width = _TRIADS
    height = round(width * float(rng.choice([0.6, 0.75, 1.2])))
    page = np.full((height, width), float(rng.uniform(0, 0.08)), np.float32)
    scale = min(width * 0.98 / film.shape[1], height * 0.98 / film.shape[0])
    size = round(film.shape[1] * scale), round(film.shape[0] * scale)
    x, y = (width - size[0]) // 2, (height - size[1]) // 2
    page[y : y + size[1], x : x + size[0]] = cv2.resize(film, size, interpolation=cv2.INTER_LINEAR)
    fine = np.repeat(np.repeat(page, 3, axis=0), 3, axis=1)
    stripes = np.tile(np.asarray(rng.permutation([0.75, 1.0, 1.25]), np.float32), width)
    fine = fine * stripes[None, :]
    fine[::3] *= 0.8
    rim = int(width * 3 * rng.uniform(0.02, 0.07))
    shade = float(rng.uniform(0.02, 0.85))
    return np.asarray(cv2.copyMakeBorder(fine, rim, rim, rim, rim, cv2.BORDER_CONSTANT, value=shade), np.float32)


def _reflection(rows: int, columns: int, rng: Rng) -> Picture:
    """A window with its cross, soft and slanted."""
    layer = np.zeros((rows, columns), np.float32)
    if rng.random() < 0.3:
        return layer
    x, y = int(rng.uniform(0, 0.8) * columns), int(rng.uniform(0, 0.7) * rows)
    width, height = (int(rng.uniform(0.12, 0.35) * length) for length in (columns, rows))
    slant = int(rng.uniform(-0.2, 0.2) * width)
    for part in range(4):
        left, top = x + (part % 2) * (width // 2 + 3), y + (part // 2) * (height // 2 + 3)
        right, bottom = left + width // 2, top + height // 2
        pane = np.asarray([[left, top], [right, top + slant], [right, bottom + slant], [left, bottom]], np.int32)
        cv2.fillConvexPoly(layer, pane, float(rng.uniform(0.08, 0.45)))
    return np.asarray(cv2.GaussianBlur(layer, (0, 0), float(rng.uniform(1, 5))), np.float32)


def opaque_lung(film: Picture, lungs: Mask, at_left: bool, rng: Rng) -> Picture:
    """One lung white by the project's own degradation: it takes the grey of the tissue about it."""
    opacity, softness = float(rng.uniform(0.88, 1.0)), float(rng.uniform(0.008, 0.03))
    white = white_out(film, _half(lungs, at_left), opacity, softness=softness)
    grain = cv2.GaussianBlur(rng.standard_normal(film.shape, np.float32), (0, 0), float(rng.uniform(2, 12)))
    return np.asarray(np.clip(white + grain * 0.05, 0, 1), np.float32)


def after_pneumonectomy(film: Picture, lungs: Mask, at_left: bool, rng: Rng) -> Picture:
    """A lung gone: its side white and narrow, the trunk's shadow drawn over, ribs closer there."""
    white = opaque_lung(film, lungs, at_left, rng)
    rows, columns = film.shape
    narrow = float(rng.uniform(0.65, 0.85))
    half = columns // 2
    sides = [white[:, :half], white[:, half:]]
    lost = 0 if at_left else 1
    sides[lost] = shrink(sides[lost], (max(1, round(half * narrow)), rows))
    joined = np.hstack(sides)
    return np.asarray(joined, np.float32)


def _half(lungs: Mask, at_left: bool) -> NDArray[np.bool_]:
    """The lung of one side of the picture: what lies there of the middle between both."""
    columns = np.flatnonzero(lungs.any(axis=0))
    middle = int((columns[0] + columns[-1]) // 2) if len(columns) else lungs.shape[1] // 2
    kept = lungs.copy()
    if at_left:
        kept[:, middle:] = False
    else:
        kept[:, :middle] = False
    return kept
