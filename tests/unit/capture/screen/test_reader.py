"""The reader on drawn consoles, with the real networks: values, what changed, what moves between frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.errors import Misuse
from capture.screen.frame import Picture
from capture.screen.ocr import models
from capture.screen.ocr.choice import make
from capture.screen.ocr.engine import Bgr, Engine, Engines, Reading
from capture.screen.ocr.session import Session
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.ocr.trim import trim
from capture.screen.reader import Reader
from capture.screen.tokens import plain
from tests.screens import DR, film

VALUES = {"PatientID": "00731964", "KVP": "110", "ExposureInMAs": "21.27", "BodyPartExamined": "KNEE"}


@dataclass
class Counting:
    """An engine that remembers how many crops it was given."""

    inner: Engine
    asked: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.inner.name

    def read(self, crops: Sequence[Bgr], alphabets: Sequence[str]) -> list[Reading]:
        self.asked.append(len(crops))
        return self.inner.read(crops, alphabets)


@pytest.fixture(scope="module")
def engines() -> Engines:
    return make(ReadingSettings())


def pictures(count: int = 3, **values: str) -> list[Picture]:
    shown = DR.draw(film(3), {**VALUES, **values})
    return [Picture(shown, k / 10) for k in range(count)]


def test_a_drawn_console_is_read_as_it_stands(engines: Engines) -> None:
    taught = DR.template().fields
    readings = Reader(engines).read(taught, pictures())
    found = {one.keyword: one.text for one in readings.fields}
    assert {keyword: plain(text) for keyword, text in found.items()} == {
        keyword: plain(text) for keyword, text in (DR.values | VALUES).items()
    }
    assert {one.state for one in readings.fields} == {"accepted"}


def test_only_fields_whose_pixels_changed_are_read_again(engines: Engines) -> None:
    counting = Counting(engines.first)
    reader = Reader(replace(engines, first=counting))
    taught = DR.template().fields
    before = reader.read(taught, pictures())
    after = reader.read(taught, pictures(KVP="66"), before)
    assert counting.asked == [len(taught), 1]
    changed = [k for k, one in enumerate(taught) if after.fields[k] is not before.fields[k]]
    assert [taught[k].keyword for k in changed] == ["KVP"]
    assert after.fields[changed[0]].text == "66"


def test_other_fields_at_the_same_place_are_read_again(engines: Engines) -> None:
    taught = DR.template().fields[:2]
    reader = Reader(engines)
    before = reader.read(taught, pictures())
    other = [one.model_copy(update={"low": 0.0}) for one in taught]
    assert reader.read(other, pictures(), before).fields[0] is not before.fields[0]


def test_a_value_that_changes_between_the_frames_is_unsteady(engines: Engines) -> None:
    (kvp,) = (one for one in DR.template().fields if one.keyword == "KVP")
    frames = [*pictures(2), *pictures(1, KVP="66")]
    (found,) = Reader(engines).read([kvp], frames).fields
    assert (found.state, found.reason) == ("to_check", "unsteady")


def test_noise_between_the_frames_is_averaged_away(engines: Engines) -> None:
    rng = np.random.default_rng(5)
    frames = [
        replace(one, bgr=np.clip(one.bgr + rng.normal(0, 6, one.bgr.shape), 0, 255).astype(np.uint8))
        for one in pictures()
    ]
    (kvp,) = (one for one in DR.template().fields if one.keyword == "KVP")
    counting = Counting(engines.first)
    (found,) = Reader(replace(engines, first=counting)).read([kvp], frames).fields
    assert (found.text, found.state) == ("110", "accepted")
    assert counting.asked == [1]


def test_an_empty_field_says_so(engines: Engines) -> None:
    (kvp,) = (one for one in DR.template().fields if one.keyword == "KVP")
    (found,) = Reader(engines).read([kvp], pictures(1, KVP="")).fields
    assert (found.state, found.reason, found.text) == ("refused", "empty", "")


def test_the_finder_finds_the_lines(engines: Engines) -> None:
    shown = pictures(1)[0].bgr
    found = engines.finder.find(shown)
    for line in DR.lines:
        box = DR.box(line.keyword)
        x, y = box.x + 20, box.y + box.h // 2
        assert any(
            one.box.x <= x < one.box.x + one.box.w and abs(one.box.y + one.box.h / 2 - y) < 12 for one in found
        )
    assert engines.finder.find(np.full((200, 300, 3), 40, np.uint8)) == ()
    assert engines.finder.find(np.zeros((1, 1, 3), np.uint8)) == ()


def test_tesseract_can_take_the_first_place() -> None:
    pytest.importorskip("tesserocr", reason="the alternative engine is not installed")
    engines = make(ReadingSettings(engine="tesseract"))
    taught = [one for one in DR.template().fields if one.kind == "number"]
    found = {one.keyword: one for one in Reader(engines).read(taught, pictures()).fields}
    assert engines.first.name == "tesseract"
    assert found["KVP"].text == "110"
    assert found["ExposureInMAs"].text == "21.27"


def test_a_frame_around_the_text_is_trimmed_away() -> None:
    crop = np.full((40, 200, 3), 230, np.uint8)
    cv2.rectangle(crop, (0, 0), (199, 39), (90, 90, 90), 1)
    cv2.putText(crop, "81", (20, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    rows, columns = trim(crop).shape[:2]
    assert columns < 60
    assert rows < 40
    assert trim(np.random.default_rng(1).integers(0, 255, (40, 200, 3), dtype=np.uint8)).shape == (40, 200, 3)
    assert trim(crop[:4]).shape == crop[:4].shape
    assert trim(np.full((40, 200, 3), 230, np.uint8)).shape == (40, 200, 3)


def test_what_a_high_box_cuts_off_the_row_above_is_trimmed_away() -> None:
    crop = np.full((60, 200, 3), 230, np.uint8)
    cv2.putText(crop, "81", (20, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    alone = trim(crop).shape
    cv2.putText(crop, "KNEE", (60, 6), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    assert trim(crop).shape == alone
    tight = np.full((16, 20, 3), 230, np.uint8)
    tight[[0, 1, 7, 8, 14, 15], 2:18] = 0
    assert trim(tight).shape[0] == 16


def test_nothing_in_gives_nothing(engines: Engines) -> None:
    assert engines.first.read([], []) == []
    (nothing,) = engines.second.read([np.zeros((0, 5, 3), np.uint8)], [""])
    assert (nothing.text, nothing.confidence) == ("", 0.0)


def test_a_model_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "distribution", lambda name: (_ for _ in ()).throw(PackageNotFoundError(name)))
    with pytest.raises(Misuse, match=r"ocr\.missing"):
        make(ReadingSettings())


def test_a_broken_model_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(Misuse, match=r"ocr\.unusable"):
        Session(broken).run(np.zeros((1, 3, 48, 48), np.float32))
