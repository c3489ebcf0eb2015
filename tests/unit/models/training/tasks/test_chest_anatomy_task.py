"""chest-anatomy as a whole on drawn films: every kind of plate is read, a fit runs and is reported."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.anatomy.structures import ORGANS
from models.training.drawn import draw
from models.training.loop import Settings, fit, run_of
from models.training.manifest import read_manifest
from models.training.split import films_of
from models.training.task import Part
from models.training.tasks import chest_anatomy
from models.training.tasks.chest_anatomy_marks import marked_plates
from models.training.tasks.chest_anatomy_projections import projections

PARTS: tuple[Part, ...] = ("train", "tune", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn films with masks: enough that every part has some."""
    where: Path = tmp_path_factory.mktemp("films")
    rows = [["image", "source", "tier", "licence", "patient", "view", "lungs"]]
    for number in range(24):
        drawing = draw(number)
        cv2.imwrite(str(where / f"{number}.png"), (drawing.picture * 255).astype(np.uint8))
        cv2.imwrite(str(where / f"{number}-lungs.png"), drawing.lungs)
        rows.append(
            [f"{number}.png", "drawn", "open", "CC0", f"P{number}", "PA", f"{number}-lungs.png"],
        )
    with (where / "manifest.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return where


def test_an_outline_is_filled_and_its_border_not_trusted(folder: Path, tmp_path: Path) -> None:
    film = read_manifest(folder)[3]
    marks = tmp_path / "marks.csv"
    square = '"20,20 40,20 40,80 20,80"'
    marks.write_text(f"source,film,structure,points\ndrawn,{film.path.stem},lung_image_left,{square}\n")
    plates = marked_plates(marks, read_manifest(folder))
    assert len(plates) == 1
    mask, trusted = plates[0].maps["lung_image_left"], plates[0].trusted
    assert trusted is not None
    columns, rows = plates[0].size
    assert (mask > 0).mean() == pytest.approx(0.2 * 0.6, abs=0.01)
    assert trusted[rows // 2, round(0.4 * columns)] == 0, "on the line"
    assert trusted[rows // 2, round(0.3 * columns)] == trusted[rows // 2, round(0.5 * columns)] == 255
    assert marked_plates(tmp_path / "none.csv", read_manifest(folder)) == []


def test_a_projection_is_read_with_points_in_its_field_and_lungs_beside_its_spine(tmp_path: Path) -> None:
    names = [*ORGANS, "field"]
    masks = np.zeros((len(names), 100, 80), bool)
    masks[names.index("field"), :, :70] = True
    masks[names.index("lung_image_left"), 20:80, 10:50] = True
    masks[names.index("spine"), :, 30:60] = True
    np.savez_compressed(
        tmp_path / "a.npz",
        image=np.arange(8000, dtype=np.uint8).reshape(100, 80),
        masks=np.packbits(masks),
        shape=np.array(masks.shape),
        names=np.array(names),
        point_clavicle_end_image_left=np.array([[0.25, 0.5]], np.float32),
        point_clavicle_end_image_right=np.array([[0.95, 0.5]], np.float32),
        point_spinous=np.array([[0.5, 0.1], [0.5, 0.9], [0.5, 1.2]], np.float32),
    )
    (tmp_path / "index.csv").write_text("file,body,split,yaw\na.npz,0,train,-4.5\n")
    (found,) = projections(tmp_path, "train")
    assert found.yaw_deg == -4.5
    assert found.plate.points["clavicle_end_image_left"].tolist() == [[20, 50]]
    assert len(found.plate.points["clavicle_end_image_right"]) == 0, "behind the shutter"
    assert len(found.plate.points["spinous_line"]) == 2
    columns = np.flatnonzero(found.plate.maps["lung_image_left"].any(axis=0))
    assert (columns[0], columns[-1]) == (10, 29)
    assert projections(tmp_path, "test") == []


def test_a_fit_and_its_report(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chest_anatomy, "PER_EPOCH", 8)
    monkeypatch.setattr(chest_anatomy, "_TUNE", 4)
    task = chest_anatomy.task(folder, frozenset())
    found = {part: films_of(read_manifest(folder), part, frozenset()) for part in PARTS}
    assert all(len(task.sources(part)[0].plates) == len(found[part]) > 0 for part in PARTS)
    network = fit(task, Settings(out=tmp_path, epochs=1, device="cpu"), say=lambda line: None)
    report = task.evaluate(run_of(network, task.signature), tmp_path)
    claimed = {claim.what for claim in report.claims}
    assert "lung Dice, drawn" in claimed
    dice = next(claim.found for claim in report.claims if claim.what == "lung Dice, drawn")
    assert dice.images == len(found["test"])
    assert 0 <= dice.value <= 1
    assert "Lung Dice" in {table.title for table in report.tables}
