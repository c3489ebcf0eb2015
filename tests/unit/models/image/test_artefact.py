"""Lines: each injected one is found where it is, and a clean picture has none."""

from __future__ import annotations

import numpy as np
import pytest

from models.image import artefact
from models.measurement import Reason
from tests.unit.models.image.phantoms import Array, acquisition, fact, measured, number, pixels, reasons, torso

SIZE = (640, 600)
LARGE = (1100, 1000)


@pytest.mark.parametrize("seed", range(4))
def test_clean(seed: int) -> None:
    facts = measured(torso(*LARGE, seed=seed, sigma=5 + 15 * seed, field=(500, 550, 800, 900), angle=seed))
    assert number(facts, "artefact.dead_line_count") == 0
    assert number(facts, "artefact.stitch_step_count") == 0
    assert number(facts, "artefact.grid_peak_ratio") < 3
    assert reasons(facts, ["artefact.grid_period_px", "artefact.grid_frequency_lp_mm"]) == {Reason.NOT_APPLICABLE}


def spoil(picture: Array, at: int, column: bool, how: str, width: int) -> None:
    line = picture[:, at : at + width] if column else picture[at : at + width]
    if how == "dead":
        line[:] = 0
    elif how == "hot":
        line[:] = 4095
    elif how == "half":
        half = line[: line.shape[0] // 2] if column else line[:, : line.shape[1] // 2]
        half[:] = 0
    else:
        line += 60


@pytest.mark.parametrize("how", ["dead", "hot", "half", "offset"])
@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_every_injected_line_is_found(how: str, column: bool, width: int) -> None:
    """Dead, hot, half-dead, or offset by three sigma; one to three pixels wide: found, once, in its place."""
    picture = torso(*SIZE)
    places = (137, 411)
    for at in places:
        spoil(picture, at, column, how, width)
    line = fact(measured(picture), "artefact.dead_line_count")
    assert line.value == 2
    length = SIZE[1] if column else SIZE[0]
    for at, region in zip(places, line.regions, strict=True):
        start, end = (region.left, region.right) if column else (region.top, region.bottom)
        assert start * length - 1 <= at <= end * length
        assert (region.bottom - region.top if column else region.right - region.left) > 0.9


@pytest.mark.parametrize("column", [True, False])
def test_a_harmonic_is_not_taken_for_the_lines(column: bool) -> None:
    """Lines of 11 px among the slow shades of anatomy; their harmonic, half as high, stands in a quiet place."""
    picture = torso(*LARGE, sigma=2)
    along = np.arange(picture.shape[1] if column else picture.shape[0], dtype=np.float32)
    wave = 30 * np.cos(2 * np.pi * along / 11) + 15 * np.cos(4 * np.pi * along / 11)
    lined = picture + (wave if column else wave[:, None])
    facts = measured(np.asarray(lined, np.float32))
    assert number(facts, "artefact.grid_period_px") == pytest.approx(11, rel=0.02)
    assert number(facts, "artefact.grid_depth_percent") == pytest.approx(100 * 60 / 4095, rel=0.35)


@pytest.mark.parametrize(
    ("period", "column"), [(2.7, True), (4.0, True), (5.3, False), (9.5, True), (12.0, False)]
)
def test_grid_of_known_period(period: float, column: bool) -> None:
    """An amplitude of half a sigma is found far above the limit, its period within 1 %."""
    picture = torso(*SIZE)
    phase = 2 * np.pi * np.arange(SIZE[1] if column else SIZE[0]) / period
    wave = (10 * np.sin(phase)).astype(np.float32)
    facts = measured(picture + (wave[None, :] if column else wave[:, None]))
    assert number(facts, "artefact.grid_peak_ratio") > 15
    assert number(facts, "artefact.grid_period_px") == pytest.approx(period, rel=0.01)
    assert number(facts, "artefact.grid_frequency_lp_mm") == pytest.approx(1 / period / 0.2, rel=0.01)


def test_the_depth_of_grid_lines() -> None:
    """Twice as deep is twice the percent; the sine's own height within a fifth, for leakage between bins."""
    wave = (np.sin(2 * np.pi * np.arange(SIZE[1]) / 4.6)).astype(np.float32)
    plain = torso(*SIZE)
    shallow, deep = (measured(plain + height * wave[None, :]) for height in (40, 80))
    assert number(deep, "artefact.grid_depth_percent") == pytest.approx(100 * 160 / 4095, rel=0.2)
    ratio = number(deep, "artefact.grid_depth_percent") / number(shallow, "artefact.grid_depth_percent")
    assert ratio == pytest.approx(2, rel=0.1)
    none = measured(plain).number("artefact.grid_depth_percent")
    assert none is None or none < 0.2


def test_grid_without_spacing() -> None:
    wave = (20 * np.sin(np.arange(SIZE[1]))).astype(np.float32)
    facts = measured(pixels(torso(*SIZE) + wave[None, :], spacing_mm=None))
    assert reasons(facts, ["artefact.grid_frequency_lp_mm"]) == {Reason.NO_SPACING}


@pytest.mark.parametrize("column", [True, False])
def test_stitching_step(column: bool) -> None:
    """A tile with 4 % more gain: one step, at its seam. (The torso lies down for the rows: ribs hide a seam.)"""
    at = 470
    picture = torso(*LARGE)
    picture[:, at:] *= 1.04
    if not column:
        picture = np.ascontiguousarray(picture.T)
    step = fact(measured(np.round(picture)), "artefact.stitch_step_count")
    assert step.value == 1
    (region,) = step.regions
    middle = LARGE[1] / 2 * (region.left + region.right if column else region.top + region.bottom)
    assert middle == pytest.approx(at, abs=5)


def test_many_lines_are_a_pattern() -> None:
    picture = torso(*SIZE)
    picture[:, 50:550:10] += 400
    facts = measured(picture)
    assert reasons(facts, ["artefact.dead_line_count", "artefact.stitch_step_count"]) == {Reason.NOT_RELIABLE}


def test_small_field() -> None:
    facts = measured(torso(240, 240))
    assert reasons(facts, sorted(artefact.NAMES)) == {Reason.NOT_RELIABLE}


def test_fluoroscopy_lines_are_not_judged() -> None:
    facts = measured(acquisition(torso(), exam={"Modality": "XA"}))
    assert reasons(facts, ["artefact.dead_line_count", "artefact.stitch_step_count"]) == {Reason.NOT_APPLICABLE}
