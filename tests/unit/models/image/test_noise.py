"""Noise: the sigma that was put in comes out, and nothing comes out where the values are not the detector's."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from models.image import noise
from models.measurement import Reason
from tests.unit.models.image.phantoms import acquisition, fact, measured, number, pixels, reasons, torso


@pytest.mark.parametrize("sigma", [5, 8, 12, 20, 35, 50, 80])
def test_injected_sigma(sigma: float) -> None:
    """Known truth: within 5 % for 5 to 80 counts, values rounded to whole counts; the check within 10 %."""
    facts = measured(torso(sigma=sigma, seed=int(sigma)))
    assert number(facts, "noise.sigma") == pytest.approx(sigma, rel=0.05)
    assert number(facts, "noise.immerkaer_sigma") == pytest.approx(sigma, rel=0.10)
    assert fact(facts, "noise.sigma").confidence == 1.0


def test_two_scales_follow_noise_that_was_blurred() -> None:
    """White noise: the same as sigma within 6 %. Blurred to 0.7 pixels: much more of it is left than in sigma."""
    white = measured(torso(sigma=40))
    assert number(white, "noise.two_scale_sigma") == pytest.approx(40, rel=0.06)
    soft = measured(np.asarray(cv2.GaussianBlur(torso(sigma=40), (0, 0), 0.7), np.float32))
    assert number(soft, "noise.two_scale_sigma") > 1.5 * number(soft, "noise.sigma")


def test_mean_of_two_has_less_noise_by_root_two() -> None:
    one, other = torso(sigma=40, seed=1), torso(sigma=40, seed=2)
    single, mean = measured(one), measured(np.asarray((one + other) / 2, np.float32))
    ratio = number(single, "noise.sigma") / number(mean, "noise.sigma")
    assert ratio == pytest.approx(np.sqrt(2), rel=0.03)


def test_relative_to_the_signal_of_the_body() -> None:
    """Doubling the exposure's noise at one signal doubles the relative noise."""
    low, high = measured(torso(sigma=15)), measured(torso(sigma=30))
    ratio = number(high, "noise.relative_percent") / number(low, "noise.relative_percent")
    assert ratio == pytest.approx(2, rel=0.03)


def test_smoothed_noise_is_told_by_its_confidence() -> None:
    """A maker's smoothing makes the noise look small; means of 2 x 2 pixels tell."""
    facts = measured(np.asarray(cv2.GaussianBlur(torso(sigma=40), (0, 0), 0.8), np.float32))
    assert fact(facts, "noise.sigma").confidence < 1


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"display": {"BitsStored": 8}}, "8 bits"),
        ({"display": {"LossyImageCompression": "01"}}, "lossy"),
        ({"exam": {"ImageType": ("DERIVED", "PRIMARY")}}, "derived"),
        ({"medium": "screen"}, "screen"),
    ],
)
def test_refused_where_the_values_are_not_the_detectors(change: dict[str, object], word: str) -> None:
    facts = measured(acquisition(torso(), **change))  # type: ignore[arg-type]
    assert reasons(facts, sorted(noise.NAMES)) == {Reason.NOT_RELIABLE}
    assert word in facts.get("noise.sigma").detail  # type: ignore[union-attr]


def test_too_coarse_values() -> None:
    """Noise far under one grey level cannot be seen."""
    facts = measured(torso(sigma=0.05))
    assert reasons(facts, ["noise.sigma"]) == {Reason.NOT_RELIABLE}


def test_no_signal() -> None:
    """The relative noise has no meaning when the body lies at the lower end of the range."""
    facts = measured(pixels(torso(), value_range=(6000.0, 9000.0)))
    assert number(facts, "noise.sigma") == pytest.approx(20, rel=0.05)
    assert reasons(facts, ["noise.relative_percent"]) == {Reason.NOT_RELIABLE}
