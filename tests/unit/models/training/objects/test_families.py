"""Families of objects: each draws something of its size, and those for the test are in no training."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.objects import devices, markers, removable, unseen
from models.training.objects.sheet import PER_MM

ALL = {**removable.FAMILIES, **unseen.FAMILIES, **devices.FAMILIES, **markers.FAMILIES}


@pytest.mark.parametrize("name", ALL)
def test_draws_something_that_fits_a_chest(name: str) -> None:
    for seed in range(8):
        depth = ALL[name](np.random.default_rng(seed)).depth
        assert np.isfinite(depth).all() and depth.min() >= 0
        assert depth.max() > 0.03, "too thin for any film"
        assert max(depth.shape) <= 420 * PER_MM
        covered = float((depth > 0.03).sum()) / PER_MM**2
        assert 1.5 < covered < 40_000, "square millimetres"


@pytest.mark.parametrize("name", ALL)
def test_varies(name: str) -> None:
    one, other = (ALL[name](np.random.default_rng(seed)).depth for seed in (1, 2))
    assert one.shape != other.shape or not np.allclose(one, other)


def test_test_families_are_no_training_families() -> None:
    groups = [removable.FAMILIES, unseen.FAMILIES, devices.FAMILIES, markers.FAMILIES]
    assert sum(map(len, groups)) == len(ALL)
    assert not set(removable.FAMILIES.values()) & set(unseen.FAMILIES.values())
