"""One slice: what was put in is what is read."""

from __future__ import annotations

import numpy as np
import pytest

from models.mr import iqm, uniformity
from models.mr.copies import copy_of
from models.mr.ghosting import Ghost, ghost
from models.mr.noise import air_snr, inner_snr
from models.mr.plane import Axis, Picture, Plane, phase_axis, plane_of
from models.mr.spike import spike
from models.mr.symmetry import symmetry
from models.mr.wrap import wrap_score
from tests.unit.models.mr.heads import SPACING, head, with_noise

SIGMA = 12.0


def plane(picture: Picture, phase: Axis | None = 0) -> Plane:
    found = plane_of(picture, phase, (SPACING, SPACING))
    assert found is not None
    return found


def with_ghost(picture: Picture, percent: float, axis: Axis, parts: int = 2) -> Picture:
    """Copies of the object at multiples of 1/parts of the field, the first of ``percent`` of it."""
    shift = picture.shape[axis] // parts
    return np.asarray(np.hypot(picture, percent / 100 * np.roll(picture, shift, axis=axis)), np.float32)


def test_the_object_is_the_head_and_the_air_is_not() -> None:
    clean = head()
    found = plane(with_noise(clean, SIGMA))
    truth = clean > 0
    overlap = 2 * np.count_nonzero(found.object & truth) / (found.object.sum() + truth.sum())
    assert overlap > 0.97
    assert not (found.air & truth).any()


@pytest.mark.parametrize("percent", [2.5, 5.0, 10.0])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_ghost_is_read_in_percent_whatever_the_noise(percent: float, axis: Axis) -> None:
    """image-qc.md 9.4: a difference of means reads 0.21 % for 2.5 %."""
    clean = np.where(head() > 0, np.float32(800), np.float32(0))
    found = ghost(plane(with_noise(with_ghost(clean, percent, axis), SIGMA), axis))
    assert isinstance(found, Ghost)
    assert found.percent == pytest.approx(percent, rel=0.15)
    assert found.both_sides


def test_an_arm_at_the_edge_is_no_noise() -> None:
    """Too small to be the object, and no air: a real abdomen read a tenth of its SNR."""
    arms = head()
    arms[110:150, :6] = arms[115:150, -5:] = 700
    without, beside = air_snr(plane(with_noise(head(), SIGMA))), air_snr(plane(with_noise(arms, SIGMA)))
    assert without is not None and beside == pytest.approx(without, rel=0.05)


def test_without_a_ghost_there_is_none_and_across_the_axis_it_does_not_count() -> None:
    picture = with_noise(head(), SIGMA)
    found = ghost(plane(picture))
    assert isinstance(found, Ghost) and found.percent == 0 and found.least_percent < 1.0
    across = ghost(plane(with_noise(with_ghost(head(), 6.0, 1), SIGMA), 0))
    assert isinstance(across, Ghost) and across.percent == 0


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("percent", "distance"), [(8.0, 0.5), (16.0, 0.5), (16.0, 0.37), (20.0, 0.63)])
def test_a_copy_is_found_where_it_lies_however_strong(percent: float, distance: float, axis: Axis) -> None:
    """From about 12 % on a ghost is as bright as the object's dark parts, and the air alone says nothing of it."""
    clean = head(20.0)
    shifted = np.roll(clean, round(distance * clean.shape[axis]), axis=axis)
    picture = plane(with_noise(np.hypot(clean, percent / 100 * shifted).astype(np.float32), SIGMA), axis)
    copy, found = copy_of(picture), ghost(picture)
    assert copy is not None and copy.likeness > 0.6
    assert copy.distance == pytest.approx(distance, abs=0.02)
    assert isinstance(found, Ghost) and found.both_sides
    assert found.percent == pytest.approx(percent, rel=0.25)


def test_dark_tissue_and_air_are_no_copies() -> None:
    clean = head(20.0)
    y, x = np.mgrid[: clean.shape[0], : clean.shape[1]]
    blobs = ((y - 12) ** 2 / 60 + (x - 60) ** 2 / 300 < 1) | ((y - 150) ** 2 / 40 + (x - 95) ** 2 / 200 < 1)
    for beside in (0.0, 90.0):
        copy = copy_of(plane(with_noise(np.maximum(clean, beside * blobs).astype(np.float32), SIGMA)))
        assert copy is None or copy.likeness < 0.4
    assert copy_of(plane(clean, None)) is None


def test_without_the_axis_nothing_is_said_of_ghosts_and_wrap() -> None:
    picture = plane(with_noise(head(), SIGMA), None)
    assert ghost(picture) == "the phase-encoding direction is not in the header"
    assert wrap_score(picture) == "the phase-encoding direction is not in the header"


@pytest.mark.parametrize(("said", "axis"), [("ROW", 1), ("COL", 0), ("COLUMN", 0), ("OTHER", None), (None, None)])
def test_the_axis_is_the_header_s(said: str | None, axis: Axis | None) -> None:
    assert phase_axis(said) == axis


@pytest.mark.parametrize("sigma", [4.0, 12.0, 40.0])
def test_noise_is_what_was_added(sigma: float) -> None:
    found = plane(with_noise(head(), sigma))
    assert found.sigma == pytest.approx(sigma, rel=0.05)
    snr = air_snr(found)
    assert snr is not None and snr == pytest.approx(found.signal / sigma, rel=0.05)


def test_blanked_air_says_nothing_and_the_inside_still_does() -> None:
    picture = with_noise(head(), SIGMA)
    picture[head() == 0] = 0
    found = plane(picture)
    assert air_snr(found) is None
    assert inner_snr(found) == pytest.approx(found.signal / SIGMA, rel=0.3)
    assert isinstance(ghost(found), str)


def test_a_head_that_goes_on_over_the_edge_is_wrapped_and_one_that_is_cut_is_not() -> None:
    whole = with_noise(head(side=160), SIGMA)
    assert wrap_score(plane(whole)) == 0.0
    small = head(side=100)
    wrapped = small.copy()
    outside = head(side=160)
    for row in range(30):
        wrapped[70 + row] += outside[row, 30:130]
        wrapped[row] += outside[130 + row, 30:130]
    read = wrap_score(plane(with_noise(wrapped, SIGMA)))
    assert isinstance(read, float) and read > 0.6
    uneven = small * np.linspace(0.2, 1.0, 100, dtype=np.float32)[:, None]
    uneven[:, 40:60] *= np.linspace(1.0, 0.1, 100, dtype=np.float32)[:, None]
    cut = wrap_score(plane(with_noise(uneven, SIGMA)))
    assert isinstance(cut, float) and cut < 0.3


@pytest.mark.parametrize("at", [(33, 21), (40, -31)])
def test_a_spike_is_found_where_it_is(at: tuple[int, int]) -> None:
    clean = with_noise(head(), SIGMA)
    k = np.fft.fft2(clean)
    k[at] += 0.1 * np.abs(k).max()
    found, without = spike(np.abs(np.fft.ifft2(k)).astype(np.float32)), spike(clean)
    assert found is not None and without is not None
    assert found.z > 5 > 4 > without.z
    assert (found.down, found.across) == at


@pytest.mark.parametrize("depth", [0.1, 0.3])
def test_the_field_is_the_one_that_was_laid_over(depth: float) -> None:
    flat = np.where(head() > 0, np.float32(800), np.float32(0))
    field = np.linspace(1 - depth, 1 + depth, flat.shape[1], dtype=np.float32)
    grids = [uniformity.cells(plane(with_noise(flat * field, SIGMA, seed))) for seed in range(5)]
    there = np.flatnonzero((flat > 0).any(axis=0))
    low, high = np.interp((0.05, 0.95), (0, 1), field[there[[0, -1]]])
    read = uniformity.nonuniformity_percent(grids)
    assert read == pytest.approx(100 * (high - low) / (high + low), rel=0.2)
    even = uniformity.nonuniformity_percent([uniformity.cells(plane(with_noise(flat, SIGMA)))])
    assert even is not None and even < 2.5


@pytest.mark.parametrize("degrees", [-15.0, -6.0, 0.0, 4.0, 11.0])
def test_the_axis_of_symmetry_is_turned_by_as_much_as_the_head(degrees: float) -> None:
    found = symmetry(plane(with_noise(head(turned_deg=degrees, centre=(4, -9)), SIGMA)))
    assert found is not None
    assert abs(found.degrees) == pytest.approx(abs(degrees), abs=1.0)
    assert found.likeness > 0.9


def test_sums_give_the_entropy_and_the_energy_of_the_whole() -> None:
    pictures = [with_noise(head(z), SIGMA) for z in (-20.0, 0.0, 30.0)]
    planes = [plane(picture) for picture in pictures]
    total = np.sum([iqm.sums(one) for one in planes], axis=0)
    x = np.concatenate([picture.ravel() for picture in pictures]).astype(np.float64)
    most = np.sqrt((x**2).sum())
    expected = (x / most * np.log(np.maximum(x, 1e-16) / most)).sum() / (np.sqrt(x.size) * np.log(x.size**-0.5))
    assert iqm.efc(total) == pytest.approx(expected, rel=1e-6)
    inside = np.concatenate([p.values[p.object] for p in planes]).astype(np.float64)
    air = np.concatenate([p.values[p.air] for p in planes]).astype(np.float64)
    assert iqm.fber(total) == pytest.approx((inside**2).mean() / (air**2).mean(), rel=1e-6)


def test_an_empty_picture_is_no_plane() -> None:
    assert plane_of(np.zeros((64, 64), np.float32), 0, None) is None
