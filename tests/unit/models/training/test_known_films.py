"""Films with faults of known size: the right rules are named, nobody is in them, the lungs lose what is said."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest

from models.training.degradations.known_films import LOST, write_known
from models.training.manifest import read_manifest
from models.training.split import part_of
from tests.unit.models.training.films import film, lungs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve films with lungs and one without."""
    rows = ["image,lungs,source,tier,licence,view,age_group,patient"]
    for number in range(13):
        cv2.imwrite(str(tmp_path / f"{number}.png"), (255 * film()).astype(np.uint8))
        mask = f"{number}-lungs.png" if number < 12 else ""
        if mask:
            cv2.imwrite(str(tmp_path / mask), 255 * lungs().astype(np.uint8))
        rows.append(f"{number}.png,{mask},house,open,own,{'PA' if number % 2 else 'AP'},adult,p{number}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows))
    return tmp_path


def test_each_complete_film_is_written_four_times(folder: Path) -> None:
    films = read_manifest(folder)
    usable = [one for one in films if one.lungs and part_of(one) != "train"]
    assert write_known(films, folder / "out", 99) == 4 * len(usable) > 0
    lines = json.loads((folder / "out" / "films.json").read_text())["films"]
    assert {line["part"] for line in lines} <= {"tune", "test"}
    assert sum(not line["faults"] for line in lines) == len(usable)
    named = {rule for line in lines for rule in line["faults"]}
    assert named <= {f"{p}{rest}" for p in ("PA", "AP") for rest in (
        "01.lung_cut_off", "01.lung_cut_off_percent", "03.rotation", "16.orientation",
    )}  # fmt: skip


def test_a_cut_film_has_lost_a_part_of_its_lungs_and_names_nobody(folder: Path) -> None:
    write_known(read_manifest(folder), folder / "out", 99)
    cut = sorted((folder / "out").glob("*-cut.dcm"))[0]
    good = cut.with_name(f"{int(cut.name[:5]) - 1:05}-good.dcm")
    before, after = (pydicom.dcmread(one).pixel_array.astype(float) for one in (good, cut))
    lost = (np.abs(before - after) > 40) & lungs()
    assert 0.2 * LOST < lost.sum() / lungs().sum() < 2 * LOST
    assert "PatientName" not in pydicom.dcmread(cut) and pydicom.dcmread(cut).PatientID == "KNOWN"
