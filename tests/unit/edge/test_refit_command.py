"""A site's history becomes limits on trial: read from the box, written as a pack, judged in the shadow."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from typer.testing import CliRunner, Result

from capture.errors import Misuse
from edge.cli import build
from edge.store import accounts, decisions
from edge.store.accounts import Account
from edge.store.history import SETTLED_MS, settled
from edge.store.schema import case
from edge.store.verdicts import add_acquisition, add_verdict
from models.circumstances import Circumstances
from models.content import drafts
from models.measurement import Measured, Measurement
from models.refit import Past
from models.rules.verdict import Grade, Verdict
from tests.factories import dx, write
from tests.unit.edge.box import BOX, Box, make_box
from tests.unit.models.test_calibration import PACK

NOW = 10 * SETTLED_MS


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path / "data")
    yield made
    made.db.close()


def add_past(connection: Connection, number: int, margin: float, received_at: int = 1000) -> str:
    """A judged case of the past with one measurement."""
    name, facts = f"case-{number:05}", [Measurement("chest.margin_least_mm", margin, "mm", "margins/1")]
    connection.execute(
        insert(case).values(
            id=name, sha256=f"{number:064x}", size=1, kind="dicom", source="dicom", calling_ae="AE", peer="",
            received_at=received_at, state="judged", updated_at=received_at,
        )
    )  # fmt: skip
    add_acquisition(connection, name, None, Circumstances(received_at=received_at), None)
    measured: list[Measured] = [*facts]
    add_verdict(connection, name, Verdict(Grade.YI, 85.0, (), (), (), ()), measured, received_at)
    return name


def decide(connection: Connection, name: str, who: Account, action: str, reason: str | None) -> decisions.Decision:
    return decisions.decide(connection, name, who, action, reason_code=reason, comment="seen", now=NOW)


def technologist(connection: Connection) -> Account:
    return accounts.add(
        connection, name="lin", display_name="", role="technologist", secret_hash="x", language="en", now=0
    )


def test_what_was_repeated_what_was_accepted_and_what_is_too_fresh(box: Box) -> None:
    def store(connection: Connection) -> None:
        who = technologist(connection)
        for number in range(4):
            add_past(connection, number, 10.0 * number)
        decide(connection, "case-00000", who, "repeat", "111209")
        decide(connection, "case-00001", who, "accept", None)
        taken_back = decide(connection, "case-00002", who, "repeat", "111209")
        decisions.undo(connection, taken_back.id, who, NOW, SETTLED_MS)
        add_past(connection, 4, 40.0, received_at=NOW - 1000)

    box.db.write(store)
    found: list[Past] = box.db.read(lambda c: list(settled(c, NOW, 100)))
    said = {one.measurements.number("chest.margin_least_mm"): (one.repeated, one.reason_code) for one in found}
    assert said == {0.0: (True, "111209"), 10.0: (False, None), 20.0: (False, None), 30.0: (False, None)}
    assert len(box.db.read(lambda c: list(settled(c, NOW, 2)))) == 2


def margins(folder: Path) -> Path:
    folder.mkdir()
    for name, text in PACK.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def refit(tmp_path: Path, *words: str) -> Result:
    config = tmp_path / "qcbox.toml"
    config.write_text(f'box = "{BOX}"\ndata_dir = "{tmp_path / "data"}"\n')
    given = [
        "rules",
        "refit",
        "--config",
        str(config),
        "--packs",
        str(tmp_path / "margins"),
        "--pack",
        "margins",
        "--out",
        str(tmp_path / "out"),
        *words,
    ]
    return CliRunner().invoke(build(["rules"]), given)


def fill(box: Box, good: int, low: int) -> None:
    def store(connection: Connection) -> None:
        for number in range(good):
            add_past(connection, number, 6.0 if number < low else 30.0)

    box.db.write(store)


def test_a_short_history_says_how_short_and_writes_nothing(box: Box, tmp_path: Path) -> None:
    margins(tmp_path / "margins")
    fill(box, 20, 10)
    said = refit(tmp_path)
    assert said.exit_code == 1
    assert "20 / 200" in said.output
    assert not (tmp_path / "out").exists()


def test_a_long_one_writes_a_pack_that_keeps_the_budget(box: Box, tmp_path: Path) -> None:
    own = margins(tmp_path / "margins")
    fill(box, 220, 40)
    said = refit(tmp_path, "--json")
    assert said.exit_code == 0, said.output
    made = json.loads(said.output)
    assert (made["accepted"], made["before"]["alerts"], made["after"]["alerts"]) == (220, 40, 0)
    assert "case-" not in said.output
    both = drafts.only_rules([own, tmp_path / "out"])
    assert {pack.layer for pack in both.packs} == {"L2", "L4"}
    again = refit(tmp_path)
    assert isinstance(again.exception, Misuse) and again.exception.code == "refit.exists"


def test_a_box_without_history_is_misuse(tmp_path: Path) -> None:
    margins(tmp_path / "margins")
    said = refit(tmp_path)
    assert isinstance(said.exception, Misuse) and said.exception.code == "refit.no_history"


def test_known_films_give_rates_and_worth(tmp_path: Path) -> None:
    """One good film and one without its patient: the header rule finds the one and leaves the other."""
    write(dx(), tmp_path / "good.dcm")
    write(dx(PatientID=None), tmp_path / "nobody.dcm")
    rule = "HD01.patient_id_missing"
    films = [
        {"file": "good.dcm", "patient": "a"},
        {"file": "nobody.dcm", "patient": "b", "faults": [rule]},
        {"file": "good.dcm", "patient": "c", "part": "tune"},
    ]
    (tmp_path / "films.json").write_text(json.dumps({"films": films}))
    said = bench(tmp_path, "--pack", "dicom-header", "--json")
    told = {one["rule"]: one for one in json.loads(said.output)["rules"]}[rule]
    assert (told["good"]["alerts"], told["good"]["films"]) == (0, 1)
    assert (told["faulty"]["alerts"], told["faulty"]["films"]) == (1, 1)
    assert told["ppv"][0]["value"] == 1.0 and told["ppv"][0]["low"] < 0.1
    assert rule in bench(tmp_path, "--pack", "dicom-header").output


def test_a_manifest_that_is_none_is_misuse(tmp_path: Path) -> None:
    (tmp_path / "films.json").write_text("{}")
    assert isinstance(bench(tmp_path).exception, Misuse)
    (tmp_path / "films.json").write_text(json.dumps({"films": [{"file": "gone.dcm", "patient": "a"}]}))
    assert isinstance(bench(tmp_path).exception, Misuse)


def bench(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(build(["bench"]), ["bench", "calibration", str(folder), *words])
