"""From path integrals to a picture like a radiograph: beam, scatter, noise, processing, border and letters."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Look:
    """How a film was exposed and processed."""

    hardness: float
    """Attenuation relative to 60 keV; less at a higher voltage."""
    bone: float
    """Weight of bone; more at a lower voltage."""
    scatter: float
    """Scattered over primary radiation behind the grid, mean of the field."""
    photons: float
    """Quanta per pixel in air."""
    sharpen: tuple[float, float]
    """Unsharp masking at a fine and at a coarse scale."""
    gamma: float
    ends: tuple[float, float]
    """Percentiles of the field that become black and white."""
    curve: float
    """Steepness of the sigmoid; 0 for a straight line."""
    letter: str
    """A side marker, or ""."""


def random_look(random: np.random.Generator) -> Look:
    """A film drawn at random."""
    return Look(
        hardness=random.uniform(0.8, 1.05),
        bone=random.uniform(1.3, 2.6),
        scatter=random.uniform(0.1, 0.7),
        photons=float(10 ** random.uniform(4.2, 6)),
        sharpen=(random.uniform(0.2, 1.6), random.uniform(0.0, 1.2)),
        gamma=random.uniform(0.75, 1.6),
        ends=(random.uniform(0.1, 4), random.uniform(98.5, 99.95)),
        curve=random.choice([0.0, random.uniform(1, 3.5)]),
        letter=str(random.choice(["", "", "L", "R", "AP", "PORTABLE"])),
    )


def develop(
    soft: Map, bone: Map, field: NDArray[np.bool_], look: Look, random: np.random.Generator
) -> NDArray[np.uint8]:
    """The picture, dense anatomy bright, 0 outside the collimated ``field``.

    Args:
        soft, bone: attenuation integrals (no unit) of soft tissue and of bone's excess.
    """
    attenuation = look.hardness * (soft + look.bone * bone)
    primary = np.exp(-attenuation).astype(np.float32) * field
    wide = 0.12 * max(soft.shape)
    haze = cv2.GaussianBlur(primary, (0, 0), wide)
    inside = cv2.GaussianBlur(field.astype(np.float32), (0, 0), wide)
    dense = float(np.mean(primary[field]) ** 0.5 * np.median(primary[field]) ** 0.5)
    haze = look.scatter * (
        0.5 * haze / np.maximum(inside, 0.05) * (dense / max(float(haze.mean()), 1e-6)) + 0.5 * dense
    )
    quanta = random.poisson(np.maximum((primary + haze) * look.photons, 0.01)).astype(np.float32)
    log = -np.log((quanta + 0.5) / look.photons)
    log = _sharpened(log, look.sharpen)
    low, high = np.percentile(log[field], look.ends)
    tone = np.clip((log - low) / max(high - low, 1e-3), 0, 1) ** look.gamma
    if look.curve:
        tone = (np.tanh(look.curve * (tone - 0.5)) / np.tanh(look.curve / 2) + 1) / 2
    picture = np.clip(np.where(field, tone, 0) * 255 + 0.5, 0, 255).astype(np.uint8)
    _stamp(picture, look.letter, random)
    return picture


def _sharpened(log: Map, amounts: tuple[float, float]) -> Map:
    fine, coarse = (cv2.GaussianBlur(log, (0, 0), sigma) for sigma in (1.2, 0.04 * max(log.shape)))
    return np.asarray(log + amounts[0] * (log - fine) + amounts[1] * (log - coarse), np.float32)


def _stamp(picture: NDArray[np.uint8], letter: str, random: np.random.Generator) -> None:
    if not letter:
        return
    height, width = picture.shape
    size = random.uniform(0.35, 0.8)
    left = letter in {"R"} or (letter not in {"L"} and random.uniform() < 0.5)
    column = (
        random.uniform(0.02, 0.1) * width if left else random.uniform(0.82, 0.92) * width - 10 * (len(letter) - 1)
    )
    at = (int(max(column, 0)), int(random.uniform(0.06, 0.2) * height))
    cv2.putText(picture, letter, at, cv2.FONT_HERSHEY_SIMPLEX, size, 250, int(random.integers(1, 3)), cv2.LINE_AA)


def random_field(size: tuple[int, int], random: np.random.Generator) -> NDArray[np.bool_]:
    """Where the collimator let the beam through: often everything, else a slightly turned rectangle."""
    width, height = size
    if random.uniform() < 0.6:
        return np.ones((height, width), np.bool_)
    edges = random.uniform(0, 0.06, 4) * (random.uniform(size=4) < 0.6)
    left, right = edges[0] * width, (1 - edges[1]) * width
    top, bottom = edges[2] * height, (1 - edges[3]) * height
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), random.normal(0, 1.0), 1.0)
    corners = corners @ turn[:, :2].T + turn[:, 2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, np.round(corners * 16).astype(np.int32), 1, shift=4)
    return mask > 0
