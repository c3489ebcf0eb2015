"""radiograph-view: what every picture teaches, that samples follow their truth, and that limits lose nothing."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from models.anatomy.gate import strange
from models.anatomy.view import KINDS, SIDE
from models.measurement import Reason
from models.training.drawn import draw
from models.training.loop import Settings, fit, run_of
from models.training.nets import LiteEncoder
from models.training.split import LEFT_OUT
from models.training.tasks.radiograph_view import RadiographView, side_of
from models.training.tasks.radiograph_view_challenge import after_pneumonectomy, opaque_lung, photo_of_monitor
from models.training.tasks.radiograph_view_limits import band, evenly, gate_limits
from models.training.tasks.radiograph_view_network import ANSWERS, ViewNetwork
from models.training.tasks.radiograph_view_pictures import drawn, on_a_page, photographed
from models.training.tasks.radiograph_view_pool import Item
from models.training.tasks.radiograph_view_samples import UNKNOWN, varied
from models.training.tasks.radiograph_view_shapes import fitted, mask_shapes
from models.training.tasks.radiograph_view_variety import (
    oriented,
    white_lung,
    without_a_part,
    without_markers,
)
from tests.unit.models.anatomy.watcher import kinds, view

PARTS = (
    ("CHEST", "PA", "adult"),
    ("CHEST", "AP", "child"),
    ("CHEST", "L", ""),
    ("CHEST", "", "adult"),
    ("HAND", "", ""),
    ("HEAD (CT slice)", "", ""),
    ("WHOLE SPINE", "AP", ""),
    ("NONE", "", ""),
)
KIND_OF = {
    "CHEST PA": {"chest_pa"},
    "CHEST AP": {"chest_ap"},
    "CHEST L": {"chest_lateral"},
    "CHEST": {"chest_pa", "chest_ap"},
    "HAND": {"other_body_part"},
    "WHOLE SPINE AP": {"other_body_part"},
    "HEAD (CT slice)": {"other_body_part", "not_a_radiograph"},
    "NONE": {"not_a_radiograph"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty-eight drawn films, six of each kind."""
    where = tmp_path_factory.mktemp("films")
    with (where / "manifest.csv").open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(("image", "lungs", "source", "tier", "licence", "patient", "view", "age_group", "body_part"))
        for number in range(48):
            part, view, age = PARTS[number % len(PARTS)]
            one = draw(number, 120, 100)
            cv2.imwrite(str(where / f"{number}.png"), (one.picture * 255).clip(0, 255).astype(np.uint8))
            cv2.imwrite(str(where / f"{number}_lungs.png"), one.lungs)
            lungs = f"{number}_lungs.png" if view == "PA" else ""
            out.writerow((f"{number}.png", lungs, "drawn", "open", "ours", number, view, age, part))
    return where


@pytest.fixture(scope="module")
def task(folder: Path) -> RadiographView:
    return RadiographView(folder, samples=8)


def every(task: RadiographView) -> list[Item]:
    return [item for part in ("train", "tune", "test") for item in task.items(part)]


def test_what_each_picture_teaches(task: RadiographView) -> None:
    assert len(every(task)) == 48
    for item in every(task):
        assert set(item.kinds) == KIND_OF[f"{item.film.body_part} {item.film.view}".strip()]
    child = {item.film.age_group: item.child for item in every(task) if item.film.view in ("PA", "AP", "")}
    assert child["child"] is True and child["adult"] is False


def test_samples_are_the_same_again_and_ask_only_what_is_known(task: RadiographView) -> None:
    first, again = (task.dataset("train", 3) for _ in range(2))
    for index in range(8):
        one, two = first[index], again[index]
        assert torch.equal(one["image"], two["image"])
        assert one["image"].shape == (2, SIDE, SIDE) and float(one["image"].min()) >= 0
        assert float(one["image"].max()) <= 1
        assert one["kinds"].sum() >= 1
    other = task.dataset("train", 4)[0]
    assert not torch.equal(other["image"], first[0]["image"])


def test_a_hand_has_no_upright_and_a_lateral_no_mirror_image(task: RadiographView) -> None:
    rng = np.random.default_rng(0)
    for item in every(task):
        sample = varied(item, rng)
        if item.film.body_part in ("HAND", "NONE", "HEAD (CT slice)"):
            assert sample.turn == UNKNOWN
        if item.film.view == "L" or item.film.body_part != "CHEST":
            assert sample.mirrored == UNKNOWN and sample.white == UNKNOWN


def test_mirrored_first_then_turned_clockwise() -> None:
    film = np.asarray([[1, 2], [3, 4]], np.float32)
    assert oriented(film, 1, False).tolist() == [[3, 1], [4, 2]]
    assert oriented(film, 1, True).tolist() == [[4, 2], [3, 1]]


def test_markers_are_painted_over_and_the_rest_stays() -> None:
    film = cv2.GaussianBlur(draw(3, 240, 200).picture, (0, 0), 4)
    letter = np.zeros(film.shape, np.uint8)
    cv2.putText(letter, "R", (8, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.7, 255, 2)
    marked = np.where(letter > 0, np.float32(1.2), film)
    hidden = without_markers(marked)
    assert np.abs(hidden - film)[5:40, 5:40].max() < 0.35 * np.abs(marked - film).max()
    assert np.abs(hidden - film)[60:].mean() < 0.01


def test_a_white_lung_is_white_on_one_side_only() -> None:
    one = draw(5, 240, 200)
    lungs = one.lungs > 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        for white in (white_lung(one.picture, lungs, rng), opaque_lung(one.picture, lungs, seed % 2 == 0, rng)):
            sides = [float(np.median(white[part])) for part in (lungs & left_half(True), lungs & left_half(False))]
            assert abs(sides[0] - sides[1]) > 0.15
    assert after_pneumonectomy(one.picture, lungs, True, np.random.default_rng(1)).shape[1] < 200


def left_half(left: bool) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    columns = np.arange(200) < 100
    return np.broadcast_to(columns if left else ~columns, (240, 200))


def test_what_is_staged_is_a_picture() -> None:
    film = draw(1, 200, 180).picture
    for seed in range(8):
        rng = np.random.default_rng(seed)
        for picture in (drawn(rng), on_a_page(film, rng), photographed(film, rng), photo_of_monitor(film, rng)):
            assert np.isfinite(picture).all() and min(picture.shape) > 60
            assert float(picture.std()) > 0.005


def test_the_network_answers_with_probabilities_and_its_temperature_does_not_change_the_answer() -> None:
    network = ViewNetwork(LiteEncoder()).eval()
    image = torch.rand(2, 1, SIDE, SIDE)
    with torch.inference_mode():
        plain = network(image)
        network.temperature.fill_(2.0)
        calm = network(image)
    assert [tuple(output.shape) for output in plain] == [(2, len(KINDS)), (2, 8), (2, 1), (2, 1), (2, 1)]
    for output in plain[:2]:
        assert output.sum(dim=1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert torch.equal(plain[0].argmax(1), calm[0].argmax(1))
    assert float(calm[0].max()) <= float(plain[0].max())


def test_a_picture_and_its_mirror_image_say_opposite_sides(task: RadiographView) -> None:
    """What both say alike of a side is no answer: only the difference is, and a swap of the two turns it round."""
    network = ViewNetwork(LiteEncoder()).eval()
    looks = torch.rand(3, 2, SIDE, SIDE)
    with torch.inference_mode():
        straight, swapped = (
            side_of(network.both(both)[ANSWERS.index("mirrored")]) for both in (looks, looks.flip(1))
        )
    assert torch.allclose(straight, -swapped, atol=1e-5)


def test_the_mirror_image_of_a_film_turned_right_is_turned_left(task: RadiographView) -> None:
    """Answers that are right for both looks cost nothing; with the mirror image's turn left as it was they do."""
    batch = {name: torch.full((1,), value) for name, value in asked(turn=1, mirrored=1, inverted=0).items()}
    batch["kinds"] = torch.tensor([[1.0, 0, 0, 0, 0]])
    sure = 20.0
    kind = sure * torch.eye(5)[[0, 0]][None]
    turn, same = (sure * torch.eye(4)[quarters][None] for quarters in ([1, 3], [1, 1]))
    side, no = torch.tensor([[[sure], [-sure]]]), torch.full((1, 2, 1), -sure)
    right = float(task.loss((kind, turn, side, no, no, no), batch))
    assert right < 0.01
    assert float(task.loss((kind, same, side, no, no, no), batch)) > right + 1
    assert float(task.loss((kind, turn, side.flip(1), no, no, no), batch)) > right + 1


def asked(**answers: int) -> dict[str, int]:
    return dict.fromkeys(("turn", "mirrored", "inverted", "child", "white"), UNKNOWN) | answers


def test_a_part_hidden_leaves_the_rest() -> None:
    film = draw(2, 200, 180).picture
    hidden = without_a_part(film, np.random.default_rng(0))
    assert 0.01 < float((hidden != film).mean()) < 0.13


def test_a_film_is_said_not_to_be_mirrored_as_surely_as_to_be() -> None:
    """What is right about a film is wrong about its mirror image: neither end is believed more than the other."""
    p = [0.01, 0.02, 0.3, 0.62, 0.99, 0.98, 0.7, 0.38]
    said = evenly(band(p, [False] * 4 + [True] * 4))
    assert said.agrees == pytest.approx(1 - said.differs)
    assert [
        x for x, mirrored in zip(p, [False] * 4 + [True] * 4, strict=True) if mirrored and x <= said.agrees
    ] == []


def test_it_is_fitted_scored_and_evaluated(task: RadiographView, tmp_path: Path) -> None:
    settings = Settings(out=tmp_path, epochs=1, batch=8, device="cpu")
    network = fit(task, settings, lambda line: None)
    assert isinstance(network, ViewNetwork)
    with torch.inference_mode():
        assert 0 <= task.score(network) <= 1
    assert float(network.temperature.min()) > 0
    report = task.evaluate(run_of(network, task.signature), tmp_path)
    assert {claim.bar for claim in report.claims} == {0.995, 0.98, 0.02, 0.01, 0.10}
    assert any("AP or PA" in claim.what for claim in report.claims)


def test_left_out_sources_are_never_learnt_from(folder: Path) -> None:
    kept = RadiographView(folder, LEFT_OUT | {"drawn"})
    assert not kept.items("train") and not kept.items("tune")
    assert len(kept.items("test")) == 48


def test_a_band_lets_no_good_film_be_accused() -> None:
    rng = np.random.default_rng(0)
    right, wrong = rng.beta(1, 12, 400), rng.beta(12, 1, 400)
    found = band([*right, *wrong], [False] * 400 + [True] * 400)
    assert found.differs > right.max() and found.differs >= 0.95
    assert (wrong <= found.agrees).sum() <= 0.01 * (right <= found.agrees).sum()
    assert (right <= found.agrees).mean() > 0.8
    useless = band([*right, *right], [False] * 400 + [True] * 400)
    assert useless.agrees == 0.0


def test_the_gate_is_as_tight_as_good_films_allow(task: RadiographView) -> None:
    """Three hundred good films; two of them so odd that they may be lost instead of opening the gate."""
    shape = fitted(np.asarray(list(mask_shapes(every(task)))))
    rng = np.random.default_rng(3)
    good = [
        view(kind=kinds(chest_pa=float(p), not_a_radiograph=1 - float(p))) for p in rng.uniform(0.9, 0.999, 300)
    ]
    odd = [view(kind=kinds(chest_pa=0.6, not_a_radiograph=0.4))] * 2
    limits = gate_limits([*good, *odd], [], shape).limits()
    assert not any(strange(one, limits) for one in good)
    assert 0.8 < limits.frontal < 0.9
    refused = strange(odd[0], limits)
    assert refused is not None and refused.reason is Reason.UNLIKE_TRAINING


def test_a_prior_of_shapes_can_be_inverted_even_when_features_go_together() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(0, 1, (200, 1))
    shapes = base @ np.ones((1, 12)) + rng.normal(0, 0.01, (200, 12))
    numbers = fitted(shapes)
    assert numbers.masks == 200
    assert np.isfinite(np.asarray(numbers.precision)).all()
