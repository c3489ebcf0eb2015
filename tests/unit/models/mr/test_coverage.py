"""Coverage of a head whose top was cut off by a known number of slices."""

from __future__ import annotations

import numpy as np
import pytest

from models.mr import coverage
from models.mr.plane import plane_of
from tests.unit.models.mr.heads import HEIGHT, SPACING, head, with_noise

STEP = 5.0


def areas(low: float, high: float) -> tuple[list[float], list[float]]:
    positions = np.arange(low, high, STEP).tolist()
    found = [plane_of(with_noise(head(z), 8.0, int(z) + 200), 0, None) for z in positions]
    return [0.0 if one is None else float(one.object.sum()) * SPACING**2 for one in found], positions


@pytest.mark.parametrize("cut", range(-20, 45, 5))
def test_what_is_missing_above_is_known_to_a_slice(cut: float) -> None:
    found = coverage.axial(*areas(-90.0, HEIGHT - cut), STEP)
    assert found is not None
    end = np.arange(-90.0, HEIGHT - cut, STEP)[-1] + STEP / 2
    assert found.top_mm == pytest.approx(end - HEIGHT, abs=STEP)


def test_how_far_down_it_goes() -> None:
    found = coverage.axial(*areas(-40.0, 110.0), STEP)
    assert found is not None
    assert found.down_mm == pytest.approx(HEIGHT + 40 + STEP / 2, abs=STEP)


def test_too_few_slices_say_nothing() -> None:
    assert coverage.axial([1.0, 2.0], [0.0, 5.0], 5.0) is None


def test_ends() -> None:
    assert coverage.end_share([10, 90, 100, 60]) == pytest.approx(0.6)
