"""``qcbox account`` on a box whose agent is stopped."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse
from cloud_sync.kit.secret import matches
from edge.clock import now_ms
from edge.commands.account import app
from edge.store import accounts
from edge.store.database import Database


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("QCBOX_DATA_DIR", str(tmp_path))
    return tmp_path


def run(*arguments: str, typed: str = "") -> str:
    answer = CliRunner().invoke(app, list(arguments), input=typed, catch_exceptions=False)
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_add_list_disable_reset(home: Path) -> None:
    run("add", "zhang", "--role", "technologist", "--display-name", "张三", typed="482913\n")
    run("disable", "zhang")
    assert "(disabled)" in run("list")
    run("reset", "zhang", typed="735512\n")
    (row,) = json.loads(run("list", "--json"))
    assert row == {"name": "zhang", "display_name": "张三", "role": "technologist", "disabled": False}
    db = Database(home / "qcbox.db")
    try:
        tried = db.write(lambda c: accounts.attempt(c, "zhang", 5, 1000, now_ms()))
        assert matches(tried.secret_hash, "735512") and not matches(tried.secret_hash, "482913")
    finally:
        db.close()


@pytest.mark.parametrize(
    ("arguments", "typed", "code"),
    [
        (("add", "x", "--role", "root"), "482913\n", "account.invalid"),
        (("add", "x", "--role", "technologist"), "1234\n", "account.pin"),
        (("add", "x", "--role", "engineer"), "short\n", "account.password"),
        (("add", " ", "--role", "technologist"), "482913\n", "account.invalid"),
        (("disable", "nobody"), "", "account.unknown"),
        (("reset", "nobody"), "", "account.unknown"),
    ],
)
def test_misuse_says_which_and_what_to_do(home: Path, arguments: tuple[str, ...], typed: str, code: str) -> None:
    with pytest.raises(Misuse, match=code.replace(".", r"\.")):
        run(*arguments, typed=typed)


def test_verify_finds_a_changed_row(home: Path) -> None:
    for name in ("chen", "li", "zhang"):
        run("add", name, "--role", "technologist", typed="482913\n")
    assert run("verify").startswith("OK: 3 rows")
    with sqlite3.connect(home / "qcbox.db") as connection:
        connection.execute("update audit set subject = 'somebody' where id = 2")
    connection.close()
    answer = CliRunner().invoke(app, ["verify"])
    assert answer.exit_code == 1 and "BROKEN after 1" in answer.output
    told = CliRunner().invoke(app, ["verify", "--json"])
    assert told.exit_code == 1 and json.loads(told.output)["broken_at"] == 1
