"""A shot to an Acquisition: only what was accepted or confirmed enters, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.acquisition import Acquisition, Fault, FieldOrigin, Pixels
from capture.arrival import Arrival
from capture.errors import SetAside
from capture.screen import acquire
from capture.screen.reading import FieldReading
from capture.screen.shot import dump, parse
from capture.screen.signal import State
from tests.shots import IMAGE, accepted, put, screen, shot, template

FILM = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
TEXTS = {
    "PatientID": "0009663134",
    "PatientName": "方霞",
    "PatientSex": "女",
    "PatientAge": "33岁",
    "PatientBirthDate": "1990-03-15",
    "StudyDate": "2024/03/02",
    "StudyTime": "22:55:19",
    "BodyPartExamined": "CHEST",
    "ViewPosition": "CHEST PA",
    "KVP": "125",
    "DistanceSourceToDetector": "115",
}
ARRIVAL = Arrival("a", "", 0, "frame", "screen", 0, "dr-room")


def read(tmp_path: Path, content: bytes, **confirmed: str) -> Acquisition:
    return acquire.read(put(tmp_path, content), ARRIVAL, confirmed)


def grey(shown: NDArray[np.uint8] = FILM) -> NDArray[np.uint8]:
    return screen(shown)


def test_accepted_fields_become_dicoms_values(tmp_path: Path) -> None:
    one = read(tmp_path, shot(accepted(TEXTS), grey()))
    assert (one.identity.PatientID, one.identity.PatientName) == ("0009663134", "方霞")
    assert one.identity.PatientBirthDate == "19900315"
    assert (one.exam.PatientSex, one.exam.PatientAge, one.exam.StudyDate) == ("F", "033Y", "20240302")
    assert (one.exam.StudyTime, one.exam.ViewPosition, one.exam.Modality) == ("225519", "PA", "DX")
    assert (one.technique.KVP, one.technique.DistanceSourceToDetector) == (125.0, 1150.0)
    assert one.medium == "screen" and one.faults == ()
    assert {origin.keyword for origin in one.provenance} == TEXTS.keys()
    assert all(origin.origin == "ocr" and 0.9 < origin.confidence < 1 for origin in one.provenance)


def test_the_image_box_is_cut_out_in_eight_bits(tmp_path: Path) -> None:
    one = read(tmp_path, shot(accepted(TEXTS), grey()))
    assert isinstance(one.pixels, Pixels)
    assert one.pixels.values.shape == (IMAGE.h, IMAGE.w) == (one.display.Rows, one.display.Columns)
    assert one.pixels.value_range == (0.0, 255.0) and one.display.BitsStored == 8
    assert one.pixels.spacing_mm is None and one.pixels.color is None
    assert np.ptp(one.pixels.values) > 250


def test_a_coloured_picture_keeps_its_colour(tmp_path: Path) -> None:
    shown = grey()
    shown[IMAGE.y : IMAGE.y + 60, IMAGE.x : IMAGE.x + 60] = (255, 0, 0)
    one = read(tmp_path, shot((), shown))
    assert isinstance(one.pixels, Pixels) and one.pixels.color is not None
    assert tuple(one.pixels.color[10, 10]) == (0, 0, 255)


@pytest.mark.parametrize("state", ["to_check", "refused"])
def test_what_was_not_accepted_does_not_enter(tmp_path: Path, state: str) -> None:
    unsure = FieldReading("KVP", "1250", state, 0.98, "125", "readers_differ")  # type: ignore[arg-type]
    one = read(tmp_path, shot((*accepted({"PatientID": "7"}), unsure), grey()))
    assert one.technique.KVP is None
    assert one.faults == (Fault("screen.to_check", "KVP", "readers_differ"),)


def test_a_person_has_the_last_word(tmp_path: Path) -> None:
    unsure = FieldReading("KVP", "1250", "to_check", 0.98, "125", "readers_differ")
    one = read(tmp_path, shot((unsure, *accepted({"PatientSex": "M"})), grey()), KVP="125", PatientSex="F")
    assert (one.technique.KVP, one.exam.PatientSex, one.faults) == (125.0, "F", ())
    assert set(one.provenance) == {FieldOrigin("KVP", "operator"), FieldOrigin("PatientSex", "operator")}


def test_a_person_may_say_that_nothing_is_there(tmp_path: Path) -> None:
    unsure = FieldReading("AccessionNumber", "-", "to_check", 0.5, "", "readers_differ")
    one = read(tmp_path, shot((unsure,), grey()), AccessionNumber="")
    assert one.identity.AccessionNumber is None and one.faults == ()


def test_an_empty_field_that_need_not_be_filled_asks_nobody(tmp_path: Path) -> None:
    empty = FieldReading("AccessionNumber", "", "refused", 0.0, "", "empty")
    assert read(tmp_path, shot((empty,), grey())).faults == ()
    needed = template(fields=tuple(f.model_copy(update={"required": True}) for f in template().fields))
    asked = read(tmp_path, shot((empty,), grey(), taught=needed)).faults
    assert asked == (Fault("screen.to_check", "AccessionNumber", "empty"),)


def test_a_capture_fault_is_told(tmp_path: Path) -> None:
    one = read(tmp_path, shot(accepted(TEXTS), grey(), State.CAPTURE_FAULT))
    assert Fault("screen.capture_fault") in one.faults


def test_a_keyword_taught_to_the_wrong_kind_is_left_out(tmp_path: Path) -> None:
    wrong = template(fields=tuple(f.model_copy(update={"kind": "text"}) for f in template().fields))
    one = read(tmp_path, shot(accepted({"KVP": "about 125"}), grey(), taught=wrong))
    assert one.technique.KVP is None


def test_the_equipment_comes_from_the_template(tmp_path: Path) -> None:
    taught = template(device={"Manufacturer": "Maker", "StationName": "DR1", "Nonsense": "x"})
    made_by = read(tmp_path, shot((), grey(), taught=taught)).device
    assert (made_by.Manufacturer, made_by.StationName) == ("Maker", "DR1")


def damaged() -> list[bytes]:
    whole = shot(accepted(TEXTS), grey())
    one = parse(whole)
    return [
        b"",
        whole[: len(whole) // 2],
        whole.replace(b"template.json", b"../../../x.so"),
        dump(replace(one, frames=(one.frames[0][:100],))),
        dump(replace(one, frames=(b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\xff" * 8,))),
        dump(replace(one, template=one.template.model_copy(update={"width": 1920, "height": 1080}))),
        dump(replace(one, frames=())),
    ]


@pytest.mark.parametrize("content", damaged())
def test_a_damaged_shot_is_set_aside(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SetAside) as refused:
        read(tmp_path, content)
    assert refused.value.code == "screen.unreadable"


def test_equal_shots_have_equal_bytes() -> None:
    assert shot(accepted(TEXTS), grey()) == dump(parse(shot(accepted(TEXTS), grey())))


def test_no_text_is_shown_by_repr(tmp_path: Path) -> None:
    assert "方霞" not in repr(parse(shot(accepted(TEXTS), grey())).told)
