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


@pytest.mark.parametrize("odd", [0.6, 1.6])
def test_one_odd_slice_at_the_top_of_thin_ones_changes_little(odd: float) -> None:
    """In echo-planar series the scalp comes and goes with the brightness of what else is in the slice."""
    positions = np.arange(-60.0, 85.0, 1.5)
    area = [np.pi * 80 * 70 * max(0.0, 1 - (z / 95) ** 2) for z in positions]
    whole = coverage.axial(area, positions.tolist(), 1.5)
    found = coverage.axial([*area[:-1], odd * area[-1]], positions.tolist(), 1.5)
    assert whole is not None and found is not None
    assert whole.top_mm == pytest.approx(positions[-1] + 0.75 - 95, abs=3)
    assert found.top_mm == pytest.approx(whole.top_mm, abs=2.5)


def test_an_area_that_does_not_fall_says_nothing_near_the_vertex_and_much_in_the_middle() -> None:
    positions = np.arange(0.0, 60.0, 4.0).tolist()
    falling = [100.0 * (15 - k) for k in range(10)]
    assert coverage.axial([*falling, 500.0, 520.0, 540.0, 560.0, 580.0], positions, 4.0) is None
    flat = coverage.axial([900.0 + k for k in range(15)], positions, 4.0)
    assert flat is not None and flat.top_mm < -60
