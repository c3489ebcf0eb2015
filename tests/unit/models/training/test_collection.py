"""DICOM radiographs become films: nothing of the header goes along, patients stay together."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from models.training import cli
from models.training.collection import KEY, Origin, collect
from models.training.manifest import Film, read_manifest
from tests.factories import SENTINEL, SENTINEL_BIRTH, SENTINEL_ID, changed, cr, ct, dx, phantom, uid, write

HERE = Origin("room 1", "approval 7/2026")


def shot(folder: Path, number: int, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return write(changed(dx(SOPInstanceUID=uid("film", number)), changes), folder / f"{number}.dcm")


def picture_of(film: Film) -> NDArray[np.uint8]:
    picture = cv2.imread(str(film.path), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return picture.astype(np.uint8)


def test_a_collection_is_a_manifest_that_can_be_read(tmp_path: Path) -> None:
    shot(tmp_path / "in", 1, PatientID="A", ViewPosition="PA", BodyPartExamined="CHEST")
    shot(tmp_path / "in", 2, PatientID="A", ViewPosition="LL", ViewCodeSequence=None)
    shot(tmp_path / "in" / "more", 3, PatientID="B", ViewPosition="AP", ViewCodeSequence=None)
    assert collect(tmp_path / "in", tmp_path / "out", HERE) == {"taken": 3}
    films = read_manifest(tmp_path / "out")
    assert sorted(film.view for film in films) == ["AP", "L", "PA"]
    assert len({film.patient for film in films}) == 2
    assert {(film.source, film.licence, film.tier) for film in films} == {("room 1", "approval 7/2026", "open")}
    assert all(film.body_part == "CHEST" for film in films if film.view == "PA")
    assert all(picture_of(film).shape == (film.height, film.width) for film in films)


def test_nothing_of_the_patient_goes_along(tmp_path: Path) -> None:
    path = shot(tmp_path / "in", 1)
    collect(path.parent, tmp_path / "out", HERE)
    for file in (tmp_path / "out").iterdir():
        for secret in (SENTINEL, SENTINEL_ID, SENTINEL_BIRTH, uid("film", 1)):
            assert secret.encode() not in file.read_bytes()
            assert secret not in file.name
    assert (tmp_path / "out" / KEY).stat().st_mode & 0o077 == 0


def test_pseudonyms_hold_within_a_collection_and_mean_nothing_in_another(tmp_path: Path) -> None:
    shot(tmp_path / "in", 1)
    collect(tmp_path / "in", tmp_path / "one", HERE)
    (first,) = read_manifest(tmp_path / "one")
    shot(tmp_path / "in", 2)
    collect(tmp_path / "in", tmp_path / "one", HERE)
    films = read_manifest(tmp_path / "one")
    assert len(films) == 2
    assert {film.patient for film in films} == {first.patient}
    collect(tmp_path / "in", tmp_path / "two", HERE)
    assert first.patient not in {film.patient for film in read_manifest(tmp_path / "two")}


def test_what_is_no_radiograph_is_counted_with_its_reason(tmp_path: Path) -> None:
    write(ct(), tmp_path / "ct.dcm")
    shot(tmp_path, 1, PresentationIntentType="FOR PROCESSING")
    (tmp_path / "notes.txt").write_text("no DICOM")
    found = collect(tmp_path, tmp_path / "out", HERE)
    assert (found["other_modality"], found["for_processing"], found.total()) == (1, 1, 3)
    assert found["taken"] == 0
    assert (tmp_path / "out" / "manifest.csv").read_text().count("\n") == 1


@pytest.mark.parametrize(("photometric", "bright"), [("MONOCHROME1", False), ("MONOCHROME2", True)])
def test_dense_anatomy_is_bright_however_it_is_stored(tmp_path: Path, photometric: str, bright: bool) -> None:
    ramp = np.repeat(np.linspace(0, 4000, 96).astype(np.uint16)[None], 80, axis=0)
    (tmp_path / "in").mkdir()
    write(cr(ramp, PhotometricInterpretation=photometric), tmp_path / "in" / "a.dcm")
    collect(tmp_path / "in", tmp_path / "out", HERE)
    (film,) = read_manifest(tmp_path / "out")
    picture = picture_of(film)
    assert (int(picture[40, 90]) > 200) is bright
    assert (int(picture[40, 5]) < 50) is bright


def test_a_large_film_is_scaled_down(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write(dx(phantom(300, 2048)), tmp_path / "in" / "a.dcm")
    collect(tmp_path / "in", tmp_path / "out", HERE)
    (film,) = read_manifest(tmp_path / "out")
    assert (film.width, film.height) == (1024, 150)


def test_the_command_counts_and_warns_of_burned_in_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shot(tmp_path / "in", 1)
    out = tmp_path / "out"
    arguments = ("collect", tmp_path / "in", "--out", out, "--source", "room 1", "--licence", "approval 7/2026")
    monkeypatch.setattr("sys.argv", ["qcbox-train", *map(str, arguments)])
    monkeypatch.setenv("LC_ALL", "C")
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "taken" in said
    assert "burned into" in said
    with (out / "manifest.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 1
