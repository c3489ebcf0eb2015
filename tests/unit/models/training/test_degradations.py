"""Degradations: strength 0 changes nothing, a known strength has its known effect, a seed gives the same film."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from models.image.picture import Picture
from models.training import degradations as d
from models.training.degradations.blur import motion_kernel
from models.training.degradations.exposure_domain import exposure_of, film_of
from models.training.degradations.field import Outside
from tests.unit.models.training.films import film, lungs

few = hypothesis_settings(max_examples=20, deadline=None)
angles = st.floats(0, 180)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def weight(shape: tuple[int, ...] = (400, 360)) -> Picture:
    """A soft disc in the middle."""
    y, x = np.indices(shape)
    return np.asarray(np.exp(-(((x - shape[1] / 2) / 60) ** 2) - ((y - shape[0] / 2) / 60) ** 2), np.float32)


NOTHING: dict[str, Callable[[Picture], Picture]] = {
    "crop_field": lambda f: d.crop_field(f, "top", 0, rng()).film,
    "rotate_trunk": lambda f: d.rotate_trunk(lungs(), 0).of_film(f),
    "turn": lambda f: d.turn(f, 0),
    "motion_blur": lambda f: d.motion_blur(f, 0, 30),
    "local_motion_blur": lambda f: d.local_motion_blur(f, weight(), 0, 30),
    "gaussian_blur": lambda f: d.gaussian_blur(f, 0),
    "add_noise": lambda f: d.add_noise(f, 0, rng()),
    "saturate dark": lambda f: d.saturate(f, "dark", 0),
    "saturate bright": lambda f: d.saturate(f, "bright", 0),
    "grid_lines": lambda f: d.grid_lines(f, 0.2, 0, 10),
    "white_out": lambda f: d.white_out(f, lungs(), 0),
    "low_resolution": lambda f: d.low_resolution(f, 1),
    "mirror twice": lambda f: d.mirror(d.mirror(f)),
    "invert twice": lambda f: d.invert(d.invert(f)),
}


@pytest.mark.parametrize("name", NOTHING)
def test_no_strength_changes_nothing(name: str) -> None:
    before = film()
    after = NOTHING[name](before)
    assert after.dtype == np.float32
    assert np.abs(after - before).max() < 2e-3


def test_the_same_seed_gives_the_same_film() -> None:
    makers: list[Callable[[int], Picture]] = [
        lambda seed: d.add_noise(film(), 0.03, rng(seed), correlation_px=0.7),
        lambda seed: d.crop_field(film(), "left", 0.1, rng(seed)).film,
    ]
    for make in makers:
        assert np.array_equal(make(1), make(1))
        assert not np.array_equal(make(1), make(2))


def test_exposure_and_film_are_inverse() -> None:
    shown = np.linspace(0, 1, 256, dtype=np.float32)[None, :]
    assert np.abs(film_of(exposure_of(shown)) - shown).max() < 1e-5


@few
@given(length=st.floats(0, 20), angle=angles)
def test_a_motion_kernel_has_its_length_and_its_direction(length: float, angle: float) -> None:
    kernel = motion_kernel(length, angle)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    y, x = np.indices(kernel.shape) - kernel.shape[0] // 2
    along = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    assert abs(float((kernel * along).sum())) < 0.02
    spread = float((kernel * along**2).sum())
    # An even motion over a length has the variance length^2 / 12; splitting a point over pixels adds up to 1/4.
    assert length**2 / 12 - 0.05 <= spread <= length**2 / 12 + 0.6


def test_a_swing_dwells_at_its_ends_and_a_jerk_before_it_jumps() -> None:
    variance = {}
    for course in ("steady", "swing", "jerk"):
        kernel = motion_kernel(12, 0, course)
        x = np.arange(kernel.shape[1]) - kernel.shape[1] // 2
        profile = kernel.sum(axis=0)
        variance[course] = float((profile * x**2).sum() - (profile * x).sum() ** 2)
    assert variance["swing"] == pytest.approx(12**2 / 8, rel=0.1)
    assert variance["jerk"] > variance["steady"]


def test_only_the_part_that_moves_is_blurred() -> None:
    before = film()
    after = d.local_motion_blur(before, weight(), 8, 90)
    change = np.abs(after - before)
    assert change[180:220, 160:200].mean() > 10 * change[:30, :30].mean()


def test_motion_length() -> None:
    assert d.motion_length_mm(60, 20) == pytest.approx(1.2)


@few
@given(sigma=st.floats(0.005, 0.04), correlation=st.sampled_from([0.0, 0.6, 1.0]))
def test_noise_has_its_strength_at_mid_grey_and_more_where_it_is_bright(sigma: float, correlation: float) -> None:
    def spread(grey: float) -> float:
        even = np.full((300, 300), grey, np.float32)
        return float(d.add_noise(even, sigma, rng(3), correlation_px=correlation).std())

    # The logarithm widens strong noise a little.
    assert spread(0.5) == pytest.approx(sigma, rel=0.08)
    assert spread(0.3) < spread(0.5) < spread(0.65)


@few
@given(share=st.floats(0.02, 0.4))
@pytest.mark.parametrize("end", ["dark", "bright"])
def test_so_many_pixels_are_on_the_plateau(end: str, share: float) -> None:
    before = film()
    after = d.saturate(before, "dark" if end == "dark" else "bright", share)
    between = (before > 0.03) & (before < 0.97)
    plateau = (after <= 0) if end == "dark" else (after >= 1)
    assert float(plateau[between].mean()) == pytest.approx(share, abs=0.02)


@few
@given(cycles=st.floats(0.05, 0.45), amplitude=st.floats(0.02, 0.2))
def test_grid_lines_have_their_frequency_and_depth(cycles: float, amplitude: float) -> None:
    even = np.full((64, 1024), 0.5, np.float32)
    exposure = exposure_of(d.grid_lines(even, cycles, amplitude, 0, second=0))
    row = exposure.mean(axis=0) / exposure.mean() - 1
    spectrum = np.abs(np.fft.rfft(row * np.hanning(1024)))
    assert np.argmax(spectrum) / 1024 == pytest.approx(cycles, abs=2e-3)
    # Of a sine: its standard deviation is its height over the square root of 8.
    assert row.std() * np.sqrt(8) == pytest.approx(amplitude / (1 - amplitude / 2), rel=0.1)


def test_alias_of_a_grid() -> None:
    assert d.alias(4.0, 0.1) == pytest.approx(0.4)
    assert d.alias(4.0, 0.2) == pytest.approx(0.2)
    assert d.alias(5.0, 0.2) == pytest.approx(0)


@few
@given(
    side=st.sampled_from(["top", "bottom", "left", "right"]),
    fraction=st.floats(0.02, 0.4),
    outside=st.sampled_from(["unexposed", "shutter", "cut"]),
)
def test_the_field_ends_where_it_was_closed(side: d.Side, fraction: float, outside: Outside) -> None:
    even = np.full((200, 300), 0.4, np.float32)
    made = d.crop_field(even, side, fraction, rng(), outside=outside)
    left, top, right, bottom = made.field
    share = (right - left) * (bottom - top) / even.size
    assert share == pytest.approx(1 - fraction, abs=1 / 200)
    assert made.of_mask(np.ones_like(even, bool)).sum() / even.size == pytest.approx(1 - fraction, abs=1 / 200)
    if outside == "cut":
        return
    rows, columns = np.indices(even.shape)
    inside = (columns > left + 8) & (columns < right - 8) & (rows > top + 8) & (rows < bottom - 8)
    beyond = (columns < left - 4) | (columns > right + 4) | (rows < top - 4) | (rows > bottom + 4)
    assert np.abs(made.film[inside] - 0.4).max() < 0.05
    if beyond.any():
        assert np.all(made.film[beyond] == 0) if outside == "shutter" else made.film[beyond].min() > 0.75


def test_a_mask_moves_with_a_film_that_was_cut() -> None:
    made = d.crop_field(film(), "left", 0.25, rng(), outside="cut")
    assert made.offset == (90, 0)
    assert np.array_equal(made.of_mask(lungs()), lungs()[:, 90:])


def test_a_trunk_turns_with_the_angle() -> None:
    """The clavicles move against the spine below by 0.86 % of the lungs' width per degree; one half narrows."""
    width = np.flatnonzero(lungs().any(axis=0))
    middle, span = (width[0] + width[-1]) / 2, width[-1] - width[0] + 1
    shifts, halves = [], []
    for degrees in (-8, -4, 0, 4, 8):
        upright = np.zeros((400, 360), np.float32)
        cv2.line(upright, (round(middle), 0), (round(middle), 399), 1.0, 3)
        line = d.rotate_trunk(lungs(), degrees).of_film(upright)
        at = (line * np.arange(360)).sum(axis=1) / line.sum(axis=1)
        shifts.append(at[80] - at[300])
        halves.append((width[-1] - at[200]) / (at[200] - width[0]))
    per_degree = np.diff(shifts) / 4 / span
    assert np.all(np.abs(per_degree - 0.0086) < 0.0015)
    assert np.all(np.diff(halves) < 0)


def test_a_trunk_does_not_fold_and_its_mask_goes_along() -> None:
    warp = d.rotate_trunk(lungs(), 15)
    assert np.diff(warp.x, axis=1).min() > 0
    assert warp.of_mask(lungs()).sum() == pytest.approx(lungs().sum(), rel=0.15)
    with pytest.raises(ValueError, match="15 degrees"):
        d.rotate_trunk(lungs(), 16)


def test_a_white_lung_is_even_and_the_other_is_left_alone() -> None:
    right = lungs() & (np.indices((400, 360))[1] > 180)
    after = d.white_out(film(), right, 0.95)
    inside = cv2.erode(right.astype(np.uint8), np.ones((25, 25), np.uint8)) > 0
    assert after[inside].std() < 0.3 * film()[inside].std()
    assert after[inside].mean() > film()[inside].mean()
    assert np.abs(after - film())[:, :120].max() < 1e-3


def test_orientation() -> None:
    f = film()
    assert d.turn(f, 1).shape == (360, 400)
    assert d.turn(f, 1)[0, -1] == f[0, 0]
    assert np.array_equal(d.mirror(f)[:, 0], f[:, -1])
    assert d.invert(f)[0, 0] == pytest.approx(1 - f[0, 0])


def test_nuisances_stay_near_the_film() -> None:
    f = film()
    assert np.abs(d.quantise(f) - f).max() <= 0.5 / 255 + 1e-6
    assert np.abs(d.jpeg(f, 95) - f).mean() < 0.01
    assert np.abs(d.low_resolution(f, 2) - f).mean() < 0.02
    assert np.abs(d.jpeg(f, 20) - f).mean() > np.abs(d.jpeg(f, 95) - f).mean()
