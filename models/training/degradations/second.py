"""The same faults made another way: for tests only, so that a detector is not proven on the recipe it was tuned
on.

Other physics (grey values instead of exposures, true Poisson counts, a soft knee, square lamellae that drift),
other code, and the magnitudes in the same units as in the first way.
"""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

from models.image.picture import Picture

_DECADES = 1.5


def shaken(film: Picture, length_px: float, rng: np.random.Generator) -> Picture:
    """Motion along a bent, uneven path that spreads a point as far as an even one of this length: a mean of
    shifts."""
    if length_px <= 0:
        return film.copy()
    angle, steps = rng.uniform(0, np.pi), max(8, int(4 * length_px))
    along = np.cumsum(rng.uniform(0.2, 1.0, steps))
    along = along - along.mean()
    along *= length_px / np.sqrt(12) / along.std()
    aside = 0.15 * length_px * np.sin(np.linspace(0, np.pi, steps) * rng.uniform(0.5, 1.5))
    x, y = along * np.cos(angle) - aside * np.sin(angle), along * np.sin(angle) + aside * np.cos(angle)
    padded = np.pad(film, 32, mode="reflect")
    u, v = np.fft.rfftfreq(padded.shape[1])[None, :], np.fft.fftfreq(padded.shape[0])[:, None]
    transfer = sum(np.exp(-2j * np.pi * (u * dx + v * dy)) for dx, dy in zip(x, y, strict=True)) / steps
    blurred = np.fft.irfft2(np.fft.rfft2(padded) * transfer, padded.shape)[32:-32, 32:-32]
    return np.asarray(np.clip(blurred, 0, 1), np.float32)


def counted(film: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Poisson counts of so many quanta that mid grey has this standard deviation, then a maker's edge
    enhancement."""
    if sigma <= 0:
        return film.copy()
    slope = _DECADES * np.log(10)
    quanta = 1 / (sigma * slope) ** 2 * 10 ** (_DECADES * 0.5)
    counts = rng.poisson(quanta * 10 ** (-_DECADES * film.astype(np.float64)))
    noisy = -np.log10(np.maximum(counts, 0.5) / quanta) / _DECADES
    grain = (noisy - film).astype(np.float32)
    grain += np.float32(rng.uniform(-0.4, 0.4)) * (grain - cv2.GaussianBlur(grain, (0, 0), 1.0))
    at_middle = float(grain[np.abs(film - 0.5) < 0.15].std()) if (np.abs(film - 0.5) < 0.15).any() else sigma
    return np.asarray(np.clip(film + grain * (sigma / max(at_middle, 1e-6)), 0, 1), np.float32)


def kneed(film: Picture, end: Literal["dark", "bright"], share: float, rng: np.random.Generator) -> Picture:
    """So many pixels on the plateau of one end, which a curve approaches with a knee before it is flat."""
    if share <= 0:
        return film.copy()
    values = film if end == "bright" else 1 - film
    inside = values[(values > 0.03) & (values < 0.97)]
    top = float(np.quantile(inside, 1 - share)) if inside.size else 1.0
    knee = float(rng.uniform(0.03, 0.12))
    level = np.clip(values / max(top, 1e-3), 0, 1)
    bent = np.where(level > 1 - knee, 1 - (1 - level) ** 2 / (2 * knee), level + knee / 2 * (level / (1 - knee)))
    pressed = bent / max(float(bent.max()), 1e-3)
    return np.asarray(pressed if end == "bright" else 1 - pressed, np.float32)


def lamellae(film: Picture, amplitude: float, rng: np.random.Generator) -> Picture:
    """Square lamellae whose pitch drifts over the film, area-sampled on a fourfold finer raster."""
    if amplitude <= 0:
        return film.copy()
    rows, columns = film.shape
    upright = bool(rng.random() < 0.5)
    length = columns if upright else rows
    place = (np.arange(4 * length) + 0.5) / 4
    pitch = rng.uniform(2.3, 9.0)
    drift = 1 + rng.uniform(-0.01, 0.01) * (place / length - 0.5)
    fine = np.where(np.mod(place / pitch * drift + rng.random(), 1.0) < rng.uniform(0.3, 0.6), 1.0, 0.0)
    line = fine.reshape(length, 4).mean(axis=1)
    taken = amplitude * (line if upright else line[:, None])
    shown = film - np.log10(1 - taken) / _DECADES * np.ones(film.shape)
    return np.asarray(np.clip(shown, 0, 1), np.float32)
