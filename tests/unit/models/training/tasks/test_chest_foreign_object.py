"""chest-foreign-object: figures of known answers, and a pass from films to a report."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from models.training.loop import Settings, fit, run_of
from models.training.manifest import Film, read_manifest
from models.training.nets import Activated
from models.training.report.report import Report
from models.training.tasks import chest_foreign_object
from models.training.tasks.chest_foreign_object import ChestForeignObject
from models.training.tasks.chest_foreign_object_figures import (
    Outcome,
    area_under,
    hit_rate,
    outcome_of,
    platt,
    threshold_for,
)
from models.training.tasks.chest_foreign_object_samples import MAP, SIDE, Trial, devices_known, lung_area, trial
from tests.unit.models.training.films import film, lungs


def a_film(path: Path = Path("nobody.png"), **changes: object) -> Film:
    values: dict[str, object] = dict.fromkeys(Film.__dataclass_fields__, "")
    values |= {"path": path, "kin": frozenset(), "touches": frozenset(), "lungs": None, "age": None}
    return Film(**(values | {"width": None, "height": None} | changes))  # type: ignore[arg-type]  # all by name


def a_trial(*objects: tuple[slice, slice]) -> Trial:
    truth = np.zeros((MAP, MAP), np.float32)
    for place in objects:
        truth[place] = 1
    lung = np.zeros((MAP, MAP), bool)
    lung[20:80, 10:86] = True
    canvas, count = np.zeros((SIDE, SIDE), np.float32), len(objects)
    return Trial(a_film(), canvas, truth, lung, ("coin",) * count, (9.0,) * count)


HERE, THERE, BESIDE = np.s_[30:34, 30:34], np.s_[60:64, 60:64], np.s_[2:5, 2:5]


def said(**places: float) -> np.ndarray:
    answer = np.zeros((MAP, MAP), np.float32)
    for name, probability in places.items():
        answer[{"here": HERE, "there": THERE, "beside": BESIDE}[name]] = probability
    return answer


def test_marks_are_hits_on_objects_and_false_elsewhere_over_the_lungs() -> None:
    found = outcome_of(a_trial(HERE), said(here=0.8, there=0.6, beside=0.9))
    assert found.hits == pytest.approx([0.8]) and found.false == pytest.approx([0.6])
    assert found.score == pytest.approx(0.8)


def test_an_object_that_nobody_marks_is_missed() -> None:
    found = outcome_of(a_trial(HERE, THERE), said(here=0.8))
    assert sorted(found.hits) == pytest.approx([0, 0.8]) and not found.false


def test_the_operating_point_of_the_froc_curve() -> None:
    outcomes: list[Outcome] = [outcome_of(a_trial(HERE), said(here=0.5 + 0.01 * n)) for n in range(10)]
    outcomes += [outcome_of(a_trial(), said(there=0.45 + 0.01 * n)) for n in range(10)]
    limit = threshold_for(outcomes, 0.1)
    false = [peak for o in outcomes for peak in o.false if peak > limit]
    assert len(false) == 2
    assert hit_rate(outcomes, limit) == pytest.approx(0.7)
    assert threshold_for(outcomes, 1) == 0 and hit_rate(outcomes, 0) == 1


def test_area_under_the_curve_counts_ties_half() -> None:
    assert area_under(np.array((2.0, 3.0)), np.array((1.0, 2.0))) == pytest.approx(0.875)


def test_calibration_finds_slope_and_shift_of_log_odds() -> None:
    """Equal normal distributions one apart: log odds are linear with slope 1; the prevalence shifts them."""
    rng = np.random.default_rng(3)
    slope, shift = platt(rng.normal(1, 1, 20_000), rng.normal(0, 1, 20_000), 0.5)
    assert [slope, shift] == pytest.approx([1, -0.5], abs=0.05)
    _, rarer = platt(rng.normal(1, 1, 20_000), rng.normal(0, 1, 20_000), 0.1)
    assert rarer - shift == pytest.approx(np.log(0.1 / 0.9), abs=0.08)


def test_bedside_films_teach_no_absence_of_devices() -> None:
    assert not devices_known(a_film(source="nih_subset", view="AP", age_group="adult"))
    assert devices_known(a_film(source="nih_subset", view="PA", age_group="adult"))
    assert devices_known(a_film(source="kermany_v7_full", view="AP", age_group="child"))


def folder_of(where: Path) -> Path:
    """Torsos of twelve patients, some with their lungs drawn."""
    rows = ["image,source,tier,licence,view,patient,lungs"]
    for number in range(12):
        shown = np.round(film(240, 216, number) * 255).astype(np.uint8)
        cv2.imwrite(str(where / f"{number}.png"), shown)
        cv2.imwrite(str(where / f"{number}-lungs.png"), lungs(240, 216).astype(np.uint8) * 255)
        drawn = f"{number}-lungs.png" if number % 2 else ""
        rows.append(f"{number}.png,{'elsewhere' if number % 4 == 0 else 'here'},open,ours,PA,p{number},{drawn}")
    (where / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return where


def test_untouched_and_laid_films_differ_only_by_their_objects(tmp_path: Path) -> None:
    folder_of(tmp_path)
    for one in read_manifest(tmp_path)[:4]:
        area = lung_area(one)
        assert 0.08 < area.mean() < 0.45
        without, with_ = trial(one, area, 0, True, 1), trial(one, area, 2, True, 1)
        assert not without.names and not without.objects.any()
        assert len(with_.names) == 2 and without.image.shape == with_.image.shape == (SIDE, SIDE)
        again = trial(one, area, 2, True, 1)
        assert np.array_equal(with_.image, again.image) and with_.names == again.names


def test_from_films_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chest_foreign_object, "EPOCH", 8)
    task = ChestForeignObject(folder_of(tmp_path), frozenset({"elsewhere"}))
    assert {one.source for one in task.films("train")} == {"here"}
    network = fit(task, Settings(out=tmp_path / "out", epochs=1, batch=4, device="cpu"), lambda line: None)
    run = run_of(network, task.signature)
    answer = run(np.zeros((1, 1, SIDE, SIDE), np.float32))["objects"]
    assert answer.shape == (1, 2, MAP, MAP) and 0 <= answer.min() <= answer.max() <= 1
    report = task.evaluate(run, tmp_path)
    assert isinstance(report, Report) and any("left out" in claim.what for claim in report.claims)


class Glancing(nn.Module):
    """Sees what is bright; of all else it says that every eighth place is an object."""

    slope: torch.Tensor
    shift: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.still = nn.Parameter(torch.zeros(1))  # a network is run where its parameters are
        self.register_buffer("slope", torch.ones(2))
        self.register_buffer("shift", torch.zeros(2))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        seen = avg_pool2d(image, SIDE // MAP)
        logits = torch.cat([torch.where(seen > 0.5, 3.0, -2.0)] * 2, 1) + self.still
        return logits * self.slope[:, None, None] + self.shift[:, None, None]


def test_a_network_that_is_not_calibrated_yet_scores_no_better_for_it() -> None:
    """As it comes, one mark of its covers the film: it lies on every object, and beside none."""

    def shown(bright: float, *objects: tuple[slice, slice]) -> Trial:
        made = a_trial(*objects)
        here = tuple(slice(4 * one.start, 4 * one.stop) for one in HERE)
        made.image[here] = bright
        return made

    task = ChestForeignObject(Path("nowhere"))
    seen, missed = [shown(1.0, HERE)] * 38, [shown(0.2, HERE)] * 2
    task._tune = [*seen, *missed, *[shown(0.0)] * 40]
    auc, sensitivity = (38 + 2 / 2) / 40, 38 / 40
    assert task.score(Activated(Glancing(), (torch.sigmoid,)).eval()) == pytest.approx((auc + sensitivity) / 2)


def test_what_is_not_known_teaches_nothing() -> None:
    task = ChestForeignObject(Path("nowhere"))
    truth, known = torch.zeros(1, 2, MAP, MAP), torch.ones(1, 2, MAP, MAP)
    known[:, :, :10] = 0
    logits = torch.full((1, 2, MAP, MAP), -3.0)
    other = logits.clone()
    other[:, :, :10] = 5.0
    batch = {"objects": truth, "known": known}
    assert torch.equal(task.loss((logits,), batch), task.loss((other,), batch))
