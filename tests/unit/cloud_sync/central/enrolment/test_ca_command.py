"""``qcbox-central ca`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse
from cloud_sync.central.cli import app

runner = CliRunner()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text("a passphrase\n")
    path = tmp_path / "central.toml"
    path.write_text(
        f'database_url = "sqlite:///{tmp_path / "central.db"}"\n[enrolment]\nfolder = "{tmp_path / "ca"}"\n'
        f'publish = "{tmp_path / "broker"}"\npassphrase_file = "{tmp_path / "secret"}"\n'
    )
    return path


def run(config: Path, *words: str, fails: int = 0) -> str:
    done = runner.invoke(app, ["ca", *words, "--config", str(config)])
    if isinstance(done.exception, Misuse):
        raise done.exception
    assert done.exit_code == fails, done.output
    return done.output


def test_from_nothing_to_a_broker_that_can_start_and_to_the_next_generation(config: Path, tmp_path: Path) -> None:
    name = ("--name", "qc.example.cn")
    run(config, "init", *name)
    for words in (
        ("issue-server", "server", *name),
        ("issue-server", "broker", *name),
        ("issue-centre",),
        ("crl",),
    ):
        run(config, *words)
    assert b"ENCRYPTED" in (tmp_path / "ca" / "authority-1.key").read_bytes()
    assert {path.name for path in (tmp_path / "broker").iterdir()} == {"authorities.pem", "crl.pem"}
    run(config, "roll", *name)
    shown = json.loads(run(config, "show", "--json"))
    assert [(row["generation"], row["boxes"], row["signs"]) for row in shown] == [(1, 0, False), (2, 0, True)]
    run(config, "retire")
    assert len(json.loads(run(config, "show", "--json"))) == 1 and "*" in run(config, "show")
    with pytest.raises(Misuse, match=r"ca\.last"):
        run(config, "retire")
    (tmp_path / "secret").write_text("another\n")
    with pytest.raises(Misuse, match=r"ca\.unreadable"):
        run(config, "show")
