"""Sources: volumes as they lie, pictures of one size and level, and files that are not there."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.errors import Misuse
from models.training.manifest import read_manifest
from models.training.mr.sources import BRIGHTEST, FILMS, SIDE, fitted, sources_of
from models.training.mr.template import volume
from models.training.split import films_of
from tests.unit.models.training.films import film
from tests.unit.models.training.mr.volumes import FILES, folder_of_sources, packed


def test_a_volume_is_turned_to_the_patient_without_interpolation(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    # The file's first axis runs from front to back, its second upwards, its third to the left.
    matrix = np.array([[0, 0, -4, 0], [-2, 0, 0, 0], [0, 3, 0, 0]], float)
    (tmp_path / "v.nii.gz").write_bytes(packed(values, matrix))
    found = volume(tmp_path / "v.nii.gz")
    np.testing.assert_array_equal(found.values, values.transpose(2, 0, 1)[::-1, ::-1])
    assert found.spacing_mm == (4, 2, 3)


def test_a_series_of_one_volume_is_that_volume(tmp_path: Path) -> None:
    values = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    (tmp_path / "v.nii.gz").write_bytes(packed(values[..., None]))
    np.testing.assert_array_equal(volume(tmp_path / "v.nii.gz").values, values)


def test_axes_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    matrix = np.array([[1, 1, 0, 0], [0.5, 0, 0, 0], [0, 0, 1, 0]], float)
    (tmp_path / "v.nii.gz").write_bytes(packed(np.zeros((2, 2, 2), np.int16), matrix))
    with pytest.raises(ValueError, match="not in list"):
        volume(tmp_path / "v.nii.gz")


@pytest.mark.parametrize(
    ("shape", "longer"), [((600, 450), 300), ((100, 80), 300), ((40, 50), 200), ((298, 9), 298)]
)
def test_a_picture_fills_the_middle_unless_it_is_tiny(shape: tuple[int, int], longer: int) -> None:
    out = fitted(np.ones(shape, np.float32))
    rows, columns = np.flatnonzero(out.any(axis=1)), np.flatnonzero(out.any(axis=0))
    assert out.shape == (SIDE, SIDE) and max(len(rows), len(columns)) == longer
    assert abs(rows[0] - (SIDE - 1 - rows[-1])) <= 1 and abs(columns[0] - (SIDE - 1 - columns[-1])) <= 1
    assert np.allclose(out[rows[0] : rows[-1], columns[0] : columns[-1]], 1, atol=1e-3)


def test_a_shining_spot_does_not_set_the_level_and_nothing_is_negative() -> None:
    picture = np.ones((300, 300), np.float32)
    picture[:2, :2], picture[-2:] = 1000, -5
    out = fitted(picture)
    assert out[160, 160] == 1 and out.max() == np.float32(BRIGHTEST) and out.min() == 0
    assert not fitted(np.zeros((300, 300), np.float32)).any()


def test_all_sources_of_a_folder_are_read_and_films_are_optional(tmp_path: Path) -> None:
    folder_of_sources(tmp_path)
    found = sources_of(tmp_path)
    assert tuple(source.name for source in found) == FILES
    for source in found:
        assert source.pictures.shape[1:] == (SIDE, SIDE) and source.pictures.dtype == np.float16
        assert 0 < source.share < 1 and source.pictures.max() <= np.float16(BRIGHTEST)

    rows = ["image,source,tier,licence"]
    (tmp_path / FILMS).mkdir()
    for number in range(12):
        file, tier = f"{number}.png", "open" if number % 3 else "nc"
        cv2.imwrite(str(tmp_path / FILMS / file), np.round(film(90, 80, number) * 255).astype(np.uint8))
        rows.append(f"{file},{'here' if number % 4 else 'elsewhere'},{tier},ours")
    (tmp_path / FILMS / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    films = sources_of(tmp_path, {"elsewhere"})[-1]
    learnt = films_of(read_manifest(tmp_path / FILMS), "train", {"elsewhere"})
    assert films.name == FILMS and len(films.pictures) == len(learnt) > 0
    assert {(one.source, one.tier) for one in learnt} == {("here", "open")}


def test_every_missing_file_is_named_in_both_languages(tmp_path: Path) -> None:
    (folder_of_sources(tmp_path) / "dipy.nii.gz").unlink()
    (tmp_path / "chest_ct.nii.gz").unlink()
    with pytest.raises(Misuse, match="mr_sources") as caught:
        sources_of(tmp_path)
    for language in ("zh", "en"):
        assert "dipy.nii.gz" in caught.value.say(language) and "chest_ct.nii.gz" in caught.value.say(language)
