"""Breathing put into a drawn chest: what stands still stays, what moves is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.training.ct.breathing import PERIOD_S, Breath, breathing, edge_mm
from tests.unit.models.ct.test_breathing import APEX, taken

STEP = 2.5
BASE = 300.0


def test_a_breath_goes_to_and_fro_while_the_table_moves_on() -> None:
    breath = Breath(amplitude_mm=10, table_mm_s=20, seen_s=0, phase=0)
    quarter = 20 * PERIOD_S / 4
    away = [np.mean(breath.at(k * quarter)) for k in range(4)]
    assert away == pytest.approx([0, 10, 0, -10], abs=1e-9)
    assert np.ptp(replace(breath, seen_s=PERIOD_S / 2).at(0)) == pytest.approx(20)


def test_a_chest_that_does_not_breathe_is_itself() -> None:
    still = taken([[z] for z in np.arange(0, 330, STEP)], STEP)
    same = breathing(still, BASE, Breath(0, 20, 0.5, 0))
    assert np.allclose(same.hu, still.hu, atol=0.01)


def test_a_dome_that_is_passed_in_the_middle_of_a_breath_is_wide_and_at_its_turn_is_not() -> None:
    still = taken([[z] for z in np.arange(0, 330, STEP)], STEP)
    turns = 2 * np.pi * APEX / 50 / PERIOD_S
    passing, turning = (
        edge_mm(breathing(still, BASE, Breath(15, 50, 0.6, phase - turns))) for phase in (np.pi, np.pi / 2)
    )
    assert passing > 1.5 * edge_mm(still)
    assert turning < 1.5 * edge_mm(still)
    assert turning < passing
