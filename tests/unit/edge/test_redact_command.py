"""``qcbox redact``: a file that may leave, or none at all."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from typer.testing import CliRunner, Result

from capture.errors import Misuse
from edge.cli import build
from tests.factories import SENTINEL, dx, us, write
from tests.screens import CT, film


def redact(*words: object) -> Result:
    return CliRunner().invoke(build(["redact"]), ["redact", *map(str, words)])


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "qcbox.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\n', encoding="utf-8")
    return path


def test_a_film_becomes_a_picture_or_a_new_object(tmp_path: Path, config: Path) -> None:
    source = write(dx(), tmp_path / "film.dcm")
    for name in ("out.png", "out.dcm"):
        said = redact(source, "--out", tmp_path / name, "--config", config)
        assert said.exit_code == 0, said.output
    made = dcmread(tmp_path / "out.dcm")
    assert (made.Rows, made.Columns, str(made.PatientName)) == (96, 80, "")
    assert SENTINEL.encode() not in (tmp_path / "out.dcm").read_bytes()


def test_a_refusal_writes_nothing_and_says_why(tmp_path: Path, config: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"older")
    said = redact(write(us(), tmp_path / "us.dcm"), "--out", out, "--config", config, "--lang", "zh")
    assert said.exit_code == 1 and "redaction.unknown_layout" in said.output and "模板" in said.output
    assert out.read_bytes() == b"older" and SENTINEL not in said.output


def test_a_screen_needs_its_template(tmp_path: Path, config: Path) -> None:
    png, template = tmp_path / "screen.png", tmp_path / "ct.json"
    shown = CT.draw(film(4, CT.image)).copy()
    cv2.putText(shown, "ZHAO MIN", (600, 100), cv2.FONT_HERSHEY_SIMPLEX, 1.0, (255, 255, 255), 2)
    cv2.imwrite(str(png), shown)
    template.write_bytes(CT.template().dump())
    out = tmp_path / "out.png"
    assert redact(png, "--out", out, "--config", config).exit_code == 1 and not out.exists()
    said = redact(png, "--out", out, "--config", config, "--template", template, "--known", "ZHAO MIN")
    assert said.exit_code == 0, said.output
    left = cv2.imread(str(out))
    assert left is not None and left.shape[:2] == (CT.image.h, CT.image.w)
    assert int(np.count_nonzero((left[30:70, 90:260] > 240).all(axis=2))) == 0, "the name is covered"


def test_what_is_asked_wrongly(tmp_path: Path, config: Path) -> None:
    wrong = redact(tmp_path / "none.dcm", "--out", tmp_path / "out.png", "--config", config)
    assert isinstance(wrong.exception, Misuse) and wrong.exception.code == "redaction.unreadable"
    wrong = redact(tmp_path / "none.dcm", "--out", tmp_path / "out.jpg", "--config", config)
    assert isinstance(wrong.exception, Misuse) and wrong.exception.code == "redaction.out"
