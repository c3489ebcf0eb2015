"""The projector against closed forms: chord, magnification, place, and what a turn does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.training.projection.projector import Volume, project
from models.training.projection.space import Camera, frontal, lateral, moved, turned

_SIZE = (240, 200)
_SID, _GAP = 1800.0, 150.0


def _ball(radius: float, centre: tuple[float, float, float]) -> Volume:
    """A ball of ones in voxels of 2 x 3 x 2 mm (x, y, z)."""
    step, count = (2.0, 3.0, 2.0), 50
    planes, rows, columns = np.meshgrid(*(np.arange(count) - (count - 1) / 2,) * 3, indexing="ij")
    away = np.sqrt((columns * step[0]) ** 2 + (planes * step[1]) ** 2 + (rows * step[2]) ** 2)
    values = np.clip((radius - away) / 2 + 0.5, 0, 1)[..., None].astype(np.float32)
    middle = (count - 1) / 2
    matrix = np.array([[-step[0], 0, 0, 0], [0, 0, step[1], 0], [0, -step[2], 0, 0], [0, 0, 0, 1.0]])
    matrix[:3, 3] = np.array(centre) - matrix[:3, :3] @ np.full(3, middle)
    return Volume(values, matrix)


def _middle(shadow: NDArray[np.float32]) -> tuple[float, float]:
    """Column and row of the centre of mass, pixel edges counted from 0."""
    rows, columns = np.indices(shadow.shape)
    weight = float(shadow.sum())
    return float((columns * shadow).sum() / weight + 0.5), float((rows * shadow).sum() / weight + 0.5)


@pytest.mark.parametrize("antero_posterior", [False, True])
def test_a_ball_casts_its_chord_and_its_magnified_circle(antero_posterior: bool) -> None:
    camera = frontal(_SIZE, 1.0, _SID, _GAP, antero_posterior=antero_posterior)
    shadow = project(_ball(40, (0, 0, 0)), camera)[..., 0]
    assert shadow.max() == pytest.approx(80, abs=0.8)
    away = _SID - _GAP
    radius = _SID * 40 / np.sqrt(away**2 - 40**2)
    assert np.sqrt((shadow > 4).sum() / np.pi) == pytest.approx(radius, abs=0.8)
    # The volume of a ball is the sum of its chords, each over its own magnified area.
    assert shadow.sum() * (away / _SID) ** 2 == pytest.approx(4 / 3 * np.pi * 40**3, rel=0.01)


@pytest.mark.parametrize("antero_posterior", [False, True])
@pytest.mark.parametrize("centre", [(40.0, 30.0, 20.0), (-35.0, -60.0, 10.0)])
def test_a_ball_lies_where_the_straight_ray_hits_the_detector(
    antero_posterior: bool, centre: tuple[float, float, float]
) -> None:
    camera = frontal(_SIZE, 1.0, _SID, _GAP, antero_posterior=antero_posterior)
    side = -1 if antero_posterior else 1
    magnified = _SID / (_SID - _GAP + side * centre[1])
    column, row = _middle(project(_ball(15, centre), camera)[..., 0])
    # Either film is shown with the patient's right (x > 0) at the picture's left.
    assert column == pytest.approx(_SIZE[0] / 2 - centre[0] * magnified, abs=0.3)
    assert row == pytest.approx(_SIZE[1] / 2 - centre[2] * magnified, abs=0.3)
    assert (column, row) == pytest.approx(tuple(camera.seen(np.array([centre]))[0]), abs=0.3)


@pytest.mark.parametrize("antero_posterior", [False, True])
@pytest.mark.parametrize("degrees", [-12.0, -1.0, 1.0, 5.0])
def test_a_turn_moves_front_against_back_by_a_known_shift(antero_posterior: bool, degrees: float) -> None:
    """image-qc.md 9.2: clavicles 130 mm in front of the processes move about 2.4 mm per degree, rightwards."""
    camera = frontal(_SIZE, 1.0, _SID, _GAP, antero_posterior=antero_posterior)
    pose = turned(2, degrees)
    front, back = (_middle(project(_ball(12, (0, y, 0)).moved(pose), camera)[..., 0])[0] for y in (65.0, -65.0))
    side = -1 if antero_posterior else 1
    near, away = 65 * np.cos(np.radians(degrees)), _SID - _GAP
    lateral_mm = 65 * np.sin(np.radians(degrees))
    expected = lateral_mm * _SID * (1 / (away + side * near) + 1 / (away - side * near))
    assert front - back == pytest.approx(expected, abs=0.3)
    assert (front - back) / degrees == pytest.approx(2.5, abs=0.15)


def test_lateral_rays_see_depth_as_columns() -> None:
    centre = (20.0, 40.0, 10.0)
    camera = lateral(_SIZE, 1.0, _SID, _GAP)
    shadow = project(_ball(15, centre).across(), camera)[..., 0]
    magnified = _SID / (_SID - _GAP - centre[0])
    assert _middle(shadow)[0] == pytest.approx(_SIZE[0] / 2 - centre[1] * magnified, abs=0.3)
    assert shadow.max() == pytest.approx(30, abs=1.0)


def test_what_lies_beside_the_film_casts_nothing() -> None:
    assert not project(_ball(15, (400, 0, 0)), frontal(_SIZE, 1.0, _SID, _GAP)).any()


def test_points_and_voxels_move_alike() -> None:
    camera: Camera = frontal(_SIZE, 0.8, 1200.0, 170.0, centre=(10.0, -5.0), source=(25.0, 40.0))
    pose = turned(1, 4) @ turned(0, -3) @ turned(2, 9)
    found = _middle(project(_ball(12, (30, 20, -15)).moved(pose), camera)[..., 0])
    assert found == pytest.approx(tuple(camera.seen(moved(pose, np.array([[30.0, 20, -15]])))[0]), abs=0.3)
