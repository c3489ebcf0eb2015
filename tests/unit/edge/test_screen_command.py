"""``qcbox screen``: which screen, and the corners of a camera."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse
from capture.screen import perspective
from edge.cli import build
from edge.settings import load


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


def test_the_corners_of_a_camera_are_kept_for_its_process(config: Path, tmp_path: Path) -> None:
    run(config, "a", "--corners", "10,12,310,8,305,230,15,225")
    folder = tmp_path / "data" / "screens" / "live" / "a"
    kept = perspective.taught(folder)
    assert kept is not None and kept.points == ((10, 12), (310, 8), (305, 230), (15, 225))
    run(config, "a", "--corners", "none")
    assert perspective.taught(folder) is None


@pytest.mark.parametrize("given", ["10,12,310,8", "10,12,310,8,305,230,15,x", "0,0,1,0,1,1,0,1"])
def test_what_are_no_corners_is_refused(config: Path, given: str) -> None:
    with pytest.raises(Misuse, match=r"screen\.corners"):
        run(config, "a", "--corners", given)


def test_a_screen_that_is_not_configured(config: Path) -> None:
    with pytest.raises(Misuse, match=r"screen\.unknown.*a, b"):
        run(config, "c")


def test_two_screens_of_one_name(config: Path) -> None:
    config.write_text(config.read_text().replace('"b"', '"a"'))
    with pytest.raises(Misuse, match="screens"):
        load(config)
