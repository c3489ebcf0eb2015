"""The edge of the right diaphragm: still, smeared by a known way, and seen twice."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from models.ct.body import body_of
from models.ct.breathing import Dome, right_dome
from models.ct.lungs import lungs_of
from models.ct.scan import Scan
from tests.unit.models.ct.phantoms import PIXEL, TISSUE, Chest, Ellipse, Plane, grid_of, noise

APEX, RADIUS = 215.0, 75.0
"""mm from the first slice to the top of the liver, and of its dome."""


def liver(values: Plane, grid: tuple[Plane, Plane], z: float) -> None:
    """A sphere under the right lung, and all that lies beneath."""
    if z > APEX:
        reach = np.sqrt(max(0.0, RADIUS**2 - (z - APEX - RADIUS) ** 2)) if z < APEX + RADIUS else RADIUS
        Ellipse(-79.0, 0.0, min(reach, 62.0), reach).paint(values, grid, TISSUE)


def taken(moments: Iterable[Iterable[float]], step_mm: float, sigma: float = 20.0, seed: int = 0) -> Scan:
    """Each slice is the mean of the anatomy at the places that passed while it was taken."""
    chest, grid, random = Chest(extra=liver), grid_of(), np.random.default_rng(seed)
    slices = [np.mean([chest.slice(float(z), grid) for z in places], axis=0) for places in moments]
    hu = [one + sigma * noise(random, "gauss", one.shape, 0.8) for one in slices]
    return Scan(np.stack(hu).astype(np.float32), np.arange(len(hu), dtype=np.float64) * step_mm, (PIXEL, PIXEL))


def dome_in(scan: Scan) -> Dome | None:
    body = body_of(scan)
    assert body is not None
    lungs = lungs_of(scan, body)
    assert lungs is not None
    return right_dome(scan, body, lungs)


@pytest.mark.parametrize(("step", "most"), [(1.5, 2.0), (2.5, 2.5), (5.0, 4.0)])
def test_a_dome_that_stands_still_is_as_sharp_as_the_slices_are_thick(step: float, most: float) -> None:
    found = dome_in(taken([[z] for z in np.arange(0, 330, step)], step))
    assert found is not None
    assert found.edge_mm < most
    # Nearly level is what lies within 39 mm of the apex, which is 14 mm under it there.
    assert APEX <= np.median(found.outline[:, 1]) * step <= APEX + 14


@pytest.mark.parametrize("way", [6.0, 10.0, 15.0, 20.0])
@pytest.mark.parametrize("step", [1.5, 2.5, 5.0])
def test_an_edge_that_moves_evenly_while_a_slice_is_taken_is_as_wide_as_its_way(way: float, step: float) -> None:
    """Evenly smeared over a way, an edge rises from 20 to 80 % on 0.6 of it [closed form]."""
    moments = [z + np.linspace(-way / 2, way / 2, 15) for z in np.arange(0, 330, step)]
    found = dome_in(taken(moments, step))
    assert found is not None
    assert found.edge_mm == pytest.approx(0.6 * way, abs=1.3)


@pytest.mark.parametrize("back", [15.0, 20.0])
@pytest.mark.parametrize("step", [1.5, 2.5, 5.0])
def test_a_dome_that_comes_twice_is_as_wide_as_the_patient_breathed_back(back: float, step: float) -> None:
    """Each column near the apex goes from lung to liver, back to lung, and to liver again."""
    z = np.arange(0, 330, step)
    found = dome_in(taken([[one] for one in np.where(z < APEX + 12, z, z - back)], step))
    assert found is not None
    assert found.edge_mm == pytest.approx(back, abs=3)


def test_noise_and_vessels_do_not_widen_it() -> None:
    z = np.arange(0, 330, 2.5)
    still = dome_in(taken([[one] for one in z], 2.5, sigma=0))
    rough = taken([[one] for one in z], 2.5, sigma=60)
    for at in range(60, 95):
        rough.hu[at, 55:115:12, 10:60:12] = 40
        rough.hu[at, 56:115:12, 10:60:12] = 40
    found = dome_in(rough)
    assert still is not None and found is not None
    assert found.edge_mm == pytest.approx(still.edge_mm, abs=0.7)


def test_a_base_that_was_not_scanned_says_nothing() -> None:
    assert dome_in(taken([[z] for z in np.arange(0, APEX + 10, 2.5)], 2.5)) is None
    assert dome_in(taken([[z] for z in np.arange(0, 330, 10.0)], 10.0)) is None
