"""Motion blur: a spectrum that falls off in one direction only.

A part that moves by L while it is exposed loses the frequencies along its way by ``sinc(f L)``; across it loses
nothing. The mean spectrum of many tiles is cut into rings and sectors, the direction is found by that law, and
two linear models on the rings (along, across, mean) give a probability and a length. Fitted on films blurred by
known amounts (:mod:`models.training.degradations.proof`); coefficients, origin and figures are in
``motion.toml``.

The picture is taken at 448 pixels of its long side, a pixel being about a millimetre of a chest: gross motion, 2
mm and more.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.metric import Radiograph
from models.image.picture import Mask, Picture, shrink
from models.image.polarity import part_of
from models.measurement import Measured, Measurement, NotMeasured, Reason

NAMES = frozenset({"image.motion_blur_probability", "image.motion_blur_mm"})
Vector = NDArray[np.float64]

SIDE = 448
_TILE, _STEP = 128, 64
_SECTORS, _RINGS = 12, 12
_EDGES = np.geomspace(0.02, 0.5, _RINGS + 1)
"""Cycles per pixel."""
_LEAST_TILES = 4
_PROVEN = 1.3
"""Film pixels per pixel here up to which it was proven: no open set has films of full resolution (handbook,
degradations)."""
_UNPROVEN_SURE = 0.5
_FLAT_SHARE, _FLAT_END = 0.03, 0.02
"""A tile with more of its pixels at an end of the range shows a border, not anatomy."""
_LENGTHS = np.geomspace(1, 14, 40)
_FLOORS = (0.003, 0.03, 0.15)
"""What noise and coding leave where the law says nothing is left."""
_WEIGHTS = np.array([0.3, 0.4, 0.6] + [1.0] * (_RINGS - 3))
"""The innermost rings rest on few coefficients."""


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Two linear models on :func:`features`."""

    probability: Vector
    level: Vector
    """Both (1 + 36): the constant first."""


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Of a chest's upright or turned film; other parts were not in the films it was fitted on."""
    if part_of(radiograph.acquisition.exam.BodyPartExamined) != "chest":
        return _none(Reason.NOT_APPLICABLE, "not a chest")
    if radiograph.from_screen:
        return _none(Reason.NOT_RELIABLE, "a picture from a screen")
    views = radiograph.views
    found = features(views.small, views.exposed)
    if found is None:
        return _none(Reason.NOT_RELIABLE, "too little of the picture is free of borders")
    blur = judged(found)
    shrunk = max(radiograph.pixels.values.shape) / SIDE
    sure = 1.0 if shrunk <= _PROVEN else _UNPROVEN_SURE
    facts: list[Measured] = [Measurement("image.motion_blur_probability", blur.probability, confidence=sure)]
    spacing = radiograph.pixels.spacing_mm
    if blur.probability < 0.5:
        facts.append(NotMeasured("image.motion_blur_mm", Reason.NOT_APPLICABLE, "no motion was found"))
    elif spacing is None or min(spacing) <= 0:
        facts.append(NotMeasured("image.motion_blur_mm", Reason.NO_SPACING))
    else:
        pixel = float(np.mean(spacing)) * max(1.0, shrunk)
        facts.append(Measurement("image.motion_blur_mm", blur.length_px * pixel, confidence=_UNPROVEN_SURE))
    return facts


def _none(reason: Reason, detail: str) -> list[Measured]:
    return [NotMeasured(name, reason, detail) for name in sorted(NAMES)]


@dataclass(frozen=True, slots=True)
class Judged:
    """What the models make of a picture's features."""

    probability: float
    level: float
    """0 none, 1 ten pixels; not clipped."""

    @property
    def length_px(self) -> float:
        """Pixels of the small picture, 1 to 10 in equal ratios of the level."""
        return float(10 ** min(1.0, max(0.0, self.level)))


def judged(found: Vector) -> Judged:
    """The two models on :func:`features`."""
    fitted = model()
    odds = float(fitted.probability[0] + fitted.probability[1:] @ found)
    level = float(fitted.level[0] + fitted.level[1:] @ found)
    return Judged(float(1 / (1 + np.exp(-np.clip(odds, -30, 30)))), level)


@cache
def model() -> Model:
    """The fitted coefficients."""
    read = tomllib.loads(Path(__file__).with_name("motion.toml").read_text(encoding="utf-8"))
    return Model(np.array(read["probability"], np.float64), np.array(read["level"], np.float64))


def features(picture: Picture, inside: Mask | None = None) -> Vector | None:
    """36 numbers: log power per ring, as mean over all directions, along the motion and across it; None without
    anatomy."""
    rings = spectrum(picture, inside)
    if rings is None:
        return None
    mean = rings.mean(axis=1)
    along = direction(rings)
    across = (along + _SECTORS // 2) % _SECTORS
    return np.concatenate((mean - mean[2], rings[:, along] - mean, rings[:, across] - mean))


def direction(rings: Vector) -> int:
    """The sector whose fall against the one across it is most like ``sinc(f L)`` for some L."""
    fall = rings - np.roll(rings, -_SECTORS // 2, axis=1)
    laws = _laws()
    gain = 2 * laws @ (_WEIGHTS[:, None] * fall) - (laws**2 @ _WEIGHTS)[:, None]
    return int(gain.max(axis=0).argmax())


@cache
def _laws() -> Vector:
    middle = np.sqrt(_EDGES[1:] * _EDGES[:-1])
    return np.array(
        [np.log(np.sinc(middle * length) ** 2 * (1 - floor) + floor) for length in _LENGTHS for floor in _FLOORS]
    )


def spectrum(picture: Picture, inside: Mask | None = None) -> Vector | None:
    """(rings, sectors): median over the tiles of log power, smoothed over neighbouring sectors."""
    tiles = _tiles(picture, inside)
    if len(tiles) < _LEAST_TILES:
        return None
    place, count = _places()
    power = np.abs(np.fft.rfft2((tiles - tiles.mean(axis=(1, 2), keepdims=True)) * _window())) ** 2
    flat = power.reshape(len(tiles), -1)
    taken = place >= 0
    summed = np.stack([np.bincount(place[taken], one[taken], minlength=_RINGS * _SECTORS) for one in flat])
    rings = np.median(np.log(summed / np.maximum(count, 1) + 1e-7), axis=0).reshape(_RINGS, _SECTORS)
    empty = (count == 0).reshape(_RINGS, _SECTORS)
    rings = np.where(empty, np.nan, rings)
    rings = np.where(empty, np.nanmean(rings, axis=1, keepdims=True), rings)
    return np.asarray((np.roll(rings, 1, 1) + 2 * rings + np.roll(rings, -1, 1)) / 4)


def _tiles(picture: Picture, inside: Mask | None) -> Picture:
    """(n, 128, 128) overlapping tiles of anatomy, the picture scaled to 448 pixels and its range to 0..1."""
    shrunk = max(1.0, max(picture.shape) / SIDE)
    size = round(picture.shape[1] / shrunk), round(picture.shape[0] / shrunk)
    small = shrink(picture, size)
    whole = (
        np.ones(small.shape, np.uint8)
        if inside is None
        else cv2.resize(inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    )
    low, high = np.percentile(small[whole > 0], (0.5, 99.5)) if whole.any() else (0.0, 0.0)
    if high <= low:
        return np.empty((0, _TILE, _TILE), np.float32)
    small = np.asarray(np.clip((small - low) / (high - low), 0, 1), np.float32)
    border = (whole == 0) | (small < _FLAT_END) | (small > 1 - _FLAT_END)
    kept = [
        small[box]
        for box in (
            (slice(top, top + _TILE), slice(left, left + _TILE))
            for top in range(0, small.shape[0] - _TILE + 1, _STEP)
            for left in range(0, small.shape[1] - _TILE + 1, _STEP)
        )
        if border[box].mean() < _FLAT_SHARE and small[box].std() > 0.01
    ]
    return np.stack(kept) if kept else np.empty((0, _TILE, _TILE), np.float32)


@cache
def _window() -> Picture:
    return np.asarray(np.outer(np.hanning(_TILE), np.hanning(_TILE)), np.float32)


@cache
def _places() -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each coefficient its ring and sector as one number (-1 for none); how many each has."""
    down, across = np.fft.fftfreq(_TILE)[:, None], np.fft.rfftfreq(_TILE)[None, :]
    ring = np.digitize(np.hypot(across, down), _EDGES) - 1
    turn = np.floor((np.arctan2(down, across) % np.pi) / np.pi * _SECTORS + 0.5).astype(np.intp) % _SECTORS
    place = np.where((ring >= 0) & (ring < _RINGS), ring * _SECTORS + turn, -1).ravel()
    return place, np.bincount(place[place >= 0], minlength=_RINGS * _SECTORS)
