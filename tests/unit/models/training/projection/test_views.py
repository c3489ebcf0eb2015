"""From a patient to a film with its truth, on a patient of ellipsoids."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.anatomy.rotation import degrees_of_shift
from models.training.projection.body import Body, build, places
from models.training.projection.deformation import Deformation
from models.training.projection.film import random_look
from models.training.projection.generate import generate, plans, split_of
from models.training.projection.patient import Patient
from models.training.projection.rotation import table, trials
from models.training.projection.shape import random_shape
from models.training.projection.view import MASKS, Kind, Stand, View, aimed, shoot

from . import phantom

_COARSE = (5.0, 6.0, 5.0)


@pytest.fixture(scope="module")
def patient() -> Patient:
    return phantom.patient()


@pytest.fixture(scope="module")
def body(patient: Patient) -> Body:
    return build(patient, random_shape(np.random.default_rng(4)), _COARSE)


def _shot(
    body: Body, kind: Kind, yaw: float, margins: tuple[float, float, float, float] = (30, 30, 30, 30)
) -> View:
    stand = Stand(kind, yaw, 0.0, 0.0, 1800.0, 150.0, (0.0, 0.0), margins)
    camera = aimed(body, stand)
    random = np.random.default_rng(1)
    return shoot(body, stand, random_look(random), np.ones((camera.height, camera.width), np.bool_), random)


@pytest.mark.parametrize("kind", ["PA", "AP"])
def test_the_patients_right_is_at_the_pictures_left(body: Body, kind: Kind) -> None:
    view = _shot(body, kind, 0)
    assert max(view.image.shape) == 320
    for structure in ("lung", "clavicle", "scapula"):
        left, right = (view.masks[MASKS.index(f"{structure}_image_{side}")] for side in ("left", "right"))
        assert np.nonzero(left)[1].mean() < np.nonzero(right)[1].mean(), structure
    assert view.points["clavicle_end_image_left"][0, 0] < view.points["clavicle_end_image_right"][0, 0]


@pytest.mark.parametrize("kind", ["PA", "AP"])
def test_a_squared_body_is_even_at_yaw_0_and_shifts_with_it(body: Body, kind: Kind) -> None:
    def shift(yaw: float) -> float:
        points = _shot(body, kind, yaw).points
        ends = points["clavicle_end_image_left"][0] + points["clavicle_end_image_right"][0]
        spine = points["spinous"][np.argsort(points["spinous"][:, 1])]
        return float(ends[0] / 2 - np.interp(ends[1] / 2, spine[:, 1], spine[:, 0]))

    at_rest, left, right = shift(0), shift(-6), shift(6)
    assert abs(at_rest) < 0.006
    assert left < -0.02 < 0.02 < right


def test_a_clavicle_begins_at_its_medial_end(body: Body) -> None:
    view = _shot(body, "PA", 0)
    mask = view.masks[MASKS.index("clavicle_image_left")]
    rows, columns = np.nonzero(mask)
    end = view.points["clavicle_end_image_left"][0] * (mask.shape[1], mask.shape[0])
    assert columns.max() == pytest.approx(end[0], abs=4)
    assert rows[columns > columns.max() - 3].mean() == pytest.approx(end[1], abs=5)


def test_negative_margins_cut_lung_off(body: Body) -> None:
    whole, cut = _shot(body, "PA", 0), _shot(body, "PA", 0, (-20, 30, 30, 30))
    channel = MASKS.index("lung_image_left")
    assert not whole.masks[channel][:, 0].any()
    assert cut.masks[channel][:, 0].any()


def test_a_lateral_film_has_the_front_at_the_left(body: Body) -> None:
    view = _shot(body, "L", 0)
    spine, heart = (np.nonzero(view.masks[MASKS.index(name)])[1].mean() for name in ("spine", "heart"))
    assert heart < spine


def test_the_map_between_patient_and_body_turns_round(patient: Patient) -> None:
    shape = replace(random_shape(np.random.default_rng(2)), sternum=(0.0, 0.0))
    field = Deformation(patient, shape)
    found = places(patient, shape, field)
    for name, points in patient.points.items():
        np.testing.assert_allclose(field.backward(found[name]), points, atol=0.1)
    x, y, z = (found["spinous"][:1, axis] for axis in range(3))
    np.testing.assert_allclose(field.of_grid(x, y, z)[0, 0, 0], patient.points["spinous"][0], atol=0.1)


def test_a_set_is_taken_up_where_it_stopped(patient: Patient, tmp_path: Path) -> None:
    generate(patient, tmp_path, "frontal", 1, 3, _COARSE)
    first = (tmp_path / "frontal_000_00.npz").read_bytes()
    generate(patient, tmp_path, "frontal", 2, 3, _COARSE)
    rows = list(csv.DictReader((tmp_path / "index.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["file"] for row in rows] == ["frontal_000_00.npz", "frontal_000_01.npz"]
    assert (tmp_path / "frontal_000_00.npz").read_bytes() == first
    with np.load(tmp_path / rows[1]["file"]) as film:
        masks = np.unpackbits(film["masks"])[: int(np.prod(film["shape"]))].reshape(film["shape"])
        assert film["image"].shape == masks.shape[1:] == (int(rows[1]["height"]), int(rows[1]["width"]))
        assert tuple(film["names"]) == MASKS


def test_films_turned_by_known_angles_are_of_bodies_never_trained_on() -> None:
    turned = list(plans("rotation", 1000))
    assert len(turned) == len({plan.file for plan in turned}) >= 120
    assert {split_of(plan.body) for plan in turned} == {"test"}


def test_the_angle_can_be_told_from_perfect_points(patient: Patient) -> None:
    lines = list(table(list(trials(patient, 10, 1))))
    assert len(lines) == 6
    slope = float(lines[0].split()[2])
    assert 0.05 < slope < 0.2


def test_a_shift_over_the_width_gives_the_angle_back(patient: Patient) -> None:
    """The phantom's proportions are its own, so only roughly; the sign always."""
    for trial in trials(patient, 3, 2):
        told = degrees_of_shift(trial.share)
        assert abs(trial.yaw) < 4 or np.sign(told) == np.sign(trial.yaw)
        assert told == pytest.approx(trial.yaw, abs=2.5 + 0.5 * abs(trial.yaw))
