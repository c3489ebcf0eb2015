"""Clipped pixels: inside the body they count, beside it they do not."""

from __future__ import annotations

import numpy as np
import pytest

from models.image import clipping
from models.image.metric import UNPROVEN
from models.measurement import Reason
from tests.unit.models.image.phantoms import (
    Array,
    acquisition,
    fact,
    leg,
    measured,
    number,
    pixels,
    reasons,
    torso,
)


def body_share(facts_of: Array) -> float:
    return number(measured(facts_of), "clipping.dark_percent")


def test_a_good_picture_has_none() -> None:
    facts = measured(torso())
    assert number(facts, "clipping.bright_percent") == 0
    assert number(facts, "clipping.dark_percent") == 0


@pytest.mark.parametrize("percent", [0.5, 1, 2, 5])
@pytest.mark.parametrize("end", ["dark", "bright"])
def test_known_share(percent: float, end: str) -> None:
    """A patch of the body at the end of the values, of known area: within a tenth of the share."""
    picture = torso(field=(400, 450, 640, 720))
    body = 640 * 720
    side = round(np.sqrt(percent / 100 * body))
    picture[430 : 430 + side, 385 : 385 + side] = 4095 if end == "dark" else 0
    facts = measured(picture)
    background = number(facts, "clipping.background_percent") / 100
    got = number(facts, f"clipping.{end}_percent") * (1 - background)
    assert got == pytest.approx(percent, rel=0.12)
    other = "bright" if end == "dark" else "dark"
    assert number(facts, f"clipping.{other}_percent") == 0
    (region, *_) = fact(facts, f"clipping.{end}_percent").regions
    assert region.left == pytest.approx(385 / 800, abs=0.01)
    assert region.bottom == pytest.approx((430 + side) / 900, abs=0.01)


def test_plateau_below_the_end_of_the_range() -> None:
    """A look-up table may end at 3000 of 4095: the plateau counts wherever it lies."""
    picture = torso()
    patch = picture[400:460, 380:440]
    picture = np.minimum(picture, 3900)
    patch[:] = 3900
    picture[400:460, 380:440] = patch
    share = body_share(picture)
    assert share == pytest.approx(100 * 3600 / (900 * 800), rel=0.5)


def test_saturated_background_is_not_clipping() -> None:
    """The open air beside a limb at the detector's limit, as in a normal exposure."""
    facts = measured(acquisition(leg(air=4400), exam={"BodyPartExamined": "TIBIA"}))
    assert number(facts, "clipping.background_percent") == pytest.approx(50, abs=8)
    assert number(facts, "clipping.dark_percent") < 0.5


@pytest.mark.parametrize("inverted", [True, False])
def test_the_ends_are_named_after_what_is_seen_not_after_the_stored_values(inverted: bool) -> None:
    """A lung burnt out is dark, whether much radiation is stored as high values or as low ones."""
    picture = torso()
    picture[430:500, 380:450] = 4095
    facts = measured(pixels(picture if inverted else 4095 - picture, inverted=inverted))
    assert number(facts, "clipping.dark_percent") > 0.5
    assert number(facts, "clipping.bright_percent") == 0
    assert fact(facts, "clipping.dark_percent").confidence <= UNPROVEN


def test_lossy_values_smear_the_plateau() -> None:
    """Within 0.4 % of the range of the top value, at half the confidence."""
    picture = torso()
    picture[430:500, 380:450] = 5 + np.random.default_rng(0).integers(-5, 6, (70, 70))
    sharp = measured(picture)
    lossy = measured(acquisition(picture, display={"LossyImageCompression": "01"}))
    assert number(lossy, "clipping.bright_percent") > 0.5 > number(sharp, "clipping.bright_percent")
    assert fact(lossy, "clipping.bright_percent").confidence == 0.5


def test_screen_is_refused() -> None:
    facts = measured(acquisition(torso(), medium="screen"))
    assert reasons(facts, sorted(clipping.NAMES)) == {Reason.NOT_RELIABLE}


def test_hot_pixels_are_not_a_plateau() -> None:
    picture = torso()
    picture[[300, 500, 610], [300, 400, 350]] = 4095
    assert body_share(picture) == 0


def test_clipped_at_the_border_of_the_field_is_less_sure() -> None:
    """A white strip along the picture's side may be a shutter; in the middle it is not."""
    side, middle = torso(), torso()
    side[200:700, :8] = 0
    middle[430:500, 380:450] = 0
    at_side, inside = (fact(measured(one), "clipping.bright_percent") for one in (side, middle))
    assert at_side.confidence == 0.5
    assert inside.confidence == 1.0
