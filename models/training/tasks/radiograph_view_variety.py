"""Variety for radiograph-view: another film of the same patient, turned, mirrored, inverted or with a white lung.

What must not matter (window, tone, resolution, markers) changes at random; the heart and the aortic arch stay on
the film, for only they tell a mirrored one.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture, shrink
from models.training.degradations import jpeg, low_resolution

Rng = np.random.Generator

_THICK = 13
"""Pixels at a long side of 240: anything bright and narrower than this may be a marker or a letter."""
_STANDS_OUT = 0.16
_WORDS = ("R", "L", "RECHTS", "LINKS", "AP", "PORTABLE", "ERECT", "SUPINE", "12:45", "D", "G", "P")


def window(film: Picture, rng: Rng, side: int) -> Picture:
    """Another frame about the same chest: borders moved a little, tilted, stretched; long side about ``side``."""
    rows, columns = film.shape
    left, right = rng.uniform(-0.10, 0.09, 2)
    top, bottom = rng.uniform(-0.10, 0.11), rng.uniform(-0.10, 0.16)
    width, height = columns * (1 - left - right), rows * (1 - top - bottom)
    scale = side * rng.uniform(0.8, 1.05) / max(width, height)
    stretch = math.sqrt(rng.uniform(0.88, 1.14))
    across, down = scale * stretch, scale / stretch
    tilt = math.radians(float(np.clip(rng.normal(0, 3), -9, 9)))
    linear = np.diag([across, down]) @ np.asarray(
        [[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]]
    )
    size = max(32, round(width * across)), max(32, round(height * down))
    middle = np.asarray([columns * left + width / 2, rows * top + height / 2])
    matrix = np.column_stack([linear, np.asarray(size) / 2 - linear @ middle])
    if rng.random() < 0.7:
        outside = float(rng.choice([0.0, 0.0, rng.uniform(0, 0.3), 1.0]))
        moved = cv2.warpAffine(film, matrix, size, flags=cv2.INTER_LINEAR, borderValue=outside)
    else:
        moved = cv2.warpAffine(film, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def bent(film: Picture, rng: Rng, most: float) -> Picture:
    """Stretched here and pressed there, by up to ``most`` of the film: many patients from few."""
    rows, columns = film.shape
    knots = rng.uniform(-most, most, (2, 4, 4)).astype(np.float32)
    shift = [cv2.resize(knot, (columns, rows), interpolation=cv2.INTER_CUBIC) for knot in knots]
    y, x = np.indices(film.shape, dtype=np.float32)
    moved = cv2.remap(film, x + shift[0] * columns, y + shift[1] * rows, cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def tone(film: Picture, rng: Rng) -> Picture:
    """Another maker's processing, another resolution, another file format."""
    if rng.random() < 0.5:
        low = cv2.GaussianBlur(film, (0, 0), float(rng.choice([4, 8, 16])))
        film = low * float(rng.uniform(0.5, 1.2)) + (film - low) * float(rng.uniform(0.5, 1.8))
    if rng.random() < 0.3:
        knots = rng.uniform(-1, 1, (3, 3)).astype(np.float32) * float(rng.uniform(0, 0.25))
        film = film + cv2.resize(knots, film.shape[::-1], interpolation=cv2.INTER_CUBIC)
    if rng.random() < 0.3:
        film = np.clip(film, *np.percentile(film[::4, ::4], (rng.uniform(0, 12), rng.uniform(85, 100))))
    film = _unit(np.asarray(film, np.float32))
    if rng.random() < 0.45:  # hands and slices exist at 64 pixels only: sharpness must tell nothing
        film = low_resolution(film, max(1.0, max(film.shape) / float(rng.uniform(60, 150))))
    if rng.random() < 0.35:
        film = film + rng.standard_normal(film.shape, np.float32) * np.float32(rng.uniform(0.01, 0.08))
    if rng.random() < 0.15:
        film = jpeg(film, int(rng.integers(25, 85)))
    return np.asarray(film, np.float32)


def without_markers(film: Picture) -> Picture:
    """Letters, side markers and other small bright things painted over with the grey about them.

    A network that reads a mirrored R has not learnt where the heart is: training hides markers at random, and
    the figures for mirrored films are given with and without them.
    """
    size = max(3, round(_THICK * max(film.shape) / 240)) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    around = np.asarray(cv2.morphologyEx(film, cv2.MORPH_OPEN, kernel), np.float32)
    found = (film - around > _STANDS_OUT).astype(np.uint8)
    grown = cv2.dilate(found, np.ones((3, 3), np.uint8)).astype(bool)
    return np.where(grown, around, film)


def without_a_part(film: Picture, rng: Rng) -> Picture:
    """A part of the chest hidden: one sign alone must not decide."""
    rows, columns = film.shape
    height, width = int(rows * rng.uniform(0.12, 0.35)), int(columns * rng.uniform(0.12, 0.35))
    top, left = int(rng.integers(0, rows - height)), int(rng.integers(0, columns - width))
    film = film.copy()
    part = film[top : top + height, left : left + width]
    part[:] = part.mean() if rng.random() < 0.5 else rng.uniform(0, 1)
    return film


def markers(film: Picture, rng: Rng) -> Picture:
    """Letters and blocks that tell nothing: either side, either way round."""
    rows, columns = film.shape
    layer = np.zeros(film.shape, np.uint8)
    for _ in range(int(rng.integers(1, 4))):
        word = str(rng.choice(_WORDS))
        at = (
            int(rng.uniform(0, 0.9) * columns),
            int(rng.choice([rng.uniform(0.03, 0.25), rng.uniform(0.8, 1)]) * rows),
        )
        cv2.putText(layer, word, at, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.25, 0.8)), 255, 1, cv2.LINE_AA)
    if rng.random() < 0.5:
        layer = layer[:, ::-1]
    shade = 1.0 if rng.random() < 0.8 else 0.0
    weight = layer.astype(np.float32) / 255 * np.float32(rng.uniform(0.5, 1))
    return np.asarray(film * (1 - weight) + shade * weight, np.float32)


def white_lung(film: Picture, lung: NDArray[np.bool_] | None, rng: Rng) -> Picture:
    """One lung filled: consolidated, effused, collapsed or taken out, the mediastinum drawn over or pushed away.

    Where no mask says which lung, one half of the chest is filled from the midline outwards.
    """
    rows, columns = film.shape
    at_left = bool(rng.random() < 0.5)
    if lung is None:
        lung = _half_chest(film.shape, at_left, rng)
    else:
        half = np.zeros(film.shape, bool)
        half[:, : columns // 2] = True
        lung = lung & (half if at_left else ~half)
        lung = cv2.dilate(lung.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    film = _shifted(film, at_left, float(rng.uniform(-0.06, 0.12)))
    weight = cv2.GaussianBlur(lung.astype(np.float32), (0, 0), float(rng.uniform(1.5, 6)) * columns / 240)
    dense = float(np.percentile(film[::3, ::3], rng.uniform(60, 97)))
    haze = dense + _cloud(film.shape, rng) * float(rng.uniform(0, 0.1))
    if rng.random() < 0.65:
        haze = haze + _texture(film, rng)
    opacity = weight * np.float32(rng.uniform(0.82, 1.0))
    if rng.random() < 0.35:  # fluid with a level, or a base that is left: at least three quarters are white
        edge = float(rng.uniform(0.0, 0.22)) * rows
        ramp = np.clip((np.arange(rows, dtype=np.float32) - edge) / (0.08 * rows), 0, 1)[:, None]
        opacity = opacity * ramp
    return np.asarray(film * (1 - opacity) + haze * opacity, np.float32)


def oriented(film: Picture, turn: int, mirrored: bool) -> Picture:
    """Mirrored first, then turned clockwise by ``turn`` quarters."""
    if mirrored:
        film = film[:, ::-1]
    return np.ascontiguousarray(np.rot90(film, -turn))


def _unit(film: Picture) -> Picture:
    low, high = float(film.min()), float(film.max())
    return np.asarray((film - low) / max(high - low, 1e-6), np.float32)


def _half_chest(shape: tuple[int, ...], at_left: bool, rng: Rng) -> NDArray[np.bool_]:
    rows, columns = shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    x = x / columns if at_left else 1 - x / columns
    y = y / rows
    inner = 0.47 - rng.uniform(0, 0.05)
    lung = ((x - 0.28) / 0.22) ** 2 + (np.maximum(np.abs(y - 0.46) - 0.12, 0) / 0.26) ** 2 < 1
    return np.asarray(lung & (x < inner) & (y < rng.uniform(0.75, 0.92)))


def _shifted(film: Picture, at_left: bool, pull: float) -> Picture:
    """The midline drawn towards the white side by ``pull`` of the width (negative: pushed away)."""
    rows, columns = film.shape
    x = np.arange(columns, dtype=np.float32) / columns
    bump = np.sin(np.pi * x) ** 2 * np.float32(pull if at_left else -pull)
    along = np.broadcast_to(((x + bump) * columns)[None, :], film.shape).astype(np.float32)
    down = np.broadcast_to(np.arange(rows, dtype=np.float32)[:, None], film.shape)
    moved = cv2.remap(film, along, np.ascontiguousarray(down), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32)


def _texture(film: Picture, rng: Rng) -> Picture:
    """What is still seen in a white lung: ribs, and grain of any size. Nothing at all must not be its mark."""
    ribs = film - cv2.GaussianBlur(film, (0, 0), float(rng.uniform(0.02, 0.06)) * film.shape[1])
    grain = rng.standard_normal(film.shape, np.float32) * np.float32(rng.uniform(0, 0.1))
    size = float(rng.uniform(0.4, 10))
    grain = cv2.GaussianBlur(grain, (0, 0), size) * np.float32(max(1.0, size * rng.uniform(0.5, 2)))
    return np.asarray(ribs * np.float32(rng.uniform(0, 0.8)) + grain, np.float32)


def _cloud(shape: tuple[int, ...], rng: Rng) -> Picture:
    knots = rng.uniform(-1, 1, (5, 5)).astype(np.float32)
    return np.asarray(cv2.resize(knots, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def thumbnail(picture: Picture, side: int) -> Picture:
    """Long side at most ``side``."""
    scale = max(1.0, max(picture.shape) / side)
    return shrink(picture, (max(1, round(picture.shape[1] / scale)), max(1, round(picture.shape[0] / scale))))
