"""What a stored verdict teaches, and ``qcbox baseline`` on a box whose agent is stopped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse
from edge.clock import now_ms
from edge.commands.baseline import app
from edge.pipeline.work import Job, run_job
from edge.store import baselines, board, decisions
from models.baseline import LEAST, Alike, Known, Seed
from models.circumstances import Baseline, Circumstances
from models.measurement import Measurement
from models.rules.verdict import Grade, Severity
from models.seeds import read_seeds, written
from tests.factories import arrival_of, dx, write
from tests.unit.edge.console.stage import Stage, build, off_centre, verdict

NOISE = "noise.two_scale_sigma"
SEED = f"""
[[seed]]
measure = "{NOISE}"
median = 12.0
robust_sd = 1.4826
count = 150
source = "type test"
modality = "DX"
"""


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("QCBOX_DATA_DIR", str(tmp_path))
    made = build(tmp_path)
    yield made
    with suppress(OSError):  # the command needs the box closed
        made.close()


def rows(stage: Stage) -> list[tuple[str, int, float]]:
    found = stage.services.db.read(lambda c: baselines.of_device(c, 1))
    return [(row.measure, row.baseline.count, row.baseline.median) for row in found]


def run(*arguments: str) -> str:
    answer = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_verdict_teaches_unless_it_is_a_veto_a_phantom_or_was_repeated(stage: Stage) -> None:
    told = (Measurement(NOISE, 3.0), Measurement("dicom.KVP", 80.0))
    stage.add(Grade.YI, facts=told)
    assert rows(stage) == [(NOISE, 1, 3.0)]
    veto = replace(verdict(Grade.FEI), findings=(replace(off_centre(), severity=Severity.VETO),))
    stage.add(Grade.FEI, facts=told, given=veto)
    stage.add(Grade.JIA, facts=(*told, Measurement("exam.kind", "phantom_water")))
    stage.add(None, facts=told)
    assert rows(stage) == [(NOISE, 1, 3.0)]
    bad = stage.add(Grade.BING, facts=(Measurement(NOISE, 9.0),))
    who = stage.people["technologist"]
    stage.services.db.write(
        lambda c: decisions.decide(c, bad, who, "repeat", reason_code="111209", comment=None, now=now_ms())
    )
    stage.add(Grade.JIA, facts=told)
    assert rows(stage) == [(NOISE, 2, 3.0)]


def test_a_worker_judges_by_the_baseline_of_the_device_and_kind_it_finds_in_the_header(tmp_path: Path) -> None:
    path = write(dx(), tmp_path / "a.dcm")
    bare = run_job(Job(path, arrival_of(path), Circumstances(received_at=0), "GB18030"))
    assert bare.circumstances.baselines == ()
    mine = Baseline("image.percentile_50", 1.0, 1.0, 99)
    known = Known(bare.circumstances.device_key, Alike(), replace(mine, seeded=True))
    others = replace(known, device_key="another")
    outcome = run_job(
        Job(path, arrival_of(path), Circumstances(received_at=0), "GB18030", baselines=(others, known))
    )
    assert outcome.circumstances.baselines == (known.baseline,)


def test_show_seed_and_reset(stage: Stage, tmp_path: Path) -> None:
    for _ in range(LEAST):
        stage.add(Grade.JIA, facts=(Measurement(NOISE, 10.0),), announce=False)
    key = stage.services.db.read(lambda c: board.devices(c, 0))[0].key
    stage.close()
    (shown,) = json.loads(run("show", "--json"))
    assert (shown["device"], shown["measure"], shown["ready"], shown["median"]) == (key, NOISE, True, 10.0)
    assert f"n {LEAST}  10 +- 0.2" in run("show", key, "--lang", "en")
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "baselines.toml").write_text(run("show", "--as-seeds"), encoding="utf-8")
    assert json.loads(run("seed", str(pack), "--device", key, "--json")) == {"device": key, "seeds": 1}
    answer = run("reset", key, "--reason", "new tube", "--json")
    assert json.loads(answer) == {"device": key, "reset": 1}
    assert "being learned: 0 / 30" in run("show", "--lang", "en")


def test_what_is_not_there_is_said(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.add(Grade.JIA, facts=())
    key = stage.services.db.read(lambda c: board.devices(c, 0))[0].key
    stage.close()
    assert "No baseline yet" in run("show", "--lang", "en")
    for arguments, code in (
        (["show", "nobody-000000"], "baseline.device"),
        (["reset", key, "--reason", "x"], "baseline.unknown"),
    ):
        with pytest.raises(Misuse) as told:
            CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert told.value.code == code
    monkeypatch.setenv("QCBOX_DATA_DIR", str(tmp_path / "empty"))
    with pytest.raises(Misuse) as nothing:
        CliRunner().invoke(app, ["show"], catch_exceptions=False)
    assert nothing.value.code == "baseline.no_database"


def test_seeds_are_written_as_they_are_read(tmp_path: Path) -> None:
    file = tmp_path / "baselines.toml"
    file.write_text(SEED, encoding="utf-8")
    seeds = read_seeds(file)
    assert seeds == (Seed(Alike("DX"), Baseline(NOISE, 12.0, 1.0, 150, seeded=True), "type test"),)
    (seed,) = seeds
    named = (*seeds, replace(seed, baseline=replace(seed.baseline, producer="noise/2")))
    file.write_text(written(named), encoding="utf-8")
    assert read_seeds(tmp_path) == named


@pytest.mark.parametrize(
    "change",
    [
        ("count = 150", "count = 29"),
        ("robust_sd = 1.4826", "robust_sd = 0.0"),
        ("median = 12.0", "median = nan"),
        (NOISE, "dicom.KVP"),
        ('modality = "DX"', 'colour = "red"'),
        ("[[seed]]", "[[seed"),
    ],
)
def test_a_seed_that_is_none_is_refused(tmp_path: Path, change: tuple[str, str]) -> None:
    file = tmp_path / "baselines.toml"
    file.write_text(SEED.replace(*change), encoding="utf-8")
    with pytest.raises(Misuse) as told:
        read_seeds(file)
    assert told.value.code == "baseline.seed"
