"""Variety for chest-anatomy: every film another one each time, so that a few sources stand for many.

Geometry (zoom, crop, collimation, tilt, mirror), tone (processing, haze, blur, noise) and things that lie over a
film (markers, leads, electrodes, opacities). Truth follows geometry; tone and things leave it alone.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture
from models.training.films import Plate, warped

Rng = np.random.Generator

_ASPECTS = (0.65, 1.5)
"""Width over height that a chest film may have."""
_OTHER_SIDE = (("image_left", "image_right"), ("image_right", "image_left"))


def varied(plate: Plate, side: int, rng: Rng) -> Plate:
    """Another film of the same chest; its long side is ``side`` pixels. The plate's values are 0..1."""
    if rng.random() < 0.5:
        plate = mirrored(plate)
    seen = _another_window(plate, side, rng)
    reached = seen.values > -0.5
    picture = _things(_opacities(processed(np.maximum(seen.values, 0), rng), rng), rng)
    picture = _collimated(picture, reached, rng)
    return Plate(picture, seen.maps, seen.points, seen.trusted)


def mirrored(plate: Plate) -> Plate:
    """Left and right of the picture exchanged, names too."""
    width = plate.size[0]
    return Plate(
        values=np.ascontiguousarray(plate.values[:, ::-1]),
        maps={_other(name): np.ascontiguousarray(m[:, ::-1]) for name, m in plate.maps.items()},
        points={
            _other(name): np.asarray(p * (-1, 1) + (width, 0), np.float32) if len(p) else p
            for name, p in plate.points.items()
        },
        trusted=None if plate.trusted is None else np.ascontiguousarray(plate.trusted[:, ::-1]),
    )


def _other(name: str) -> str:
    for this, that in _OTHER_SIDE:
        if name.endswith(this):
            return name.removesuffix(this) + that
    return name


def _another_window(plate: Plate, side: int, rng: Rng) -> Plate:
    """Each border moved in (a crop) or out (more shutter, -1 in the values), then turned, stretched and scaled."""
    columns, rows = plate.size
    while True:
        left, top, right, bottom = (_border(rng) for _ in range(4))
        width, height = columns * max(0.4, 1 - left - right), rows * max(0.4, 1 - top - bottom)
        if _ASPECTS[0] < width / height < _ASPECTS[1]:
            break
    stretch = math.sqrt(rng.uniform(0.9, 1.1))
    scale = side / max(width * stretch, height / stretch)
    turn = math.radians(float(np.clip(rng.normal(0, 6), -18, 18)))
    shear = float(rng.normal(0, 0.04))
    across, down = scale * stretch, scale / stretch
    size = min(side, round(width * across)), min(side, round(height * down))
    shape = np.asarray([[math.cos(turn), -math.sin(turn) + shear], [math.sin(turn), math.cos(turn)]])
    linear = np.diag([across, down]) @ shape
    middle = np.asarray([columns * left + width / 2, rows * top + height / 2])
    shift = np.asarray(size) / 2 - linear @ middle
    matrix = np.column_stack([linear, shift]).astype(np.float32)
    return warped(plate, matrix, size, outside=-1.0)


def _border(rng: Rng) -> float:
    """Part of the side cut off (positive) or added (negative)."""
    kind = rng.random()
    if kind < 0.35:
        return float(rng.uniform(-0.02, 0.04))
    return float(rng.uniform(0, 0.28)) if kind < 0.65 else -float(rng.uniform(0, 0.30))


def processed(picture: Picture, rng: Rng) -> Picture:
    """Another maker's processing: local contrast, haze, curve, blur, noise."""
    coarse = float(rng.choice([6, 12, 24, 48]))
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    smooth = cv2.resize(cv2.GaussianBlur(small, (0, 0), coarse / 4), picture.shape[::-1])
    if rng.random() < 0.7:
        picture = smooth * float(rng.uniform(0.4, 1.2)) + (picture - smooth) * float(rng.uniform(0.5, 1.6))
    if rng.random() < 0.5:
        picture = picture + _slope(picture.shape, rng) * float(rng.uniform(0, 0.35))
    if rng.random() < 0.6:
        low, high = float(picture.min()), float(picture.max()) + 1e-6
        picture = ((picture - low) / (high - low)) ** np.float32(math.exp(rng.normal(0, 0.5)))
    if rng.random() < 0.35:
        ends = np.percentile(picture[::4, ::4], (rng.uniform(0, 15), rng.uniform(82, 100)))
        picture = picture.clip(*ends.astype(np.float32))
    if rng.random() < 0.3:
        picture = _blurred(picture, float(rng.uniform(0.4, 1.8)))
    if rng.random() < 0.4:
        grain = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(0.005, 0.06))
        picture = picture + (_blurred(grain, 0.8) * 1.6 if rng.random() < 0.5 else grain)
    return np.asarray(picture, np.float32)


def _blurred(picture: Picture, sigma: float) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _slope(shape: tuple[int, ...], rng: Rng) -> Picture:
    """A smooth field, -1..1: heel effect, a turned grid, a breast, a scatter pedestal."""
    knots = rng.uniform(-1, 1, (int(rng.integers(2, 5)), int(rng.integers(2, 5)))).astype(np.float32)
    return np.asarray(cv2.resize(knots, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _opacities(picture: Picture, rng: Rng) -> Picture:
    """Consolidation and effusion: soft bright spots; more often low than high."""
    if rng.random() < 0.65:
        return picture
    rows, columns = picture.shape
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for _ in range(int(rng.integers(1, 5))):
        across, down = rng.uniform(0.03, 0.18, 2) * columns
        cx, cy = rng.uniform(0.1, 0.9) * columns, (rng.beta(2, 1.3)) * rows
        spot = np.exp(-(((x - cx) / across) ** 2 + ((y - cy) / down) ** 2))
        strength = float(rng.uniform(0.08, 0.4))
        if rng.random() < 0.5:  # a bright one never gets brighter than what is dense already
            picture = np.maximum(picture, picture * (1 - spot) + spot * min(1.0, float(picture.mean()) + strength))
        else:
            picture = picture + spot * strength * (1 if rng.random() < 0.85 else -0.6)
    return np.asarray(picture, np.float32)


def _things(picture: Picture, rng: Rng) -> Picture:
    """Markers, text, leads, tubes, electrodes, as shades added to the film."""
    if rng.random() < 0.4:
        return picture
    rows, columns = picture.shape
    layer = np.zeros((rows, columns), np.uint8)
    if rng.random() < 0.6:
        for _ in range(int(rng.integers(1, 5))):
            path = _path(rows, columns, rng)
            cv2.polylines(layer, [path], False, _shade(rng), int(rng.integers(1, 4)), cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 6))):
        at = int(rng.uniform(0, columns)), int(rng.uniform(0, rows))
        radius = int(rng.uniform(1, 7))
        cv2.circle(layer, at, radius, _shade(rng), -1 if rng.random() < 0.6 else 1, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 3))):
        word = str(rng.choice(["R", "L", "AP", "PORTABLE", "ERECT", "SUPINE", "12:45", "P", "WORK"]))
        at = int(rng.uniform(-0.05, 0.95) * columns), int(rng.uniform(0.03, 1) * rows)
        cv2.putText(layer, word, at, cv2.FONT_HERSHEY_SIMPLEX, float(rng.uniform(0.3, 0.9)), 255, 1, cv2.LINE_AA)
    if rng.random() < 0.2:  # a device: a block with an edge
        x, y = int(rng.uniform(0, 0.9) * columns), int(rng.uniform(0, 0.9) * rows)
        size = int(rng.uniform(0.03, 0.15) * columns)
        cv2.rectangle(layer, (x, y), (x + size, y + size), _shade(rng), -1)
    soft = _blurred(np.asarray(layer / 255, np.float32), float(rng.uniform(0.3, 0.8)))
    return np.asarray(picture + soft * float(rng.uniform(0.2, 0.8)), np.float32)


def _shade(rng: Rng) -> int:
    return int(rng.uniform(50, 255))


def _path(rows: int, columns: int, rng: Rng) -> NDArray[np.int32]:
    """A bent line across the film: a cubic curve through random points."""
    knots = rng.uniform(-0.1, 1.1, (4, 2)) * (columns, rows)
    t = np.linspace(0, 1, 24)[:, None]
    curve = (
        (1 - t) ** 3 * knots[0] + 3 * (1 - t) ** 2 * t * knots[1] + 3 * (1 - t) * t**2 * knots[2] + t**3 * knots[3]
    )
    return np.asarray(curve.round(), np.int32)


def _collimated(picture: Picture, reached: NDArray[np.bool_], rng: Rng) -> Picture:
    """Outside the old film: a shutter's shadow with penumbra, its level and its noise; sometimes a cut edge."""
    if reached.all():
        return picture
    inside = reached.astype(np.float32)
    if rng.random() < 0.7:
        inside = _blurred(inside, float(rng.uniform(0.4, 2.0)))
    low, high = np.percentile(picture[reached][::7], (1, 99)) if reached.any() else (0.0, 1.0)
    level = high + 0.1 if rng.random() < 0.12 else low - float(rng.uniform(0, 0.2)) * (high - low)
    shade = np.full(picture.shape, level, np.float32)
    if rng.random() < 0.5:
        shade += rng.standard_normal(picture.shape, np.float32) * np.float32(0.02)
    return np.asarray(picture * inside + shade * (1 - inside), np.float32)
