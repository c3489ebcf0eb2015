"""Digital patients with dropped slices, shifted lungs, off the centre, in correlated noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.ct.body import body_of
from models.ct.chest import arms_beside, coverage, off_centre
from models.ct.components import labelled
from models.ct.field import cut_by_field
from models.ct.head import head_coverage, head_of, jumps_mm
from models.ct.lungs import Lungs, lungs_of
from models.ct.scan import Scan, small_scan
from models.ct.size import size_factor, water_equivalent_mm
from models.ct.symmetry import turn_of
from tests.unit.models.ct.phantoms import PIXEL, Chest, Ellipse, HeadPhantom, noise, scanned


def lungs_in(scan: Scan) -> Lungs:
    body = body_of(scan)
    assert body is not None
    lungs = lungs_of(scan, body)
    assert lungs is not None
    return lungs


def random_case(seed: int) -> tuple[Chest, Scan]:
    """A chest of any size, anywhere in the field, in correlated noise; slices are dropped at ends and inside."""
    rng = np.random.default_rng(seed)
    chest = Chest(
        off_across=rng.uniform(-25, 25),
        off_down=rng.uniform(-30, 30),
        lung_top=rng.uniform(-30, 60),
        lung_long=rng.uniform(200, 290),
        body=(rng.uniform(140, 160), rng.uniform(90, 120)),
        lungs_hu=rng.uniform(-900, -750),
    )
    step = rng.uniform(3, 7)
    z = np.arange(0.0, rng.uniform(220, 330), step)
    inside = rng.choice(np.arange(2, len(z) - 2), size=rng.integers(0, 4), replace=False)
    z = np.delete(z, inside)
    scan = scanned(chest, z)
    sigma = rng.uniform(0, 40)
    width = rng.uniform(0.6, 1.5)
    for one in scan.hu:
        one += sigma * noise(rng, "gauss", one.shape, width)
    return chest, scan


def check(seed: int) -> None:
    chest, scan = random_case(seed)
    body = body_of(scan)
    assert body is not None
    lungs = lungs_of(scan, body)
    assert lungs is not None
    shows = np.flatnonzero([chest.shows_lung(float(z)) for z in scan.z_mm])
    assert abs(lungs.first - shows[0]) <= 1 and abs(lungs.last - shows[-1]) <= 1
    found = coverage(scan, lungs)
    # A lung that was cut is told in any case, by its first slice.
    assert (found.top_mm == 0) == (shows[0] == 0) or min(shows[0], lungs.first) <= 1
    offset = off_centre(scan, body, slice(lungs.first, lungs.last + 1))
    assert offset is not None
    assert offset.down_mm == pytest.approx(chest.off_down, abs=1)
    assert offset.across_mm == pytest.approx(chest.off_across, abs=1)


@pytest.mark.parametrize("seed", range(12))
def test_coverage_to_a_slice_and_centring_to_a_millimetre(seed: int) -> None:
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1120))
def test_coverage_and_centring_of_a_hundred_and_twenty_chests(seed: int) -> None:
    check(seed)


def test_a_cut_apex_and_a_cut_base_have_no_margin() -> None:
    chest = Chest(lung_top=-20.0, lung_long=250.0)
    scan = scanned(chest, np.arange(0.0, 200, 5))
    found = coverage(scan, lungs_in(scan))
    assert (found.top_mm, found.bottom_mm) == (0, 0)
    assert found.cut_top_mm2 > 1000 and found.cut_bottom_mm2 > 1000


def test_the_windpipe_is_no_lung_and_gas_in_the_bowel_is_none() -> None:
    chest = Chest(lung_top=80.0, lung_long=200.0)
    z = np.arange(0.0, 360, 4)
    lungs = lungs_in(scanned(chest, z))
    assert z[lungs.first] >= 78 and z[lungs.last] <= 282


@pytest.mark.parametrize("arms", [0, 1, 2])
def test_arms_beside_the_lungs_are_counted(arms: int) -> None:
    scan = scanned(Chest(arms=arms, body=(120.0, 90.0)), np.arange(0.0, 330, 6))
    assert sum(arms_beside(scan, lungs_in(scan))) == arms


def test_a_field_that_is_too_small_cuts_lung_and_skin() -> None:
    whole = scanned(Chest(), np.arange(0.0, 330, 8))
    body = body_of(whole)
    assert body is not None
    assert cut_by_field(whole, body, slice(10, 30)).skin_percent == 0
    assert cut_by_field(whole, body, slice(10, 30)).lung_slices == 0
    small = replace(whole, hu=np.ascontiguousarray(whole.hu[:, 30:96, 30:96]))
    body = body_of(small)
    assert body is not None
    cut = cut_by_field(small, body, slice(10, 30))
    assert cut.lung_slices == 20


def test_what_lies_in_a_dry_skull_is_no_patient() -> None:
    """A thin shell is opened away like a table; what is left inside it would have a diameter and a dose."""
    z, y, x = np.mgrid[-20:20, -63:63, -63:63] * 3.0
    radius = np.hypot(x / 75, y / 90)
    block = (np.abs(x) < 20) & (np.abs(y) < 20) & (np.abs(z) < 45)
    for shell, seen in ((1.0, False), (0.0, True)):
        hu = np.where((radius < 1) & (radius > 0.93) & (shell > 0), 900.0, -1000.0)
        hu[block] = 100.0
        scan = Scan(hu.astype(np.float32), np.arange(0.0, 120.0, 3.0), (3.0, 3.0))
        assert (body_of(scan) is not None) is seen


def test_water_has_its_own_diameter() -> None:
    """A cylinder of water is as wide as it is (AAPM 220), whatever table it lies on."""
    scan = scanned(Chest(), np.arange(0.0, 40, 5))
    hu = np.full_like(scan.hu, -1000)
    xs, ys = np.meshgrid(*[(np.arange(hu.shape[1]) - (hu.shape[1] - 1) / 2) * PIXEL] * 2)
    for one in hu:
        values = np.full(one.shape, -1000.0)
        Ellipse(0, 0, 120, 120).paint(values, (xs, ys), 0.0)
        one[:] = values
    hu[:, -6:-5] = 150
    water = replace(scan, hu=hu)
    body = body_of(water)
    assert body is not None
    assert water_equivalent_mm(water, body) == pytest.approx(np.full(8, 240), abs=1.5)


@pytest.mark.parametrize(
    ("diameter", "phantom", "factor"), [(160.0, 16, 1.01), (200.0, 32, 1.78), (300.0, 32, 1.23), (400.0, 32, 0.85)]
)
def test_factors_are_those_of_aapm_204(diameter: float, phantom: int, factor: float) -> None:
    """Tables 1D and 2D of report 204."""
    assert size_factor(diameter, 16 if phantom == 16 else 32) == pytest.approx(factor, abs=0.01)


@pytest.mark.parametrize("yaw", [-14.0, -6.0, 0.0, 3.0, 9.0])
@pytest.mark.parametrize("roll", [-8.0, 0.0, 5.0])
def test_a_turned_head(yaw: float, roll: float) -> None:
    phantom = HeadPhantom(yaw=yaw, roll=roll, off_across=6.0, off_down=-8.0)
    scan = scanned(phantom, np.arange(0.0, 170, 5), pixel=2.0)
    body = body_of(scan)
    assert body is not None
    head = head_of(scan, body)
    assert head is not None
    turn = turn_of(scan, body, head)
    assert turn is not None
    assert turn.yaw_deg == pytest.approx(yaw, abs=0.7) and turn.roll_deg == pytest.approx(roll, abs=0.7)
    offset = off_centre(scan, body, head.wide)
    assert offset is not None and offset.down_mm == pytest.approx(-8, abs=1)


@pytest.mark.parametrize(("top", "last"), [(20.0, 180.0), (-10.0, 150.0), (12.0, 120.0), (30.0, 200.0)])
def test_how_much_of_a_head_was_scanned(top: float, last: float) -> None:
    z = np.arange(0.0, last, 4)
    scan = scanned(HeadPhantom(top=top), z, pixel=2.0)
    body = body_of(scan)
    assert body is not None
    head = head_of(scan, body)
    assert head is not None
    found = head_coverage(scan, head)
    assert found.top_mm == pytest.approx(max(0.0, top), abs=5)
    # pi 72 88 share^2 = 1500 mm2 at share 0.275, which is 148 mm under the top.
    assert found.bottom_mm == pytest.approx(max(0.0, z[-1] - top - 147.7), abs=8)


@pytest.mark.parametrize("jump", [0.0, 1.0, 2.0, 4.0, 8.0])
def test_a_head_that_moves_between_two_slices_jumps_by_as_much(jump: float) -> None:
    phantom = HeadPhantom(jump_at=90.0, jump_mm=jump, yaw=4.0, roll=3.0)
    scan = scanned(phantom, np.arange(0.0, 170, 5), pixel=2.0)
    body = body_of(scan)
    assert body is not None
    head = head_of(scan, body)
    assert head is not None
    steps = jumps_mm(scan, head)
    assert steps is not None
    assert steps.max() == pytest.approx(jump, abs=0.5)


def test_parts_that_touch_through_slices_have_one_label() -> None:
    mask = np.zeros((3, 5, 9), np.bool_)
    mask[0, 1, 1] = mask[0, 1, 7] = True
    mask[1, 1, 1:8] = True
    mask[2, 4, 4] = True
    labels, sizes = labelled(mask)
    assert labels[0, 1, 1] == labels[0, 1, 7] == labels[1, 1, 4] != labels[2, 4, 4] > 0
    assert (labels > 0).sum() == mask.sum()
    assert np.array_equal(sizes[1:], np.bincount(labels.ravel())[1:])


def test_a_large_scan_is_made_small_without_moving_its_centre() -> None:
    fine = scanned(Chest(off_across=11.0, off_down=-7.0), np.arange(0.0, 60, 10), pixel=3.0)
    wide = np.repeat(np.repeat(fine.hu, 4, axis=1), 4, axis=2)
    middle = (wide.shape[1] - 1) / 2 * 0.75
    small = small_scan(wide, fine.z_mm, (0.75, 0.75), (middle, middle))
    assert max(small.hu.shape[1:]) <= 128
    body = body_of(small)
    assert body is not None
    offset = off_centre(small, body, slice(None))
    assert offset is not None
    assert (offset.across_mm, offset.down_mm) == pytest.approx((11, -7), abs=1)
