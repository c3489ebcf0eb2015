"""Sharpness: a known blur gives the known edge width, and more blur always reads as less sharp."""

from __future__ import annotations

from math import erf

import cv2
import numpy as np
import pytest

from models.measurement import Reason
from tests.unit.models.image.phantoms import Array, acquisition, measured, number, pixels, reasons, torso

RISE = 2.563
"""10-90 % distance of the edge of a Gaussian, in sigmas."""


def plates(blur: float, sigma: float = 4, turn: float = 12.0) -> Array:
    """Turned squares of 90 pixels in two tones with edges of known Gaussian blur: a closed form."""
    y, x = np.mgrid[0:900, 0:900].astype(np.float32)
    a = np.radians(turn)
    u, v = x * np.cos(a) + y * np.sin(a), y * np.cos(a) - x * np.sin(a)
    wave = [_square(axis, 180.0, blur) for axis in (u, v)]
    picture = 1500 + 400 * wave[0] * wave[1]
    noise = np.random.default_rng(1).normal(0, sigma, picture.shape)
    return np.asarray(np.round(picture + noise), np.float32)


def _square(axis: Array, period: float, blur: float) -> Array:
    """Square wave between -1 and 1 with erf flanks."""
    phase = (axis + period / 4) % (period / 2) - period / 4
    sign = np.where(((axis + period / 4) // (period / 2)) % 2 == 0, 1.0, -1.0)
    table = np.array([erf(t / 100) for t in range(-600, 601)])
    flank = np.interp(phase / (blur * np.sqrt(2)), np.arange(-600, 601) / 100, table)
    return np.asarray(sign * flank, np.float32)


@pytest.mark.parametrize("blur", [1.0, 1.5, 2.0, 3.0, 4.0])
def test_edge_width_of_known_blur(blur: float) -> None:
    """Within 12 %, or 0.6 pixels for the sharpest (sampling and interpolation add their own width)."""
    facts = measured(plates(blur))
    assert number(facts, "sharpness.edge_width_px") == pytest.approx(RISE * blur, rel=0.12, abs=0.6)


def test_mm() -> None:
    facts = measured(pixels(plates(2.0), spacing_mm=(0.15, 0.15)))
    in_px = number(facts, "sharpness.edge_width_px")
    assert number(facts, "sharpness.edge_width_mm") == pytest.approx(0.15 * in_px)
    bare = measured(pixels(plates(2.0), spacing_mm=None))
    assert reasons(bare, ["sharpness.edge_width_mm"]) == {Reason.NO_SPACING}
    screen = measured(acquisition(plates(2.0), medium="screen"))
    assert reasons(screen, ["sharpness.edge_width_mm"]) == {Reason.NOT_RELIABLE}


def blurred(picture: Array, sigma: float) -> Array:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma) if sigma else picture, np.float32)


def test_every_blur_is_ranked() -> None:
    """The torso without noise, blurred by 0 to 5 pixels, then one noise for all: each figure is monotone."""
    sharp = torso(1100, 1000, sigma=0)
    noise = np.random.default_rng(5).normal(0, 6, sharp.shape)
    rows = [measured(np.asarray(blurred(sharp, s) + noise, np.float32)) for s in (0, 1.5, 2.5, 3.5, 5)]
    widths = [number(row, "sharpness.edge_width_px") for row in rows]
    energies = [number(row, "sharpness.tenengrad") for row in rows]
    assert widths == sorted(widths)
    assert len(set(widths)) == len(widths)
    assert energies == sorted(energies, reverse=True)


def test_slope_falls_with_blur() -> None:
    """Without noise, which lifts the high end of the spectrum by itself."""
    rng = np.random.default_rng(3)
    texture = 1500 + 300 * blurred(rng.normal(0, 1, (1100, 1000)).astype(np.float32), 1.0)
    slopes = [number(measured(blurred(texture, s)), "sharpness.spectrum_slope") for s in (0, 1, 2, 3)]
    assert slopes == sorted(slopes, reverse=True)


def test_nothing_sharp_to_see() -> None:
    """A slow wedge has no edges: not measured, instead of a large width."""
    wedge = np.tile(np.linspace(500, 3000, 900, dtype=np.float32), (900, 1))
    facts = measured(np.asarray(wedge + np.random.default_rng(0).normal(0, 20, wedge.shape), np.float32))
    assert reasons(facts, ["sharpness.edge_width_px", "sharpness.edge_width_mm"]) == {Reason.NOT_RELIABLE}
