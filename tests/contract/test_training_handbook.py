"""The handbook's page on training names the columns, commands, options and codes that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from deploy.codes import codes
from models.training import manifest
from models.training.cli import COMMANDS, app
from models.training.collection import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
READ = set(re.findall(r"""row(?:\.get\(|\[)["'](\w+)""", Path(manifest.__file__).read_text(encoding="utf-8")))
"""Columns that the code asks a row for, those named by a pattern apart."""
TOUCHES = {f"lung_touches_{side}" for side in manifest.SIDES}


def page(language: str) -> str:
    return (ROOT / "deploy/handbook" / language / "training.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_column_is_there_and_no_other(language: str) -> None:
    table = page(language).split("| --- | --- | --- |")[1].split("\n\n")[0]
    first = [row.split("|")[1] for row in table.strip().splitlines()]
    names = {name for cell in first for name in re.findall(r"`(\w+)`", cell) if not name.startswith("_")}
    names |= {f"lung_touches{end}" for cell in first for end in re.findall(r"`(_\w+)`", cell)}
    assert names == READ | set(manifest.MANDATORY) | TOUCHES | {"lungs"}
    required = [row for row in table.splitlines() if "required" in row or "必填" in row]
    assert len(required) == len(manifest.MANDATORY)
    assert set(COLUMNS) <= names


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_command_and_option_exists(language: str) -> None:
    text = re.sub("`qcbox .*?`", "", page(language))
    group = get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 - typer's group is click's
    assert set(commands) == set(COMMANDS)
    known = {option for command in commands.values() for one in command.params for option in one.opts}
    assert set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", text)) <= known
    assert {name for name in COMMANDS if name != "fit"} <= set(re.findall(r"qcbox-train (\w+)", text))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_in_it_is_raised_somewhere(language: str) -> None:
    assert set(re.findall(r"`(training\.\w+)`", page(language))) <= {code.code for code in codes()}
