"""chest-anatomy: truth follows the film through every change, and what is unknown teaches nothing."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import pytest
import torch

from models.anatomy.structures import CUTS, ORGANS, POINTS, SIDE
from models.training.films import Plate, lungs_apart, warped
from models.training.tasks.chest_anatomy_loss import dice_of, loss_of, right_of
from models.training.tasks.chest_anatomy_samples import Draws, Source
from models.training.tasks.chest_anatomy_taught import believable, seen_ways
from models.training.tasks.chest_anatomy_truth import heat, sample_of
from models.training.tasks.chest_anatomy_variety import exposed_by, mirrored, varied
from models.training.tasks.chest_anatomy_window import CUT, UNKNOWN, WHOLE, as_it_is


def _plate() -> Plate:
    """Two dark lungs on bright tissue; the lungs are exactly where the picture is dark."""
    y, x = np.mgrid[0:300, 0:260]
    left = ((x - 75) / 45) ** 2 + ((y - 150) / 95) ** 2 < 1
    right = ((x - 185) / 45) ** 2 + ((y - 150) / 95) ** 2 < 1
    values = np.where(left | right, 0.15, 0.85).astype(np.float32)
    maps = {f"lung_image_{side}": mask.astype(np.uint8) * 255 for side, mask in (("left", left), ("right", right))}
    ends = {"clavicle_end_image_left": np.array([[75.0, 60.0]], np.float32)}
    return Plate(values, maps, ends)


def test_two_lungs_are_told_apart_by_their_side_and_specks_follow_the_nearer() -> None:
    mask = np.zeros((60, 100), np.uint8)
    mask[10:50, 10:40], mask[10:50, 60:90], mask[52:54, 62:64] = 255, 255, 255
    found = lungs_apart(mask)
    assert found is not None
    assert found[0][:, :45].sum() == mask[:, :45].sum()
    assert found[1][53, 63] == 255
    assert not (found[0] & found[1]).any()
    mask[30:32] = 255
    assert lungs_apart(mask) is None, "joined lungs have no sides"


@pytest.mark.parametrize("seed", range(12))
def test_a_varied_film_keeps_its_truth_where_its_lungs_are(seed: int) -> None:
    seen = varied(_plate(), SIDE, np.random.default_rng(seed))
    plate, exposed = seen.plate, exposed_by(seen.field, seen.plate.values.shape)
    assert max(plate.size) == SIDE
    lungs = np.maximum(plate.maps["lung_image_left"], plate.maps["lung_image_right"]) > 200
    body = np.maximum(plate.maps["lung_image_left"], plate.maps["lung_image_right"]) < 50
    near = cv2.dilate(lungs.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    body &= near & exposed
    if lungs.sum() > 500:  # a crop may have left hardly any
        assert np.median(plate.values[lungs]) < np.median(plate.values[body])


def test_mirroring_exchanges_the_sides_and_twice_changes_nothing() -> None:
    plate = _plate()
    other = mirrored(plate)
    assert np.array_equal(other.maps["lung_image_right"], plate.maps["lung_image_left"][:, ::-1])
    assert other.points["clavicle_end_image_right"].tolist() == [[260 - 75, 60]]
    again = mirrored(other)
    assert np.array_equal(again.values, plate.values)
    assert again.points["clavicle_end_image_left"].tolist() == [[75, 60]]


def test_points_and_maps_move_alike() -> None:
    plate = _plate()
    spot = np.zeros(plate.values.shape, np.uint8)
    spot[55:65, 70:80] = 255  # centred on the clavicle end
    matrix = np.array([[1.2, 0.1, -20], [-0.1, 0.9, 30]], np.float32)
    moved = warped(Plate(plate.values, {"spot": spot}, plate.points), matrix, (260, 300), 0.0)
    rows, columns = np.nonzero(moved.maps["spot"] > 127)
    centre = columns.mean() + 0.5, rows.mean() + 0.5
    assert moved.points["clavicle_end_image_left"][0] == pytest.approx(centre, abs=0.5)


def test_a_sample_says_what_it_knows() -> None:
    sample = sample_of(as_it_is(_plate()))
    known = dict(zip((*ORGANS, *POINTS), sample["known"].tolist(), strict=True))
    assert known["lung_image_left"] == known["clavicle_end_image_left"] == 1
    assert known["heart"] == known["spinous_line"] == 0
    peak = np.unravel_index(int(sample["points"][0].argmax()), (SIDE, SIDE))
    assert (int(peak[0]), int(peak[1])) == (int(60 * 256 / 300), int(75 * 256 / 300))


def test_a_line_is_warm_along_its_whole_length() -> None:
    warm = heat(np.array([[100.0, 20.0], [120.0, 200.0]], np.float32), is_line=True, scale=1.0)
    assert (warm[25:195].max(axis=1) > 0.9).all()
    assert warm[110, 150] < 1e-3


def test_unknown_structures_and_untrusted_pixels_cost_nothing() -> None:
    sample = sample_of(as_it_is(_plate()))
    batch = {name: value[None].clone() for name, value in sample.items()}
    logits = torch.where(torch.cat((batch["structures"], batch["points"]), 1) > 0.5, 9.0, -9.0)

    def loss() -> float:
        return float(loss_of((logits[:, : len(ORGANS)], logits[:, len(ORGANS) :], *_silent()), batch))

    good = loss()
    logits[:, ORGANS.index("heart")] = 9.0
    assert loss() == pytest.approx(good)
    logits[:, 0, :40] = 9.0
    assert loss() > good + 0.1
    batch["trusted"][:, :, :40] = 0
    assert loss() < good + 0.02


def _silent() -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a network that sees no cut."""
    return torch.full((1, len(CUTS)), -9.0), torch.full((1, len(CUTS), SIDE // 2, SIDE // 2), -9.0)


def _without_points() -> Plate:
    whole = _plate()
    return Plate(whole.values, whole.maps)


def test_a_border_beside_a_lung_is_known_to_cut_it_or_not() -> None:
    """Over many draws: where the truth says cut, the lung lies along the border; where whole, it stays away."""
    found = {CUT: 0, WHOLE: 0, UNKNOWN: 0}
    for seed in range(40):
        seen = varied(_without_points(), SIDE, np.random.default_rng(seed))
        lungs = np.maximum(seen.plate.maps["lung_image_left"], seen.plate.maps["lung_image_right"]) > 127
        rows, columns = np.nonzero(lungs)
        left, top, right, bottom = seen.field
        gap = {
            "left": columns.min() - left,
            "top": rows.min() - top,
            "right": right - columns.max() - 1,
            "bottom": bottom - rows.max() - 1,
        }
        for side in CUTS:
            found[seen.cut[side]] += 1
            if seen.cut[side] == CUT:
                assert gap[side] <= 1.5
            elif seen.cut[side] == WHOLE:
                assert gap[side] > 0
    assert found[CUT] > 15 and found[WHOLE] > 60


def test_a_film_as_it_is_is_whole_unless_a_lung_reaches_its_edge() -> None:
    assert set(as_it_is(_without_points()).cut.values()) == {WHOLE}
    assert set(as_it_is(_plate()).cut.values()) == {UNKNOWN}, "a projection's own field may end in the lung"
    short = _without_points()
    short = Plate(short.values[:200], {name: m[:200] for name, m in short.maps.items()})
    assert as_it_is(short).cut == {"left": WHOLE, "right": WHOLE, "top": WHOLE, "bottom": UNKNOWN}


def test_a_cut_is_learnt_at_its_place_and_the_unknown_costs_nothing() -> None:
    seen = next(
        drawn
        for seed in range(99)
        if (drawn := varied(_without_points(), SIDE, np.random.default_rng(seed))).cut["left"] == CUT
    )
    batch = {name: value[None].clone() for name, value in sample_of(seen).items()}
    at = batch["cut_at"][0, CUTS.index("left")]
    assert 0 < float(at.sum()) < 4 * SIDE
    structures = torch.where(batch["structures"] > 0.5, 9.0, -9.0)
    points = torch.full((1, len(POINTS), SIDE, SIDE), -9.0)
    cut, cut_at = _silent()
    blind = float(loss_of((structures, points, cut, cut_at), batch))
    told = torch.where(batch["cut"] > 0.5, 9.0, -9.0), torch.where(batch["cut_at"] > 0.5, 9.0, -9.0)
    assert float(loss_of((structures, points, *told), batch)) < 0.2 * blind
    right = right_of((structures, points, torch.sigmoid(told[0])), batch)[0]
    assert right[CUTS.index("left")] == 1
    batch["cut"][:] = UNKNOWN
    assert float(loss_of((structures, points, *told), batch)) == pytest.approx(
        float(loss_of((structures, points, cut, cut_at), batch))
    )
    assert bool(torch.isnan(right_of((structures, points, cut), batch)).all())


def test_dice_is_only_told_of_what_is_there() -> None:
    batch = {name: value[None] for name, value in sample_of(as_it_is(_plate())).items()}
    found = dice_of((batch["structures"], batch["points"]), batch)[0]
    assert found[0] == found[1] == 1
    assert torch.isnan(found[ORGANS.index("spine")])


def test_the_same_seed_draws_the_same_films() -> None:
    plates = Source("films", [_plate()], 1.0)
    first, again, other = (Draws([plates], 2, seed)[1]["image"] for seed in ((1, 0), (1, 0), (1, 1)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def _dark_is_lung(batch: np.ndarray) -> Mapping[str, np.ndarray]:
    """A network that takes dark for lung, the half of the canvas's film for the side, and sees nothing else."""
    structures = np.zeros((len(batch), len(ORGANS), SIDE, SIDE), np.float32)
    points = np.zeros((len(batch), len(POINTS), SIDE, SIDE), np.float32)
    for number, image in enumerate(batch[:, 0]):
        # The canvas's padding is dark, too; the plate is 222 of 256 columns wide and framed by tissue.
        lung = (image > 0.02) & (image < 0.4)
        structures[number, 0, :, :111], structures[number, 1, :, 111:] = lung[:, :111], lung[:, 111:]
    return {"structures": structures, "points": points}


def test_what_all_views_agree_on_is_believed_and_the_rest_is_not() -> None:
    plate = _plate()
    values = np.clip(plate.values + np.linspace(0, 0.1, 300, dtype=np.float32)[:, None], 0, 1)
    ways = seen_ways(_dark_is_lung, values)
    found = believable(ways)
    assert set(found) == {"lung_image_left", "lung_image_right"}
    both = np.maximum(found["lung_image_left"], found["lung_image_right"]) > 127
    truth = np.maximum(plate.maps["lung_image_left"], plate.maps["lung_image_right"]) > 127
    assert 2 * (both & truth).sum() / (both.sum() + truth.sum()) > 0.97
    ways["lung_image_left"][1:3] = np.roll(ways["lung_image_left"][1:3], 60, axis=1)
    assert believable(ways) == {}, "without two lungs a film teaches nothing"
