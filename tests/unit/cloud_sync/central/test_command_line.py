"""``qcbox-central``: what it prints, how it ends, what it says to a mistake."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from cloud_sync.central import accounts, cli
from cloud_sync.central.database import Database
from cloud_sync.central.judging import judge
from cloud_sync.central.program import run
from cloud_sync.central.settings import CentralSettings, PortalSettings, load
from cloud_sync.central.storing import store
from cloud_sync.wire.codec import encode
from tests.simulated_box import STREAM, now_ms, result_event
from tests.unit.cloud_sync.central.test_fleet import birth, say


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    path = tmp_path / "central.toml"
    path.write_text(f'database_url = "sqlite:///{tmp_path}/deep/central.db"\n[portal]\nlanguage = "en"\n', "utf-8")
    return path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    """The exit status of one command."""
    monkeypatch.setattr(sys, "argv", ["qcbox-central", *arguments])
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def fill(config: Path, *seqs: int) -> None:
    database = Database(load(config).database_url)
    say(database, birth(), now=now_ms())
    with database.write() as connection:
        batch = [judge("box-a", encode(result_event("box-a", STREAM, seq)), {}) for seq in seqs]
        store(database, connection, batch, now_ms())
    database.close()


def test_status_in_words_and_in_json(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, 1, 2)
    assert call(monkeypatch, "status", "--config", str(config)) == 0
    assert "2 results, 2 events, 0 gaps" in capsys.readouterr().out
    fill(config, 5)
    assert call(monkeypatch, "status", "--json", "--config", str(config)) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["totals"]["results"] == 3
    assert told["gaps"][0]["first"] == 3
    assert told["boxes"][0]["missing"] == 2


def test_export_writes_what_pages_download(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(config, 1, 2)
    assert call(monkeypatch, "export", "--format", "json", "--config", str(config)) == 0
    assert len(json.loads(capsys.readouterr().out)) == 2
    assert call(monkeypatch, "export", "--config", str(config)) == 0
    assert capsys.readouterr().out.startswith("\ufeffevent_id,box")
    assert call(monkeypatch, "export", "--format", "xml", "--config", str(config)) == 2


def test_an_account_is_made_from_standard_input(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = ("account", "add", "qc", "--config", str(config))
    assert call(monkeypatch, *added, typed="a good long password\n") == 0
    database = Database(load(config).database_url)
    with database.read() as connection:
        assert [(one.name, one.role) for one in accounts.listed(connection)] == [("qc", "qc-group")]
    database.close()
    assert call(monkeypatch, *added, typed="a good long password\n") == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("account", "add", "qc", "--role", "king"), "account.invalid"),
        (("account", "add", "qc"), "account.password"),
    ],
)
def test_a_mistake_is_said_with_its_code_and_a_hint(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...],
    code: str,
) -> None:  # fmt: skip
    typed = "short" if code == "account.password" else "a good long password"
    assert call(monkeypatch, *arguments, "--config", str(config), typed=typed) == 2
    assert capsys.readouterr().err.startswith(code)
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert call(monkeypatch, *arguments, "--config", str(config), typed=typed) == 2
    assert any("\u4e00" <= letter <= "\u9fff" for letter in capsys.readouterr().err)


@pytest.mark.parametrize(
    ("text", "code", "named"),
    [
        ("version = 2\n", "config.value", "version"),
        ("[portal]\ntimezone = 'Mars/Olympus'\n", "config.value", "portal.timezone"),
        ("[portal]\nprot = 1\n", "config.value", "portal.prot"),
        ("[broker]\ncert_file = 'x'\n", "config.value", "broker"),
        ("not toml", "config.syntax", "central.toml"),
        ("database_url = 'mysql://x/y'\n", "database.url", "postgresql"),
        ("database_url = 'nonsense'\n", "database.url", "postgresql"),
        ("database_url = 'sqlite://'\n", "database.url", "sqlite"),
        ("database_url = 'sqlite:////proc/nowhere/x.db'\n", "database.unusable", "folder"),
    ],
)
def test_a_wrong_configuration_names_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, code: str,
    named: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("LANG", "C")
    path = tmp_path / "central.toml"
    path.write_text(text, "utf-8")
    assert call(monkeypatch, "status", "--config", str(path)) == 2
    said = capsys.readouterr().err
    assert said.startswith(code)
    assert named in said


def test_a_configuration_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, "status", "--config", "/nowhere/central.toml") == 2
    assert "config.unreadable" in capsys.readouterr().err


def test_the_environment_is_over_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QCBOX_CENTRAL_BROKER__PORT", "8883")
    monkeypatch.setenv("QCBOX_CENTRAL_PORTAL__PORT", "1")
    settings = load(config)
    assert (settings.broker.port, settings.portal.port, settings.portal.language) == (8883, 1, "en")
    assert load(None).version == 1


@pytest.fixture
def own_process() -> Iterator[None]:
    """Gives back what ``run`` changes for a whole process: signals and logs."""
    handlers, signals = logging.getLogger().handlers[:], {one: signal.getsignal(one) for one in (2, 15)}
    yield
    for number, handler in signals.items():
        signal.signal(number, handler)
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.basicConfig(handlers=handlers, force=True)


def test_an_address_that_is_taken_is_a_mistake_with_a_hint(
    own_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        config = tmp_path / "central.toml"
        config.write_text(
            f'database_url = "sqlite:///{tmp_path}/central.db"\n[broker]\nport = 1\n'
            f"[portal]\nport = {taken.getsockname()[1]}\n",
            "utf-8",
        )
        assert call(monkeypatch, "run", "--config", str(config)) == 2
    assert "portal.address" in capsys.readouterr().err


def test_an_ingest_that_fails_ends_the_centre(
    own_process: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cloud_sync.central.ingest.Ingest.run", lambda *_: None)
    portal = PortalSettings(port=0)
    assert run(CentralSettings(database_url=f"sqlite:///{tmp_path}/central.db", portal=portal)) == 1


def test_nobody_else_reads_the_database(config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        fill(config, 1)
        (tmp_path / "mine").mkdir()
        monkeypatch.setenv("QCBOX_CENTRAL_DATABASE_URL", f"sqlite:///{tmp_path / 'mine' / 'c.db'}")
        assert call(monkeypatch, "status", "--config", str(config)) == 0
    finally:
        os.umask(before)
    assert [path.name for path in (tmp_path / "mine").iterdir() if path.stat().st_mode & 0o077] == []
