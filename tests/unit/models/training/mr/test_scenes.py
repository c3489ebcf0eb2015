"""Scenes: drawn from a seed, alike in all but motion; trajectories that leave the centre of k-space at rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from models.mr.motion_picture import SIDE
from models.training.mr import scenes
from models.training.mr.scanner import from_k, scan, to_k
from models.training.mr.scenes import LEAST, by_line, drawn, scanned, scene, shown
from models.training.mr.sources import Source, fitted
from models.training.mr.trajectories import Trajectory, trajectory
from tests.unit.models.mr.heads import head

Patch = pytest.MonkeyPatch
HEADS = (Source("heads", 0.5, np.array([fitted(head(z)) for z in (-20, 0, 30)], np.float16)),)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("lines", [96, 160, 256])
def test_the_line_at_the_centre_of_k_space_has_the_pose_nought(lines: int) -> None:
    for seed in range(60):
        path = trajectory(lines, random(seed))
        assert path.of_line.shape == (lines,) and path.poses.shape[1:] == (3,)
        assert not path.poses[path.of_line[lines // 2]].any()
        assert path.poses[path.of_line].any()


def test_lines_are_taken_in_order_or_in_passes_or_from_the_centre_outwards() -> None:
    def jumps(path: Trajectory) -> int:
        return int(np.count_nonzero(np.diff(path.of_line)))

    found = [jumps(trajectory(256, random(seed))) for seed in range(60)]
    assert min(found) <= 3 and max(found) > 60


def test_the_same_seed_gives_the_same_scene_and_another_another() -> None:
    one, again, other = scene(HEADS, random(4)), scene(HEADS, random(4)), scene(HEADS, random(5))
    assert np.array_equal(one.still, again.still) and np.array_equal(one.moved, again.moved)
    assert not np.array_equal(one.still, other.still)


@pytest.mark.parametrize("seed", range(6))
def test_a_still_scene_and_its_moved_twin_differ(seed: int) -> None:
    found = scene(HEADS, random(seed))
    for picture in (found.still, found.moved):
        assert picture.shape == (SIDE, SIDE) and picture.dtype == np.float32
        assert picture.min() >= 0 and 0.1 < picture.max() <= 1
    assert found.change >= LEAST
    assert np.abs(found.still - found.moved).max() > 0.01


@pytest.mark.parametrize("seed", range(6))
def test_without_amplitude_they_do_not(seed: int) -> None:
    path = trajectory(192, random(seed))
    found = scanned(shown(drawn(random(seed)), random(seed)), replace(path, poses=path.poses * 0), random(seed))
    assert np.array_equal(found.still, found.moved) and found.change == 0


@pytest.mark.parametrize(("close", "least", "most"), [(1.0, 0.6, 1.0), (0.0, 0.0, 0.3)])
def test_a_close_field_cuts_the_body(close: float, least: float, most: float, monkeypatch: Patch) -> None:
    monkeypatch.setattr(scenes, "_CLOSE", close)
    path = Trajectory(np.zeros((1, 3)), np.zeros(256, np.intp))
    cut = []
    for seed in range(30):
        found = scanned(fitted(head()), path, random(seed)).still
        edges = np.concatenate(
            [found[:3].ravel(), found[-3:].ravel(), found[:, :3].ravel(), found[:, -3:].ravel()]
        )
        cut.append((edges > 0.3 * np.quantile(found, 0.97)).mean() > 0.05)
    assert least <= np.mean(cut) <= most


def test_a_wider_path_changes_more() -> None:
    path = Trajectory(np.array([[0.0, 0, 0], [0, 1, 1]]), (np.arange(256) > 140).astype(np.intp))
    body = fitted(head())
    changes = [scanned(body, replace(path, poses=path.poses * far), random()).change for far in (0.5, 1, 2)]
    assert changes == sorted(changes) and changes[0] < 0.8 * changes[2]


def test_lines_outside_the_moved_ones_are_untouched() -> None:
    spectra = torch.from_numpy(random().normal(size=(3, SIDE, SIDE)))
    of_line = np.zeros(200, np.intp)
    of_line[150:170] = 2
    moved, first = by_line(spectra, of_line, rest=0), SIDE // 2 - 100
    rows = slice(first + 150, first + 170)
    assert torch.equal(moved[rows], spectra[2, rows])
    moved[rows] = spectra[0, rows]
    assert torch.equal(moved, spectra[0])


def test_motion_leaves_the_lines_of_the_spectrum_that_it_did_not_disturb() -> None:
    """Through the whole way from poses to spectra, without what a scan adds."""
    bodies = torch.from_numpy(np.stack([head(side=SIDE), np.roll(head(side=SIDE), 5, 0)]))
    of_line = np.zeros(SIDE, np.intp)
    of_line[180:] = 1
    difference = (to_k(from_k(by_line(to_k(bodies), of_line, 0))) - to_k(bodies)[0]).abs()
    assert float(difference[:180].max()) < 1e-3 * float(difference[180:].max())


def test_a_scan_does_the_same_to_every_spectrum() -> None:
    body = torch.from_numpy(fitted(head())[32:-32, 32:-32])
    spectrum = to_k(body)
    for seed in range(12):
        how = scan(body, float(spectrum.abs().max()), 160, random(seed))
        assert np.array_equal(how.picture(spectrum), how.picture(spectrum.clone()))
        assert how.picture(spectrum).shape == (SIDE, SIDE)
        assert not how.window[: (SIDE - 160) // 2].any() and how.window.max() <= 1


def test_contrast_and_shading_keep_the_air_dark() -> None:
    picture = fitted(head())
    for seed in range(10):
        found = shown(picture, random(seed))
        assert found.max() == pytest.approx(1) and not found[picture == 0].any()
