"""Motion blur: found where a film was moved, with about its length, and not in good films."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.image import motion
from models.image.picture import Picture
from models.measurement import Measurement, Reason
from models.training.degradations import gaussian_blur, invert, jpeg, motion_blur
from tests.unit.models.image.phantoms import acquisition, fact, measured, number, pixels, reasons

NAME = "image.motion_blur_probability"


def textured(seed: int = 0, side: int = 448) -> Picture:
    """A picture whose power falls with the cube of the frequency, alike in all directions, as anatomy's does."""
    rng = np.random.default_rng(seed)
    across, down = np.fft.rfftfreq(side)[None, :], np.fft.fftfreq(side)[:, None]
    fall = np.maximum(np.hypot(across, down), 1 / side) ** -1.5
    spectrum = np.fft.rfft2(rng.standard_normal((side, side))) * fall
    made = np.fft.irfft2(spectrum, (side, side))
    low, high = np.percentile(made, (0.5, 99.5))
    return np.asarray(np.clip(0.05 + 0.9 * (made - low) / (high - low), 0, 1), np.float32)


def sector_of(film: Picture) -> int:
    rings = motion.spectrum(film)
    assert rings is not None
    return motion.direction(rings)


@pytest.mark.parametrize(("angle", "sector"), [(0, 0), (30, 2), (90, 6), (150, 10)])
def test_the_direction_of_a_motion_is_found(angle: float, sector: int) -> None:
    assert sector_of(motion_blur(textured(), 8, angle)) == sector


@pytest.mark.parametrize("seed", range(3))
def test_a_longer_motion_is_a_higher_level(seed: int) -> None:
    levels = []
    for length in (2, 4, 8):
        found = motion.features(motion_blur(textured(seed), length, 40))
        assert found is not None
        levels.append(motion.judged(found).level)
    assert levels == sorted(levels)


def test_what_must_not_matter() -> None:
    """Black for white and contrast leave the features where they were."""
    film = textured()
    plain, other = motion.features(film), motion.features(np.asarray(0.2 + 0.5 * invert(film), np.float32))
    assert plain is not None and other is not None
    assert np.abs(plain - other).max() < 0.05


def test_blur_in_all_directions_is_not_called_motion() -> None:
    soft, moved = motion.features(gaussian_blur(textured(), 1.2)), motion.features(motion_blur(textured(), 6, 20))
    assert soft is not None and moved is not None
    assert motion.judged(soft).probability < motion.judged(moved).probability
    assert motion.judged(moved).probability > 0.9


def test_a_picture_of_borders_and_air_says_nothing() -> None:
    empty = np.zeros((448, 448), np.float32)
    empty[100:200, 100:200] = 1
    assert motion.features(empty) is None
    assert motion.features(np.zeros((100, 100), np.float32)) is None


def test_the_product_reports_a_moved_film_with_millimetres() -> None:
    moved = pixels(4095 * motion_blur(jpeg(textured(), 95), 6, 70), inverted=False, spacing_mm=(0.9, 0.9))
    facts = measured(acquisition(moved))
    assert number(facts, NAME) > 0.9
    assert fact(facts, NAME).confidence == 1
    assert 2 < number(facts, "image.motion_blur_mm") < 12


def test_at_full_resolution_it_is_a_hint_only() -> None:
    large = pixels(np.kron(textured(), np.ones((3, 3), np.float32)) * 4095, inverted=False)
    found = measured(acquisition(large)).get(NAME)
    assert isinstance(found, Measurement) and found.confidence < 0.6


def test_where_it_does_not_apply() -> None:
    film = pixels(4095 * textured(), inverted=False)
    hand = measured(acquisition(film, exam={"BodyPartExamined": "HAND"}))
    assert reasons(hand, [NAME]) == {Reason.NOT_APPLICABLE}
    still = measured(acquisition(replace(film, spacing_mm=None)))
    assert number(still, NAME) < 0.5
    assert reasons(still, ["image.motion_blur_mm"]) == {Reason.NOT_APPLICABLE}
