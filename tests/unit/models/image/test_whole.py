"""What all metrics have in common: what they refuse, units, names, shared views; histogram and inversion."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest

from capture.acquisition import NoPixels
from models.catalogue import catalogue
from models.image import producers
from models.image.metric import Metric
from models.image.views import ViewsOf
from models.measurement import Measurement, NotMeasured, Reason
from models.producer import discover
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

NAMES = sorted(name for producer in producers() for name in producer.provides)


def test_names_are_in_the_catalogue_and_each_catalogue_name_is_provided() -> None:
    families = {name.split(".")[0] for name in NAMES}
    assert set(NAMES) == {name for name in catalogue() if name.split(".")[0] in families}


def test_every_name_is_reported_with_its_unit() -> None:
    facts = measured(torso(field=(400, 450, 600, 700)))
    for name in NAMES:
        found = facts.get(name)
        if isinstance(found, Measurement):
            assert found.unit == catalogue()[name].unit
            assert found.producer.endswith(("/1", "/2"))
        else:
            assert found.reason is not Reason.FAILED, found


def test_offered_as_producers() -> None:
    assert {"collimation/1", "noise/1"} <= {producer.name for producer in discover()}


@pytest.mark.parametrize("modality", ["CT", "MR", "US", "SC", "OT", None])
def test_only_projection_radiographs(modality: str | None) -> None:
    facts = measured(acquisition(torso(300, 300), exam={"Modality": modality}))
    assert reasons(facts, NAMES) == {Reason.NOT_APPLICABLE}


@pytest.mark.parametrize("modality", ["CR", "DX", "RF"])
def test_projection_radiographs(modality: str) -> None:
    facts = measured(acquisition(torso(), exam={"Modality": modality}))
    assert facts.value("image.blank") is False


def test_no_pixels() -> None:
    nothing = acquisition(torso(100, 100))
    of = acquisition(pixels(torso(100, 100)))
    assert isinstance(of.pixels, type(nothing.pixels))
    facts = measured(
        type(of)(**{**{name: getattr(of, name) for name in of.__slots__}, "pixels": NoPixels("truncated")})
    )
    assert reasons(facts, NAMES) == {Reason.NO_PIXELS}


def test_runs_and_tiny_pictures() -> None:
    assert reasons(measured(pixels(torso(), frames=20)), NAMES) == {Reason.NOT_APPLICABLE}
    assert reasons(measured(torso(60, 300)), NAMES) == {Reason.NOT_RELIABLE}


def noise_only(mean: float, sigma: float) -> Array:
    return np.asarray(np.random.default_rng(0).normal(mean, sigma, (600, 600)), np.float32)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(np.zeros((500, 500), np.float32), id="black"),
        pytest.param(np.full((500, 500), 4095, np.float32), id="white"),
        pytest.param(noise_only(2000, 30), id="noise"),
    ],
)
def test_blank(picture: Array) -> None:
    """A blank picture says so, and nothing else pretends to have measured it."""
    facts = measured(picture)
    assert facts.value("image.blank") is True
    assert reasons(facts, [name for name in NAMES if not name.startswith("image.")]) == {Reason.NOT_RELIABLE}


def test_blank_with_a_label() -> None:
    picture = np.zeros((800, 800), np.float32)
    picture[20:50, 20:150] = 4095
    assert measured(picture).value("image.blank") is True


def test_all_padding() -> None:
    picture = torso(300, 300)
    facts = measured(pixels(picture, padding=np.ones(picture.shape, bool)))
    assert facts.value("image.blank") is True


def test_faint_structure_is_not_blank() -> None:
    y, x = np.mgrid[0:600, 0:600]
    faint = noise_only(2000, 30) + 60 * np.exp(-(((x - 300) ** 2 + (y - 300) ** 2) / 120.0**2)).astype(np.float32)
    assert measured(faint).value("image.blank") is False


def test_percentiles() -> None:
    ramp = np.tile(np.linspace(0, 1000, 1001, dtype=np.float32), (400, 1))
    facts = measured(pixels(ramp, value_range=(0.0, 2000.0)))
    assert number(facts, "image.percentile_01") == pytest.approx(10, abs=4)
    assert number(facts, "image.percentile_50") == pytest.approx(500, abs=4)
    assert number(facts, "image.percentile_99") == pytest.approx(990, abs=4)
    assert number(facts, "image.dynamic_range_used_percent") == pytest.approx(49, abs=0.5)
    odd = measured(pixels(ramp, value_range=(0.0, 0.0)))
    assert reasons(odd, ["image.dynamic_range_used_percent"]) == {Reason.INVALID_IN_HEADER}


def test_inverted_chest() -> None:
    """The same values under the other interpretation would be shown inverted, and that is said."""
    picture = torso()
    right, wrong = measured(picture), measured(pixels(picture, inverted=False))
    assert right.value("inversion.mismatch") is False
    assert wrong.value("inversion.mismatch") is True
    assert fact(wrong, "inversion.mismatch").confidence >= 0.9


@pytest.mark.parametrize("inverted", [True, False])
@pytest.mark.parametrize("negative", [True, False])
def test_inverted_limb(inverted: bool, negative: bool) -> None:
    picture = 4095 - leg() if negative else leg()
    facts = measured(acquisition(pixels(picture, inverted=inverted), exam={"BodyPartExamined": "TIBIA"}))
    assert facts.value("inversion.mismatch") is (inverted is negative)


def test_unknown_part_is_not_guessed() -> None:
    for part in (None, "ABDOMEN", "PELVIS"):
        facts = measured(acquisition(torso(), exam={"BodyPartExamined": part}))
        assert reasons(facts, ["inversion.mismatch"]) == {Reason.NOT_RELIABLE}


@pytest.mark.parametrize("turns", [1, 3])
def test_turned_chest_is_not_guessed(turns: int) -> None:
    facts = measured(np.ascontiguousarray(np.rot90(torso(), turns)))
    assert reasons(facts, ["inversion.mismatch"]) == {Reason.NOT_RELIABLE}


def test_inversion_is_not_asked_of_angiograms() -> None:
    facts = measured(acquisition(torso(), exam={"Modality": "XA"}))
    assert reasons(facts, ["inversion.mismatch"]) == {Reason.NOT_APPLICABLE}


def test_views_are_made_once_and_do_not_keep_the_picture() -> None:
    views_of = ViewsOf()
    of = pixels(torso(300, 300))
    first = views_of(of, "chest")
    assert views_of(of, "chest") is first
    other = pixels(torso(300, 300, seed=1))
    assert views_of(other, "chest") is not first
    gone = weakref.ref(other.values)
    del other
    gc.collect()
    assert gone() is None


def test_metrics_of_one_set_share_their_views() -> None:
    found = {id(producer.views_of) for producer in producers() if isinstance(producer, Metric)}
    assert len(found) == 1


def test_details_name_no_identity() -> None:
    facts = measured(acquisition(torso(60, 60)))
    assert all("Name" not in f.detail for f in facts if isinstance(f, NotMeasured))
