"""``qcbox content build``, ``inspect`` and ``selftest``."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from capture.errors import Misuse
from edge.commands.content_build import app
from models.content.factory import PACKS
from tests.unit.models.bundles import networks
from tests.unit.models.content.test_selftest import CASES, RULE
from tests.unit.models.rules.packs import head, write


def content(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_folder_becomes_a_package_whose_hash_is_said(tmp_path: Path) -> None:
    out = tmp_path / "x.zip"
    said = content("build", PACKS / "ct-chest", "--out", out, "--lang", "en")
    assert said.exit_code == 0, said.output
    assert hashlib.sha256(out.read_bytes()).hexdigest() in said.output
    assert "CT series of the chest" in said.output and "rule pack (pack), ct" in said.output
    row = json.loads(content("build", PACKS / "ct-chest", "--out", tmp_path / "y.zip", "--json").output)
    assert (tmp_path / "y.zip").read_bytes() == out.read_bytes()
    assert row["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest() and row["title"]["zh"] == "胸部 CT 序列"


def test_the_file_is_named_after_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert content("build", networks.write(tmp_path / "two-maps"), "--lang", "zh").exit_code == 0
    assert (tmp_path / "two-maps-1000.zip").is_file()


def test_the_kind_can_be_said(tmp_path: Path) -> None:
    row = json.loads(
        content("build", PACKS / "mr-brain", "--kind", "protocol", "--out", tmp_path / "p.zip", "--json").output
    )
    assert row["kind"] == "protocol"
    for kind in ("program", "template"):
        refused = content("build", PACKS / "mr-brain", "--kind", kind, "--out", tmp_path / "q.zip")
        assert isinstance(refused.exception, Misuse) and not (tmp_path / "q.zip").exists()
    (tmp_path / "empty").mkdir()
    refused = content("build", tmp_path / "empty", "--out", tmp_path / "q.zip")
    assert isinstance(refused.exception, Misuse) and refused.exception.code == "content.what"


def test_a_package_is_looked_into(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    content("build", PACKS / "ct-chest", "--out", file)
    said = content("inspect", file, PACKS / "mr-brain", "--lang", "zh").output
    assert "胸部 CT 序列" in said and "mr-brain" in said and "cases.toml" in said and "自检用例" in said
    row = json.loads(content("inspect", file, "--json").output)
    assert (
        row["files"].keys() == {"cases.toml", "pack.toml", "rules.toml"} and row["length"] == file.stat().st_size
    )
    file.write_bytes(file.read_bytes()[:-1])
    refused = content("inspect", file)
    assert isinstance(refused.exception, Misuse) and refused.exception.code == "content.zip"


def test_a_self_test_beside_what_ships(tmp_path: Path) -> None:
    fine = write(tmp_path / "fine", head("our-voltage", "L2"), RULE, CASES)
    said = content("selftest", fine, "--lang", "en")
    assert said.exit_code == 0 and "cases held" in said.output
    wrong = write(tmp_path / "wrong", head("our-voltage", "L2"), RULE, CASES.replace("120.0", "99.0"))
    said = content("selftest", wrong, "--lang", "zh")
    assert said.exit_code == 1 and "pack.case" in said.output and "1 项失败" in said.output
    failed = json.loads(content("selftest", wrong, "--json").output)["failed"]
    assert [(one["code"], one["zh"] != one["en"]) for one in failed] == [("pack.case", True)]
