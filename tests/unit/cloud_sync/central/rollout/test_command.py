"""qcbox-central rollout, beside a centre's database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cloud_sync.central.cli import app
from cloud_sync.central.rollout.terms import RolloutState
from cloud_sync.central.signing.repository import Repository
from tests.unit.cloud_sync.central.rollout.stage import Stage, release


@pytest.fixture
def config(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration for the stage's database; releases 1 and 2 are published."""
    monkeypatch.setattr(Repository, "listed", lambda self, area=None: (release(1), release(2)))
    path = tmp_path / "central.toml"
    path.write_text(f'database_url = "sqlite:///{tmp_path / "central.db"}"\n', "utf-8")
    stage.come([f"box-{number}" for number in range(5)])
    return path


def say(config: Path, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["rollout", *arguments, "--config", str(config)])
    return done.exit_code, done.output


def test_a_rollout_from_its_start_to_its_end(stage: Stage, config: Path) -> None:
    code, text = say(config, "start", "dx-core", "--soak-hours", "0", "--why", "new", "--json")
    assert (code, json.loads(text)) == (0, {"rollout": 1})
    assert stage.rollout(1).target.version == 2
    assert say(config, "pause", "1", "--why", "a doubt")[0] == 0
    assert say(config, "list")[0] == 1
    assert say(config, "resume", "1", "--why", "none")[0] == 0
    assert say(config, "pause", "1", "--after-success")[0] == 0
    assert stage.rollout(1).pause_after
    assert say(config, "next", "1", "--why", "seen enough")[0] == 0
    stage.settle()
    assert stage.rollout(1).state is RolloutState.COMPLETED
    code, text = say(config, "show", "1")
    assert code == 0
    assert "5 of 5 committed, 0 failed, 0 not reached" in text
    code, text = say(config, "list", "--json")
    (one,) = json.loads(text)
    assert (one["state"], one["counts"]) == ("completed", {"kept": 5})
    whole = json.loads(say(config, "show", "1", "--json")[1])
    assert [step["deed"] for step in whole["steps"]][-1] == "started"
    assert len(whole["boxes"]) == 5


def test_all_at_once_and_aborted(stage: Stage, config: Path) -> None:
    assert say(config, "start", "dx-core", "--version", "1", "--at-once")[1].strip() == "1"
    with stage.database.read():
        assert stage.counted(1).members == 5
    assert say(config, "abort", "1", "--why", "wrong")[0] == 0
    assert stage.rollout(1).state is RolloutState.CANCELLED


def test_what_cannot_be_done_is_said(config: Path) -> None:
    for arguments in (["start", "no-such"], ["start", "dx-core", "--version", "9"], ["show", "7"], ["abort", "7"]):
        done = CliRunner().invoke(app, ["rollout", *arguments, "--config", str(config)])
        assert getattr(done.exception, "code", "").startswith("rollout.")
