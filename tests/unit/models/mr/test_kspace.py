"""The simulator: strength 0 changes nothing, and a fault stays on its axis."""

from __future__ import annotations

import numpy as np
import pytest

from models.mr.plane import Axis
from models.training.mr import kspace
from tests.unit.models.mr.heads import head

CLEAN = head()


def random() -> np.random.Generator:
    return np.random.default_rng(3)


def test_strength_zero_gives_the_picture_back() -> None:
    for same in (
        kspace.moved(CLEAN, 0, 0.0, 0.0, random()),
        kspace.ghosted(CLEAN, 1, 0.0, 3, random()),
        kspace.spiked(CLEAN, 0.0, random()),
        kspace.wrapped(CLEAN, 0, 0.0, random()),
        kspace.noisy(CLEAN, 0.0, random()),
    ):
        assert np.abs(same - CLEAN).max() < 0.01 * CLEAN.max()


@pytest.mark.parametrize("axis", [0, 1])
def test_motion_and_ghosts_spread_along_the_phase_axis_only(axis: Axis) -> None:
    air = CLEAN == 0
    reached = np.broadcast_to((~air).any(axis=axis, keepdims=True), CLEAN.shape)
    for worse in (kspace.moved(CLEAN, axis, 1.0, 3.0, random()), kspace.ghosted(CLEAN, axis, 0.1, 4, random())):
        assert worse[air & reached].mean() > 3 * worse[air & ~reached].mean()


def test_a_field_too_small_keeps_the_signal_and_folds_it() -> None:
    folded = kspace.wrapped(CLEAN, 0, 0.4, random())
    assert folded.shape == (96, 160)
    assert folded[0].max() > 100 and folded[-1].max() > 100


def test_noise_has_the_strength_that_was_asked_for() -> None:
    air = kspace.noisy(CLEAN, 20.0, random())[CLEAN == 0]
    assert np.sqrt((air**2).mean() / 2) == pytest.approx(20.0, rel=0.03)
