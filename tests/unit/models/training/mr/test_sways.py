"""Nodding and twitching of the tests: without strength nothing changes, and they stay on the phase axis."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from models.mr.plane import Axis
from models.training.mr import kspace
from tests.unit.models.mr.heads import SPACING, head

CLEAN = head()
WAYS = (kspace.nodded, kspace.twitched)
Way = Callable[[kspace.Picture, Axis, float, float, np.random.Generator], kspace.Picture]


@pytest.mark.parametrize("way", WAYS)
def test_no_millimetre_gives_the_picture_back(way: Way) -> None:
    same = way(CLEAN, 0, 0.0, SPACING, np.random.default_rng(3))
    assert np.abs(same - CLEAN).max() < 0.01 * CLEAN.max()


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("way", WAYS)
def test_it_spreads_along_the_phase_axis_only(way: Way, axis: Axis) -> None:
    air = CLEAN == 0
    reached = np.broadcast_to((~air).any(axis=axis, keepdims=True), CLEAN.shape)
    worse = way(CLEAN, axis, 3.0, SPACING, np.random.default_rng(3))
    assert worse[air & reached].mean() > 2 * worse[air & ~reached].mean()


@pytest.mark.parametrize("way", WAYS)
def test_millimetres_are_of_the_picture(way: Way) -> None:
    fine, coarse = (way(CLEAN, 0, 2.0, edge, np.random.default_rng(3)) for edge in (0.5, 4.0))
    assert np.abs(fine - CLEAN).mean() > 1.5 * np.abs(coarse - CLEAN).mean()


def test_lines_keep_the_spectrum_of_their_own_pose() -> None:
    of_line = np.zeros(CLEAN.shape[0], np.intp)
    of_line[100:] = 1
    worse = kspace.in_poses(CLEAN, 0, [(0.0, 0.0, 0.0), (0.0, 5.0, 0.0)], of_line, np.random.default_rng(3))
    still = kspace.in_poses(CLEAN, 0, [(0.0, 0.0, 0.0)], of_line * 0, np.random.default_rng(3))
    assert np.abs(still - CLEAN).max() < 1e-3 * CLEAN.max()
    assert np.abs(worse - CLEAN).max() > 0.02 * CLEAN.max()
