"""The exposed field: found where it was put, and not found where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from models.image import collimation
from models.measurement import Reason
from tests.unit.models.image.phantoms import Box, acquisition, fact, measured, number, pixels, reasons, torso


@pytest.mark.parametrize("seed", range(10))
def test_rectangle_within_one_percent(seed: int) -> None:
    """Known truth: size and centre within 1 % of the picture's shorter side, angle within 0.3 degrees."""
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(600, 1300, 2))
    angle = float(rng.uniform(-10, 10))
    field: Box = (
        width / 2 + rng.uniform(-0.04, 0.04) * width,
        height / 2 + rng.uniform(-0.04, 0.04) * height,
        rng.uniform(0.45, 0.78) * width,
        rng.uniform(0.45, 0.78) * height,
    )
    picture = torso(
        height, width, field=field, angle=angle, penumbra=rng.uniform(0.5, 5), sigma=rng.uniform(5, 60), seed=seed
    )
    facts = measured(picture)
    tolerance = 0.01 * min(height, width)
    assert number(facts, "field.edges_seen") == 4
    assert number(facts, "field.width_px") == pytest.approx(field[2], abs=tolerance)
    assert number(facts, "field.height_px") == pytest.approx(field[3], abs=tolerance)
    assert number(facts, "field.rotation_deg") == pytest.approx(angle, abs=0.3)
    assert number(facts, "field.off_centre_x_mm") == pytest.approx(
        0.2 * (field[0] - width / 2), abs=0.2 * tolerance
    )
    assert number(facts, "field.off_centre_y_mm") == pytest.approx(
        0.2 * (field[1] - height / 2), abs=0.2 * tolerance
    )
    share = 100 * field[2] * field[3] / (height * width)
    assert number(facts, "field.share_of_image_percent") == pytest.approx(share, abs=2)


def test_moved_border_is_followed_pixel_by_pixel() -> None:
    """A border moved by 30 pixels moves the measured one by 30, within 2."""
    before = measured(torso(field=(400, 450, 600, 700)))
    after = measured(torso(field=(385, 450, 570, 700)))
    assert number(before, "field.width_px") - number(after, "field.width_px") == pytest.approx(30, abs=2)
    moved = number(after, "field.off_centre_x_mm") - number(before, "field.off_centre_x_mm")
    assert moved == pytest.approx(-15 * 0.2, abs=0.4)


@pytest.mark.parametrize("seed", range(6))
def test_no_border_no_field(seed: int) -> None:
    """Without collimation the field is the whole picture, and the fact says that no border was seen."""
    facts = measured(torso(seed=seed, height=700 + 40 * seed))
    assert facts.value("field.found") is False
    assert number(facts, "field.share_of_image_percent") == pytest.approx(100, abs=0.01)
    assert number(facts, "field.off_centre_x_percent") == 0
    assert reasons(facts, ["field.rotation_deg"]) == {Reason.NOT_RELIABLE}


def test_two_borders() -> None:
    """A field that leaves the picture above and below has two borders; the others are the picture's own."""
    facts = measured(torso(field=(430, 450, 500, 3000), angle=2))
    assert number(facts, "field.edges_seen") == 2
    assert number(facts, "field.width_px") == pytest.approx(500, abs=6)
    assert number(facts, "field.height_px") == pytest.approx(900, abs=2)
    assert number(facts, "field.rotation_deg") == pytest.approx(2, abs=0.3)


def test_region_marks_the_field() -> None:
    facts = measured(torso(field=(380, 460, 560, 640)))
    (region,) = fact(facts, "field.found").regions
    assert region.left == pytest.approx(100 / 800, abs=0.01)
    assert region.right == pytest.approx(660 / 800, abs=0.01)
    assert region.top == pytest.approx(140 / 900, abs=0.01)
    assert region.bottom == pytest.approx(780 / 900, abs=0.01)


def tags(left: float, right: float, top: float, bottom: float) -> dict[str, float]:
    return {
        "CollimatorLeftVerticalEdge": left,
        "CollimatorRightVerticalEdge": right,
        "CollimatorUpperHorizontalEdge": top,
        "CollimatorLowerHorizontalEdge": bottom,
    }


def test_tags() -> None:
    """The header is compared with the pixels, and never replaces them."""
    picture = torso(field=(400, 450, 600, 700))
    right = measured(acquisition(picture, technique=tags(101, 701, 101, 801)))
    wrong = measured(acquisition(picture, technique=tags(1, 801, 1, 901)))
    odd = measured(acquisition(picture, technique=tags(-184, 184, 907, 1299)))
    assert right.value("field.tags_agree") is True
    assert wrong.value("field.tags_agree") is False
    assert number(wrong, "field.width_px") == number(right, "field.width_px")
    assert reasons(odd, ["field.tags_agree"]) == {Reason.INVALID_IN_HEADER}
    assert reasons(measured(picture), ["field.tags_agree"]) == {Reason.NOT_IN_HEADER}


def test_open_collimator_in_the_header() -> None:
    """Makers write 0 and one past the end; with no border in the pixels that agrees."""
    facts = measured(acquisition(torso(), technique=tags(0, 801, 0, 901)))
    assert facts.value("field.tags_agree") is True


def test_no_spacing_no_mm() -> None:
    facts = measured(pixels(torso(), spacing_mm=None, spacing_source=None))
    assert reasons(facts, ["field.width_mm", "field.off_centre_y_mm"]) == {Reason.NO_SPACING}
    assert number(facts, "field.width_px") == 800


def test_oblong_pixels() -> None:
    facts = measured(pixels(torso(field=(400, 450, 600, 700)), spacing_mm=(0.4, 0.2)))
    assert number(facts, "field.width_mm") == pytest.approx(120, abs=1.2)
    assert number(facts, "field.height_mm") == pytest.approx(280, abs=2.8)


def test_round_field_of_an_image_intensifier() -> None:
    picture = torso(800, 800)
    y, x = np.mgrid[0:800, 0:800]
    picture[np.hypot(x - 400, y - 400) > 395] = 0
    facts = measured(acquisition(picture, exam={"Modality": "XA"}))
    assert reasons(facts, sorted(collimation.NAMES)) == {Reason.NOT_RELIABLE}


def test_mammogram_has_no_collimation_to_judge() -> None:
    facts = measured(acquisition(torso(), exam={"Modality": "MG"}))
    assert reasons(facts, sorted(collimation.NAMES)) == {Reason.NOT_APPLICABLE}
