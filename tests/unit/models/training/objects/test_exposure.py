"""An object in the beam: the exposure behind it is what Beer and Lambert say, and nothing else changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.training.objects.exposure import Beam, Curve, curve, grain_of, lay, sharpness_of
from models.training.objects.sheet import Plate, Sheet
from tests.unit.models.training.films import film

LOGARITHMIC = Curve(np.array((0, 2), np.float32), np.array((0, 6), np.float32))
"""A display of three units of attenuation from black to white."""
SQUARE = Plate([(-20, -20), (20, -20), (20, 20), (-20, 20)])


def beam(**changes: float) -> Beam:
    values = {"mm": 1.0, "scatter": 0.0, "blur": 0.5, "grain": 0.0} | changes
    return Beam(LOGARITHMIC, **values)


def laid(depth: float, of: Beam, turn: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    picture = film().copy() * np.float32(0.8)
    before = picture.copy()
    lay(picture, Sheet(44, 44).add(depth, SQUARE), (150.0, 180.0), turn, of, np.random.default_rng(1))
    return before, picture


@pytest.mark.parametrize("depth", [0.05, 0.4, 1.5])
@pytest.mark.parametrize("turn", [0.0, 0.7, 3.1])
def test_attenuation_adds_to_the_logarithm_of_exposure(depth: float, turn: float) -> None:
    before, after = laid(depth, beam(), turn)
    inside = (slice(170, 190), slice(140, 160))
    assert (after - before)[inside] * 3 == pytest.approx(depth, abs=0.01)


def test_scatter_reaches_behind_the_object() -> None:
    before, after = laid(9.0, beam(scatter=0.25))
    assert float((after - before)[180, 150]) * 3 == pytest.approx(-np.log(0.25), abs=0.01)


def test_nothing_changes_beside_it() -> None:
    before, after = laid(1.0, beam(grain=0.05))
    far = np.ones(before.shape, bool)
    far[155:206, 125:176] = False
    assert np.array_equal(before[far], after[far])
    assert (after != before).sum() >= 40 * 40


def test_an_object_of_no_depth_leaves_no_trace() -> None:
    before, after = laid(0.0, beam(grain=0.05))
    assert np.array_equal(before, after)


def test_fewer_quanta_make_more_noise() -> None:
    quiet, noisy = (np.std(np.subtract(*laid(depth, beam(grain=0.02)))[170:190, 140:160]) for depth in (0.2, 1.2))
    assert noisy > 2 * quiet > 0


def test_an_object_beside_the_film_is_not_laid() -> None:
    picture = film().copy()
    sheet = Sheet(44, 44).add(1, SQUARE)
    assert lay(picture, sheet, (-60.0, 180.0), 0.0, beam(), np.random.default_rng(1)) is None
    assert np.array_equal(picture, film())


@pytest.mark.parametrize("seed", range(20))
def test_every_curve_has_a_way_back(seed: int) -> None:
    any_curve = curve(np.random.default_rng(seed))
    shown = np.linspace(0.01, 1.4, 50, dtype=np.float32)
    assert any_curve.film(any_curve.beam(shown)) == pytest.approx(shown, abs=1e-3)


def test_film_is_measured() -> None:
    noise = np.random.default_rng(2).normal(0, 0.03, (300, 300)).astype(np.float32)
    assert grain_of(noise) == pytest.approx(0.03, rel=0.05)
    soft = np.asarray(cv2.GaussianBlur(film(), (0, 0), 2), np.float32)
    assert 0.4 <= sharpness_of(noise) < sharpness_of(soft) <= 1.2
