"""``qcbox hands``: recorded, checked and run from the terminal; what a case gives to type."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner, Result

from capture.errors import Misuse
from edge.cli import build as build_cli
from edge.hands.journal import Journal, sweep
from edge.hands.values import values_of
from edge.store import cards
from models.rules.verdict import Grade
from tests.desktop import Desktop, desktop
from tests.peers import PATIENCE_S, wait_until
from tests.unit.edge.console.stage import build


@pytest.fixture(scope="module")
def one() -> Iterator[Desktop]:
    with desktop() as started:
        yield started


def hands(*words: object, lines: str = "") -> Result:
    return CliRunner().invoke(build_cli(["hands"]), ["hands", *map(str, words)], input=lines)


@pytest.fixture(autouse=True)
def quiet_again() -> Iterator[None]:
    """A run sets logging up for its own process, over streams that end with it."""
    handlers = list(logging.root.handlers)
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.root.handlers[:] = handlers


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "qcbox.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\n', encoding="utf-8")
    return path


@pytest.mark.real
def test_taught_checked_and_run(one: Desktop, tmp_path: Path, config: Path) -> None:
    sequence, saved = tmp_path / "ris.json", tmp_path / "saved.txt"
    form = one.form(saved)
    vnc = one.vnc()
    wait_until(lambda: bool((vnc.look()[216:238, 260:620] > 250).all(axis=2).mean() > 0.8), "the form is drawn")
    vnc.close()
    far = ("--to", f"vnc://127.0.0.1:{one.port}", "--config", config, "--lang", "en")
    taught = hands("record", sequence, *far, "--seconds", 4, lines="nonsense\n")
    assert isinstance(taught.exception, Misuse) and not sequence.exists()
    lines = "click 600 227\nclick 610 227\nundo\ntype 252 212 377 30 {verdict}\ndone\n"
    taught = hands("record", sequence, *far, "--title", "Remark", "--seconds", 4, lines=lines)
    assert taught.exit_code == 0, taught.output
    assert [step["do"] for step in json.loads(sequence.read_bytes())["steps"]] == ["click", "type"]
    assert sequence.with_suffix(".png").exists()
    missing = hands("check", sequence, *far)
    assert isinstance(missing.exception, Misuse) and missing.exception.code == "hands.no_value"
    taken = hands("check", sequence, *far, "--set", "verdict=Grade A")
    assert taken.exit_code == 1 and "not seen" in taken.output, "the field is full and has the focus"
    form.terminate()
    form.wait(PATIENCE_S)
    again = one.form(saved)
    ran = hands("run", sequence, *far, "--set", "verdict=Grade A", "--confirm", lines="y\nn\n")
    assert ran.exception is not None and getattr(ran.exception, "code", "") == "hands.declined"
    journal = next((tmp_path / "data" / "hands").iterdir())
    said = [json.loads(line) for line in (journal / "steps.jsonl").read_text("utf-8").splitlines()]
    assert [one["state"] for one in said] == ["seen", "done", "seen", "stopped"]
    assert said[-1]["code"] == "hands.declined"
    assert journal.stat().st_mode & 0o077 == 0
    again.terminate()
    again.wait(PATIENCE_S)


def test_a_case_gives_its_verdict_and_identity(tmp_path: Path) -> None:
    stage = build(tmp_path)
    judged, bare = stage.add(Grade.BING), stage.add(None)
    shown = stage.services.db.read(lambda c: [cards.one(c, case, identity=True) for case in (judged, bare)])
    first, second = shown
    assert first is not None and second is not None and first.patient is not None
    values = values_of(first, "en")
    assert values["grade"] == "Grade C" and values["verdict"].startswith("Grade C")
    assert all(found.title.en in values["verdict"] for found in first.findings)
    assert values_of(first, "zh")["grade"] == "丙级" and values["PatientID"] == first.patient.id
    with pytest.raises(Misuse, match=r"hands\.no_verdict"):
        values_of(second, "en")
    stage.close()


def test_a_case_that_is_not_there(config: Path, tmp_path: Path) -> None:
    sequence = tmp_path / "none.json"
    asked = hands("check", sequence, "--to", "vnc://127.0.0.1:1", "--config", config)
    assert isinstance(asked.exception, Misuse) and asked.exception.code == "hands.unreadable"
    step = {"do": "wait", "sees": [{"box": {"x": 0, "y": 0, "w": 9, "h": 9}, "png": ""}]}
    whole = {"id": "a", "title": "A", "width": 320, "height": 200, "steps": [step]}
    sequence.write_text(json.dumps(whole), encoding="utf-8")
    asked = hands("check", sequence, "--to", "vnc://127.0.0.1:1", "--config", config, "--case", "x")
    assert isinstance(asked.exception, Misuse) and asked.exception.code == "hands.no_case"


def test_old_runs_go(tmp_path: Path) -> None:
    young = Journal(tmp_path, "ris").folder
    old = tmp_path / "20200101T000000.000000-ris"
    old.mkdir()
    (old / "001-before.png").write_bytes(b"x")
    assert sweep(tmp_path, 30) == 1 and young.is_dir() and not old.exists()
    assert sweep(tmp_path / "none", 30) == 0
