"""The whole way on drawn films: manifest, fit, cut off and resumed, exported, proven, evaluated."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jsonschema
import numpy as np
import pytest
import torch
from torch import nn

from capture.errors import Bug, Misuse
from models.bundles import golden
from models.bundles.metadata import METADATA
from models.content.factory import BUNDLE_MOST, BUNDLES
from models.content.folder import read_folder
from models.training import cli, tasks
from models.training.export import canvases_for, export, metadata_schema, parity, read_exported, run_bundle
from models.training.loop import Recipe, Settings, fit, progress_of, run_of
from models.training.task import Array
from tests.unit.models.training.toy import SIDE, Toy, folder_of_films

EPOCHS = 6


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of_films(tmp_path_factory.mktemp("films"))


def settings(out: Path, *, resume: bool = False, seed: int = 5, minutes: float | None = None) -> Settings:
    return Settings(
        out=out, epochs=EPOCHS, batch=4, rate=0.03, resume=resume, seed=seed, minutes=minutes, device="cpu"
    )


@pytest.fixture(scope="module")
def fitted(films: Path, tmp_path_factory: pytest.TempPathFactory) -> nn.Module:
    return fit(Toy(films), settings(tmp_path_factory.mktemp("run")), say=lambda line: None)


def same(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_run_that_was_cut_off_ends_as_an_uninterrupted_one(
    films: Path, fitted: nn.Module, tmp_path: Path
) -> None:
    def cut(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(Toy(films), settings(tmp_path), say=cut)
    assert progress_of(tmp_path).epoch == 1
    resumed = fit(Toy(films), settings(tmp_path, resume=True), say=lambda line: None)
    assert progress_of(tmp_path).epoch == EPOCHS
    assert same(resumed, fitted)


def test_samples_made_in_another_process_give_the_same_network(
    films: Path, fitted: nn.Module, tmp_path: Path
) -> None:
    beside = settings(tmp_path).model_copy(update={"workers": 1})
    # A process of its own: coverage breaks those that torch forks from one that it measures.
    script = (
        "import sys; from pathlib import Path; from models.training.loop import Settings, fit; "
        "from tests.unit.models.training.toy import Toy; "
        "fit(Toy(Path(sys.argv[1])), Settings.model_validate_json(sys.argv[2]))"
    )
    subprocess.run([sys.executable, "-c", script, str(films), beside.model_dump_json()], check=True, timeout=300)
    weights = progress_of(tmp_path).weights
    assert all(torch.equal(one, weights[name]) for name, one in fitted.state_dict().items())


def test_a_run_begins_with_the_best_weights_of_another(films: Path, tmp_path: Path) -> None:
    best = fit(Toy(films), settings(tmp_path / "one"), say=lambda line: None)
    told: list[str] = []
    hardly = {"begin_with": tmp_path / "one", "rate": 1e-9, "epochs": 1}
    again = fit(Toy(films), settings(tmp_path / "two").model_copy(update=hardly), say=told.append)
    weights = dict(best.named_parameters())
    assert all(torch.allclose(one, weights[name], atol=1e-6) for name, one in again.named_parameters())
    assert len(told) == 1 and "epoch 1/1" in told[0]
    with pytest.raises(Misuse, match="begin_with"):
        fit(Toy(films), settings(tmp_path).model_copy(update={"begin_with": tmp_path / "none"}))


def test_another_seed_gives_another_network(films: Path, fitted: nn.Module, tmp_path: Path) -> None:
    assert not same(fit(Toy(films), settings(tmp_path, seed=6), say=lambda line: None), fitted)


def test_it_learns(films: Path, fitted: nn.Module) -> None:
    task = Toy(films)
    torch.manual_seed(0)
    assert task.score(fitted) > task.score(task.network().eval()) + 0.2


def test_the_best_epoch_is_kept_and_a_run_without_progress_stops(films: Path, tmp_path: Path) -> None:
    class Worse(Toy):
        scores = iter((0.5, 0.9, 0.4, 0.3, 0.2, 0.1))

        def score(self, network: nn.Module) -> float:
            return next(self.scores)

    stop = settings(tmp_path).model_copy(update={"epochs": 6, "patience": 2})
    network = fit(Worse(films), stop, say=lambda line: None)
    progress = progress_of(tmp_path)
    assert (progress.epoch, progress.best_epoch, progress.best) == (4, 2, 0.9)
    assert all(torch.equal(progress.weights[name], value) for name, value in network.state_dict().items())


def test_a_spent_time_budget_ends_the_run_after_a_step(films: Path, tmp_path: Path) -> None:
    fit(Toy(films), settings(tmp_path, minutes=1e-6), say=lambda line: None)
    assert progress_of(tmp_path).epoch == 1


def test_a_checkpoint_of_another_run_is_refused(films: Path, tmp_path: Path) -> None:
    fit(Toy(films), settings(tmp_path, minutes=1e-6), say=lambda line: None)
    with pytest.raises(Misuse, match="other_checkpoint"):
        fit(Toy(films), settings(tmp_path, resume=True, seed=99), say=lambda line: None)


def test_a_loss_that_is_no_number_ends_the_run(films: Path, tmp_path: Path) -> None:
    class Broken(Toy):
        def loss(self, outputs: object, batch: object) -> torch.Tensor:
            return torch.tensor(float("nan"), requires_grad=True)

    with pytest.raises(Misuse, match="loss_not_finite"):
        fit(Broken(films), settings(tmp_path), say=lambda line: None)


def test_no_film_to_train_on_is_said(films: Path, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="no_films"):
        fit(Toy(films, frozenset({"here", "elsewhere"})), settings(tmp_path), say=lambda line: None)


def test_the_bundle_says_what_torch_says(films: Path, fitted: nn.Module, tmp_path: Path) -> None:
    task = Toy(films)
    assert export(task, fitted, tmp_path / "toy", {"seed": 5}) <= 1e-5
    bundle = read_exported(tmp_path / "toy")
    held = golden.check(bundle, read_folder(tmp_path / "toy", BUNDLE_MOST))
    assert len(held) == 3
    assert all(one.holds for one in held)
    batch = np.random.default_rng(0).random((5, 1, SIDE, SIDE), np.float32)
    assert (
        np.abs(run_bundle(bundle)(batch)["lungs"] - run_of(fitted, task.signature)(batch)["lungs"]).max() <= 1e-5
    )
    metadata = json.loads((tmp_path / "toy" / METADATA).read_text(encoding="utf-8"))
    assert metadata["network_data_format"]["outputs"]["lungs"]["spatial_shape"] == [SIDE, SIDE]
    assert metadata["qcbox"]["trained"] == {"seed": 5}


def test_a_network_that_differs_from_torch_is_not_shipped(films: Path, fitted: nn.Module) -> None:
    expected = run_of(fitted, Toy.signature)

    def off(batch: Array) -> dict[str, Array]:
        return {name: array + np.float32(2e-3) for name, array in expected(batch).items()}

    assert parity(expected, expected, canvases_for(SIDE)) <= 1e-6
    with pytest.raises(Bug, match="parity"):
        parity(expected, off, canvases_for(SIDE))


def test_canvases_of_goldens_are_the_same_everywhere_and_show_something() -> None:
    first = canvases_for(SIDE)
    assert np.array_equal(first, canvases_for(SIDE))
    assert (first.min(axis=(1, 2, 3)) >= 0).all()
    assert (first.std(axis=(1, 2, 3)) > 0.1).all()


@pytest.mark.parametrize("missing", ["schema", "monai_version", "network_data_format"])
def test_metadata_without_what_monai_demands_is_refused(
    films: Path, fitted: nn.Module, tmp_path: Path, missing: str
) -> None:
    export(Toy(films), fitted, tmp_path / "toy")
    metadata = json.loads((tmp_path / "toy" / METADATA).read_text(encoding="utf-8"))
    jsonschema.validate(metadata, metadata_schema())
    del metadata[missing]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(metadata, metadata_schema())


@pytest.mark.parametrize("file", sorted(BUNDLES.glob(f"*/{METADATA}")), ids=lambda file: file.parents[1].name)
def test_every_bundle_of_ours_is_a_monai_bundle(file: Path) -> None:
    jsonschema.validate(json.loads(file.read_text(encoding="utf-8")), metadata_schema())


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The toy in the list of tasks, as a module of its own would be."""
    module = ModuleType("toy_task")
    module.task = Toy  # type: ignore[attr-defined]  # made up
    module.RECIPE = Recipe(epochs=EPOCHS, batch=4, rate=0.03)  # type: ignore[attr-defined]
    monkeypatch.setattr(tasks, "TASKS", {"toy": "toy_task"})
    monkeypatch.setattr(tasks, "import_module", {"toy_task": module}.__getitem__)
    yield


def qcbox_train(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["qcbox-train", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.usefixtures("listed")
def test_the_command_line_goes_the_whole_way(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--data", films, "--left-out", "elsewhere")
    assert qcbox_train(monkeypatch, "toy", *where, "--out", tmp_path, "--device", "cpu") == 0
    said = capsys.readouterr().out
    assert f"epoch {EPOCHS}/{EPOCHS}" in said
    assert "holds  lung Dice" in said
    trained = json.loads((tmp_path / "toy" / METADATA).read_text(encoding="utf-8"))["qcbox"]["trained"]
    assert trained["left_out"] == ["elsewhere"]
    assert trained["films"]["elsewhere/test"] == 12
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "lung Dice" in page

    again = (*where, "--bundle", tmp_path / "toy", "--out", tmp_path / "again", "--json")
    assert qcbox_train(monkeypatch, "evaluate", "toy", *again) == 0
    assert json.loads(capsys.readouterr().out)["claims"][0]["holds"] is True


@pytest.mark.usefixtures("listed")
def test_unknown_names_are_said_in_both_languages(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for locale, text in (("C", "There is no network nothing"), ("zh_CN.UTF-8", "没有名为 nothing 的网络")):
        monkeypatch.setenv("LC_ALL", locale)
        assert qcbox_train(monkeypatch, "nothing", "--data", films, "--out", tmp_path) == 2
        assert text in capsys.readouterr().err
    assert qcbox_train(monkeypatch, "evaluate", "toy", "--data", films) == 2
    assert "随附" in capsys.readouterr().err
