"""What must not change a metric: how the values are coded, which way the picture lies, how fine it is sampled."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.acquisition import Pixels
from models.measurement import Measurement, Measurements
from tests.unit.models.image.phantoms import Array, measured, number, pixels, torso

FIELD = (370.0, 340.0, 520.0, 480.0)
SCALE_FREE = (
    "field.share_of_image_percent",
    "field.width_mm",
    "field.height_mm",
    "clipping.bright_percent",
    "clipping.background_percent",
    "noise.relative_percent",
    "sharpness.edge_width_px",
    "sharpness.tenengrad",
    "artefact.dead_line_count",
    "artefact.stitch_step_count",
)
TOLERANCE = {"noise.relative_percent": 0.01, "sharpness.tenengrad": 0.02, "sharpness.edge_width_px": 0.06}
FEW = settings(max_examples=6, deadline=None, derandomize=True)


@cache
def picture() -> Array:
    return torso(660, 720, field=FIELD, angle=2.0, sigma=15)


@cache
def before() -> Measurements:
    return measured(pixels(picture()))


def unchanged(after: Measurements, names: tuple[str, ...] = SCALE_FREE) -> None:
    """Within 1 % or half a unit of a percent, where TOLERANCE says nothing else."""
    for name in names:
        expected = number(before(), name)
        assert number(after, name) == pytest.approx(
            expected, rel=TOLERANCE.get(name, 0.01), abs=0.3 if "percent" in name else 0.05
        ), name
    assert after.value("field.edges_seen") == before().value("field.edges_seen")
    assert after.value("inversion.mismatch") == before().value("inversion.mismatch")
    assert after.value("image.blank") is False


@FEW
@given(slope=st.floats(0.05, 20), intercept=st.floats(-3000, 3000))
def test_rescale_slope_and_intercept(slope: float, intercept: float) -> None:
    """Modality values in any other unit; relative and geometric figures stay, absolute noise scales."""
    after = measured(
        pixels(
            np.asarray(picture() * np.float32(slope) + np.float32(intercept), np.float32),
            value_range=(intercept, 4095 * slope + intercept),
        )
    )
    unchanged(after)
    assert number(after, "noise.sigma") == pytest.approx(slope * number(before(), "noise.sigma"), rel=0.01)


@pytest.mark.parametrize("bits", [10, 14, 16])
def test_bit_depth(bits: int) -> None:
    """The same picture stored in fewer or more bits. Ten bits round the noise of 15 counts to 4 levels."""
    factor = 2.0 ** (bits - 12)
    stored = np.asarray(np.round(picture() * factor), np.float32)
    after = measured(pixels(stored, value_range=(0.0, 2.0**bits - 1)))
    unchanged(after, tuple(name for name in SCALE_FREE if not name.startswith("noise")))
    assert number(after, "noise.relative_percent") == pytest.approx(
        number(before(), "noise.relative_percent"), rel=0.03
    )


def flipped(values: Array, across: bool, down: bool) -> Array:
    return np.ascontiguousarray(values[:: -1 if down else 1, :: -1 if across else 1])


@pytest.mark.parametrize(("across", "down"), [(True, False), (False, True), (True, True)])
def test_mirror(across: bool, down: bool) -> None:
    """Sizes stay, offsets and the angle change sign. A chest on its head is not asked for its inversion."""
    after = measured(pixels(flipped(picture(), across, down)))
    for name in SCALE_FREE:
        assert number(after, name) == pytest.approx(
            number(before(), name), rel=TOLERANCE.get(name, 0.01), abs=0.3 if "percent" in name else 0.05
        ), name
    signs = {"field.off_centre_x_mm": across, "field.off_centre_y_mm": down, "field.rotation_deg": across != down}
    for name, turned in signs.items():
        expected = -number(before(), name) if turned else number(before(), name)
        assert number(after, name) == pytest.approx(expected, abs=0.3), name
    assert after.value("inversion.mismatch") in (None, before().value("inversion.mismatch"))


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_quarter_turns(quarters: int) -> None:
    """Width and height change places, nothing else; the inversion is known or not said, never wrong."""
    after = measured(pixels(np.ascontiguousarray(np.rot90(picture(), quarters))))
    sizes = ("field.width_mm", "field.height_mm") if quarters == 2 else ("field.height_mm", "field.width_mm")
    for name, twin in zip(("field.width_mm", "field.height_mm"), sizes, strict=True):
        assert number(after, twin) == pytest.approx(number(before(), name), rel=0.01)
    for name in ("field.share_of_image_percent", "noise.sigma", "artefact.dead_line_count"):
        assert number(after, name) == pytest.approx(number(before(), name), rel=0.01, abs=0.3)
    assert after.value("inversion.mismatch") in (None, False)


@FEW
@given(border=st.tuples(*[st.integers(0, 200)] * 4), value=st.sampled_from([0, 4095, 2000]))
def test_padding_border(border: tuple[int, int, int, int], value: int) -> None:
    """Padding around the picture, of whatever value, is not part of it: every figure stays."""
    top, bottom, left, right = border
    padded = np.pad(picture(), ((top, bottom), (left, right)), constant_values=value)
    mask = np.ones(padded.shape, bool)
    mask[top : top + picture().shape[0], left : left + picture().shape[1]] = False
    after = measured(replace(pixels(padded), padding=mask))
    unchanged(after, (*SCALE_FREE, "field.off_centre_x_mm", "field.off_centre_y_mm", "noise.sigma"))
    found = after.get("field.found")
    assert isinstance(found, Measurement)
    (region,) = found.regions
    middle = (region.left + region.right) / 2 * padded.shape[1] - left
    assert middle == pytest.approx(FIELD[0], abs=4)


def coarser(of: Pixels, factor: float) -> Pixels:
    small = cv2.resize(of.values, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)
    values = np.asarray(small, np.float32)
    assert of.spacing_mm is not None
    down, across = (n / m for n, m in zip(of.values.shape, values.shape, strict=True))
    return replace(of, values=values, spacing_mm=(of.spacing_mm[0] * down, of.spacing_mm[1] * across))


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_resolution(factor: float) -> None:
    """Sampled coarser, the figures in mm and degrees stay within 1 % of the picture."""
    after = measured(coarser(pixels(picture()), factor))
    one_percent = 0.01 * 660 * 0.2
    for name in ("field.width_mm", "field.height_mm", "field.off_centre_x_mm", "field.off_centre_y_mm"):
        assert number(after, name) == pytest.approx(number(before(), name), abs=one_percent), name
    assert number(after, "field.rotation_deg") == pytest.approx(number(before(), "field.rotation_deg"), abs=0.3)
    share = number(before(), "field.share_of_image_percent")
    assert number(after, "field.share_of_image_percent") == pytest.approx(share, abs=1)
    assert after.value("inversion.mismatch") in (None, False)


def test_same_picture_same_facts() -> None:
    """Twice the same, bit for bit: nothing depends on chance or on what was measured before."""
    measured(pixels(torso(200, 200)))
    again = measured(pixels(picture().copy()))
    assert list(again) == list(before())
