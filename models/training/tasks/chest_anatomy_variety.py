"""Variety for chest-anatomy: every film another one each time, so that a few sources stand for many.

Geometry (zoom, crop, collimation, tilt, mirror), tone (processing, haze, blur, noise) and things that lie over a
film (markers, leads, electrodes, opacities). Truth follows geometry; tone and things leave it alone.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.lines import Side
from models.image.picture import Mask, Picture
from models.training.degradations import crop_field
from models.training.degradations.field import Outside
from models.training.films import Plate, Points
from models.training.tasks.chest_anatomy_window import Box, Seen, another_window

Rng = np.random.Generator

_OTHER_SIDE = (("image_left", "image_right"), ("image_right", "image_left"))


def varied(plate: Plate, side: int, rng: Rng) -> Seen:
    """Another film of the same chest; its long side is ``side`` pixels. The plate's values are 0..1."""
    if rng.random() < 0.5:
        plate = mirrored(plate)
    seen = another_window(plate, side, rng)
    exposed = exposed_by(seen.field, seen.plate.values.shape)
    reached = (seen.plate.values > -0.5) & exposed
    picture = np.maximum(seen.plate.values, 0)
    if not exposed.all() and rng.random() < 0.5:
        picture, reached = _closed(picture, seen.field, rng), seen.plate.values > -0.5
    picture = _things(_opacities(processed(picture, rng), rng), rng)
    return Seen(_shown(seen.plate, _collimated(picture, reached, rng), exposed), seen.field, seen.cut)


def exposed_by(field: Box, shape: tuple[int, ...]) -> Mask:
    """The pixels inside the field's borders."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    left, top, right, bottom = field
    across = (columns + 0.5 > left) & (columns + 0.5 < right)
    return np.asarray(across & (rows + 0.5 > top) & (rows + 0.5 < bottom))


def _closed(picture: Picture, field: Box, rng: Rng) -> Picture:
    """The collimator's own look: scatter and noise beyond the border, or a black shutter on it."""
    rows, columns = picture.shape
    left, top, right, bottom = field
    shares: tuple[tuple[Side, float], ...] = (
        ("left", left / columns),
        ("top", top / rows),
        ("right", 1 - right / columns),
        ("bottom", 1 - bottom / rows),
    )
    outside: Outside = "unexposed" if rng.random() < 0.6 else "shutter"
    for side, share in shares:
        if share > 0:
            picture = crop_field(
                picture, side, min(share, 0.9), rng, outside=outside, penumbra_px=float(rng.uniform(0.3, 1.2))
            ).film
    return picture


def _shown(plate: Plate, picture: Picture, exposed: Mask) -> Plate:
    """What is known inside the field; outside there is nothing."""
    if exposed.all():
        return Plate(picture, plate.maps, plate.points, plate.trusted)
    maps = {name: np.where(exposed, m, np.uint8(0)) for name, m in plate.maps.items()}
    points = {name: _within(of, exposed) for name, of in plate.points.items()}
    trusted = None if plate.trusted is None else np.where(exposed, plate.trusted, np.uint8(255))
    return Plate(picture, maps, points, trusted)


def _within(points: Points, exposed: Mask) -> Points:
    if not len(points):
        return points
    columns, rows = np.floor(points).astype(int).T
    height, width = exposed.shape
    kept = exposed[rows.clip(0, height - 1), columns.clip(0, width - 1)]
    return np.asarray(points[kept], np.float32)


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
