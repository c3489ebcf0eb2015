"""The quick median is numpy's, to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.ct.median import median, middle_two

_CHANCE = np.random.default_rng(4)
_SHAPES = {
    "one": _CHANCE.normal(size=1),
    "two": np.array([1.0, 2.0]),
    "few": _CHANCE.normal(size=4095),
    "odd": _CHANCE.normal(0, 12, 100_001),
    "even": _CHANCE.normal(0, 12, 100_000),
    "all alike": np.full(50_000, 3.25),
    "two heaps": np.repeat([-1.0, 1.0], 30_000),
    "in order": np.arange(70_000.0),
    "of another sign": -np.arange(70_001.0),
    "whole numbers": _CHANCE.integers(0, 9, 80_000),
    "a period that the sample falls into": np.tile(np.arange(61.0), 2000),
    "far out": np.where(_CHANCE.random(90_000) < 0.5, 1e30, _CHANCE.normal(size=90_000)),
}


@pytest.mark.parametrize("name", _SHAPES)
def test_it_is_numpys(name: str) -> None:
    values = _SHAPES[name].astype(np.float32)
    before = values.copy()
    assert median(values) == float(np.median(values))
    low, high = middle_two(values)
    assert (low, high) == _by_sorting(values)
    assert np.array_equal(values, before)


def _by_sorting(values: NDArray[np.float32]) -> tuple[np.float32, np.float32]:
    ordered = np.sort(values)
    return ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
