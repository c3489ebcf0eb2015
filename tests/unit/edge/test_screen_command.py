"""``qcbox screen``: which screen, and what is not one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse
from edge.cli import build
from edge.settings_file import load


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "qcbox.toml"
    screens = "".join(f'[[screens]]\nname = "{name}"\nkind = "camera"\naddress = "/dev/video0"\n' for name in "ab")
    path.write_text(f'version = 1\ndata_dir = "{tmp_path}/data"\n{screens}')
    return path


def run(config: Path, *arguments: str) -> None:
    CliRunner().invoke(
        build(["screen", "doctor"]), ["screen", *arguments, "--config", str(config)], catch_exceptions=False
    )


def test_a_screen_that_is_not_configured(config: Path) -> None:
    with pytest.raises(Misuse, match=r"screen\.unknown.*a, b"):
        run(config, "c")


def test_two_screens_of_one_name(config: Path) -> None:
    config.write_text(config.read_text().replace('"b"', '"a"'))
    with pytest.raises(Misuse, match="screens"):
        load(config)
