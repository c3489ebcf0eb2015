"""mr-motion: each picture for itself, the order within a pair, and a pass from sources to a report."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from pydicom import dcmread

from capture.errors import Misuse
from models.mr.motion_picture import SIDE
from models.training.export import export
from models.training.loop import Settings, fit, run_of
from models.training.mr import kspace
from models.training.mr.scenes import LEAST
from models.training.mr.sources import Source, fitted
from models.training.mr.template import write
from models.training.report.report import Estimate, Report
from models.training.task import Array
from models.training.tasks import mr_motion, mr_motion_report
from models.training.tasks.mr_motion import MrMotion
from models.training.tasks.mr_motion_network import MotionNet
from models.training.tasks.mr_motion_report import Row, change, report_of, rows_of
from models.training.tasks.mr_motion_samples import Scenes, varied
from tests.unit.models.mr.heads import head, with_noise

HEADS = (Source("heads", 0.5, np.array([fitted(head(z)) for z in (-20, 0, 30)], np.float16)),)
TWO = (("", 0), ("moved", 2))
TRUTH = {"moved": torch.tensor([[0.0, 1.0]] * 2)}


def a_task(folder: Path = Path("nowhere")) -> MrMotion:
    task = MrMotion(folder)
    task._sources = HEADS
    return task


def people(folder: Path) -> Path:
    """One person, one slice, phase axis down; and one with nothing that can be read."""
    (folder / "test" / "a").mkdir(parents=True)
    (folder / "test" / "b").mkdir()
    (folder / "test" / "b" / "note.txt").write_text("no DICOM", encoding="utf-8")
    write(1, with_noise(head(side=SIDE), 15), "1.2.3", folder / "test" / "a" / "1.dcm")
    return folder


def test_pictures_of_a_pair_are_judged_each_for_itself() -> None:
    network = MotionNet().eval()
    pairs = torch.rand(3, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        singly = [network(pairs[:, at : at + 1]) for at in (0, 1)]
        assert torch.allclose(network(pairs), torch.cat(singly, 1), atol=1e-5)


def test_the_exported_network_says_what_torch_says(tmp_path: Path) -> None:
    assert export(a_task(), a_task().network(), tmp_path / "mr-motion") < 1e-4


def test_the_loss_falls_when_moved_is_above_still() -> None:
    def loss(*pairs: tuple[float, float]) -> float:
        return float(a_task().loss((torch.tensor(pairs, dtype=torch.float32),), TRUTH))

    assert loss((-1, 1), (-1, 1)) < loss((0, 0), (0, 0)) < loss((1, -1), (1, -1))
    assert loss((0, 0), (0, 0)) == pytest.approx(1.3 * math.log(2))
    # The same four logits with the same truth, but in other pairs: their order in a pair counts too.
    assert loss((0, 1), (2, 3)) < loss((2, 1), (0, 3))


def test_a_pair_is_varied_alike_and_its_level_stays() -> None:
    pair = np.random.default_rng(0).random((2, SIDE, SIDE), np.float32)
    pair[1] = pair[0]
    for seed in range(8):
        found = varied(pair, np.random.default_rng(seed))
        assert np.array_equal(found[0], found[1])
    level = np.full((2, SIDE, SIDE), 1 / 8, np.float32)
    assert np.allclose(varied(level, np.random.default_rng(1)), level)


def test_samples_come_from_seed_and_index() -> None:
    def first(*seed: int) -> torch.Tensor:
        return Scenes(HEADS, 2, seed, vary=True)[0]["image"]

    assert first(1, 0).shape == (2, SIDE, SIDE)
    assert torch.equal(first(1, 0), first(1, 0)) and not torch.equal(first(1, 0), first(1, 1))


def test_the_score_counts_moved_scenes_above_still_ones() -> None:
    class Knowing(torch.nn.Module):
        """Says how much a picture differs from one that is known to be still."""

        def __init__(self, still: Array) -> None:
            super().__init__()
            self.still = torch.nn.Parameter(torch.from_numpy(still))

        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor]:
            return ((image - self.still).abs().mean((2, 3)),)

    task = a_task()
    pairs = np.zeros((4, 2, SIDE, SIDE), np.float32)
    pairs[:, 1] = 0.5
    task._tune = pairs
    assert task.score(Knowing(pairs[:1, :1])) == 1
    assert task.score(Knowing(pairs[:1, 1:])) == 0


def test_from_sources_to_a_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mr_motion, "SCENES", 4)
    monkeypatch.setattr(mr_motion, "TUNE", 2)
    task = a_task(people(tmp_path))
    network = fit(task, Settings(out=tmp_path / "out", epochs=1, batch=2, device="cpu"), lambda line: None)
    run = run_of(network, task.signature)
    answer = run(np.zeros((1, 1, SIDE, SIDE), np.float32))["motion"]
    assert answer.shape == (1, 1) and np.isfinite(answer).all()
    report = task.evaluate(run, tmp_path)
    assert isinstance(report, Report) and len(report.tables) == 3
    assert [row[0] for row in report.tables[1].rows] == ["moved", "nodding", "twitch"]


def test_a_series_is_judged_as_it_is_and_moved_in_three_ways(tmp_path: Path) -> None:
    def middle(batch: Array) -> dict[str, Array]:
        """Says how bright the middle of a picture is."""
        return {"motion": batch[:, :, 118:138].mean((2, 3))}

    rows = list(rows_of(middle, people(tmp_path) / "test"))
    assert {row.person for row in rows} == {"a"}
    assert [row.kind for row in rows] == [""] + ["moved"] * 10 + ["nodding"] * 10 + ["twitch"] * 10
    assert rows[0].change == 0 and all(row.change >= LEAST for row in rows[1:])


def test_a_series_that_no_motion_changes_has_no_motion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mr_motion_report, "_TRIES", 3)
    monkeypatch.setattr(kspace, "twitched", lambda picture, *_: picture)
    rows = rows_of(lambda batch: {"motion": batch.mean((2, 3))}, people(tmp_path) / "test")
    assert {row.kind for row in rows} == {"", "moved", "nodding"}


def test_what_changed_does_not_depend_on_the_level() -> None:
    still = np.random.default_rng(0).random((2, 1, SIDE, SIDE), np.float32)
    assert change(still, still * 3) == pytest.approx(0, abs=1e-6)
    assert change(still, still + 0.1) > 0.05
    assert math.isnan(change(still, still[:1]))


def test_figures_by_kind_and_by_change() -> None:
    rows = [Row(person, "", 0.0, 0.3) for person in "abc"]
    rows += [Row(person, "moved", 0.3, 0.9) for person in "abc"]
    rows += [Row(person, "twitch", 0.07, 0.1) for person in "abc"]
    report = report_of(rows)
    kinds, changes = ({str(row[0]): row[1] for row in table.rows} for table in report.tables[1:])
    for found, value in (
        (kinds["moved"], 1),
        (kinds["twitch"], 0),
        (changes["0.05 to 0.1"], 0),
        (changes["over 0.2"], 1),
    ):
        assert isinstance(found, Estimate) and found.value == found.low == found.high == value
    everything, seen = (claim.found for claim in report.claims)
    assert everything.value == seen.value == 0.5 and everything.patients == 3


def test_motion_that_nobody_sees_is_not_in_the_second_claim() -> None:
    rows = [Row(person, "", 0.0, 0.3) for person in "abc"]
    rows += [Row(person, "moved", 0.06, 0.9) for person in "abc"]
    rows += [Row(person, "nodding", 0.04, 0.1) for person in "abc"]
    everything, seen = (claim.found.value for claim in report_of(rows).claims)
    assert (everything, seen) == (0.5, 1)


def test_an_echo_planar_series_is_not_asked(tmp_path: Path) -> None:
    folder = people(tmp_path) / "test"
    for path in folder.rglob("*.dcm"):
        ds = dcmread(path)
        ds.ScanningSequence = ["EP", "SE"]
        ds.save_as(path)
    with pytest.raises(Misuse, match="mr_test"):
        list(rows_of(lambda batch: {}, folder))


def test_levels_of_people_are_taken_off_where_a_baseline_would() -> None:
    rows = [Row(person, kind, 0.1, level + moved) for person, level in (("a", 0), ("b", 5)) for kind, moved in TWO]
    [[_, as_it_is, less_own]] = report_of(rows).tables[0].rows
    assert isinstance(as_it_is, Estimate) and isinstance(less_own, Estimate)
    assert (as_it_is.value, less_own.value) == (0.75, 1)


def test_nobody_to_test_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="mr_test"):
        a_task(tmp_path).evaluate(lambda batch: {}, tmp_path)


def test_missing_sources_are_said(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="mr_sources"):
        MrMotion(tmp_path).dataset("train", 0)
