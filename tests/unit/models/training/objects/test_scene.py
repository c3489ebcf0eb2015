"""Scenes: what was laid in is what the truth says, and a film without objects goes the same way."""

from __future__ import annotations

import numpy as np

from models.training.objects import unseen
from models.training.objects.scene import Plan, Scene, aged, random_beam, seen_by_network, staged, truth
from tests.unit.models.training.films import film, lungs


def scene(seed: int, plan: Plan) -> Scene:
    rng = np.random.default_rng(seed)
    return staged(rng, film(), random_beam(rng, film(), 380), plan)


def test_strength_zero_is_the_film_itself() -> None:
    found = scene(1, Plan())
    assert np.array_equal(found.film, film())
    assert not found.removable.any() and not found.device.any() and not found.names


def test_the_same_seed_gives_the_same_scene() -> None:
    one, other = (scene(3, Plan(2, 1, 1)) for _ in range(2))
    assert np.array_equal(one.film, other.film) and one.names == other.names


def test_truth_is_where_the_film_changed() -> None:
    for seed in range(6):
        found = scene(seed, Plan(removables=2))
        canvas = seen_by_network(found.film, 384)
        there, known = truth(found.removable, canvas, 96)
        changed = np.abs(found.film - np.clip(film(), 0, 1.3)) > 1e-4
        rows, columns = np.nonzero(there)
        cell = 4 * canvas.scale
        for row, column in zip(rows, columns, strict=True):
            top, left = max(0, int(row * cell) - 3), max(0, int(column * cell) - 3)
            assert changed[top : top + int(cell) + 8, left : left + int(cell) + 8].any()
        assert known[there > 0].all()


def test_objects_lie_where_they_were_wanted() -> None:
    for seed in range(6):
        found = scene(seed, Plan(removables=1, families={"coin": unseen.coin}, where=lungs()))
        rows, columns = np.nonzero(found.removable > 0.5)
        if len(rows):
            centre = int(rows.mean()), int(columns.mean())
            assert lungs()[max(0, centre[0] - 8) : centre[0] + 9, max(0, centre[1] - 8) : centre[1] + 9].any()


def test_devices_and_markers_are_no_removable_objects() -> None:
    found = scene(5, Plan(devices=2, markers=2))
    assert not found.removable.any() and found.device.any()
    assert not np.array_equal(found.film, film())


def test_ageing_keeps_the_picture() -> None:
    for seed in range(8):
        after = aged(np.random.default_rng(seed), film())
        assert after.min() >= 0 and after.max() <= 1
        assert np.corrcoef(after.ravel(), film().ravel())[0, 1] > 0.98
