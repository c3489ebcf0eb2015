"""The second patient's hand-set places, and the lines they are joined by."""

from __future__ import annotations

import numpy as np
import pytest

from models.training.projection import second_places as at
from models.training.projection.second_films import undeformed
from models.training.projection.second_patient import NUMBERS, tube

_FILE = (233, 167, 191)


def test_places_lie_in_the_file() -> None:
    lines = [*at.AIRWAYS, *at.CLAVICLES, *at.HUMERI]
    for line in lines:
        assert (np.array(line) >= 0).all()
        assert (np.array(line) < _FILE).all()


def test_left_and_right_are_told_apart() -> None:
    for right, left in (at.CLAVICLES, at.HUMERI):
        assert max(place[0] for place in right) < at.MIDDLE < min(place[0] for place in left)
    assert len(set(NUMBERS.values())) == len(NUMBERS)


def test_tube_is_a_capsule() -> None:
    found = tube((60, 40, 40), ((15, 20, 20), (45, 20, 20)), 8.0)
    assert found.sum() == pytest.approx(np.pi * 8**2 * 30 + 4 / 3 * np.pi * 8**3, rel=0.05)
    assert not found[30, 20, 29]


def test_undeformed_keeps_the_patients_proportions() -> None:
    shape = undeformed(np.random.default_rng(1), arms=True)
    assert shape.scale == (1.0, 1.0, 1.0)
    assert not shape.elastic.any()
