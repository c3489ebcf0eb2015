"""DICOM pictures on their way out: cut to what the device declares, or kept when nobody taught where text is."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from capture.redaction.answer import Redacted
from capture.redaction.files import redact_file
from capture.redaction.objects import BURNED_IN, NO_PICTURE
from capture.redaction.written import png, secondary_capture
from tests.factories import SENTINEL, SENTINEL_ID, arrival_of, changed, ct_dose_report, dx, sc, us, write
from tests.unit.capture.redaction.nets import Drawn, blank, ink


def region(left: int, top: int, right: int, bottom: int) -> Dataset:
    item = Dataset()
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    return item


def answer_of(folder: Path, drawn: Drawn, made: Dataset) -> object:
    path = write(made, folder / "one.dcm")
    return redact_file(path, arrival_of(path), (), (), drawn.net)


def frame(drawn: Drawn) -> Dataset:
    return us(np.ascontiguousarray(drawn.bgr[:, :, ::-1]))


def test_ultrasound_is_cut_to_its_regions_and_text_inside_is_covered(tmp_path: Path) -> None:
    drawn = blank()
    name = drawn.write(SENTINEL.replace("^", " "), 20, 10)
    inside = drawn.write("Depth 12 cm", 200, 200)
    across = drawn.write("2026-11-22", 100, 88)
    made = frame(drawn)
    made.SequenceOfUltrasoundRegions = [region(100, 100, 539, 399), region(5, 5, 4, 4)]
    answer = answer_of(tmp_path, drawn, made)
    assert isinstance(answer, Redacted)
    assert all(ink(answer.bgr, drawn.bgr, line) == 0 for line in (name, inside, across))
    assert (answer.bgr[:100] == 0).all() and (answer.bgr[400:] == 0).all()
    assert (answer.bgr[300:390, 110:530] == 60).all()


@pytest.mark.parametrize(
    "regions",
    [[], [region(0, 0, 639, 479)], [region(900, 900, 1000, 1000)]],
    ids=["none", "the whole frame", "outside of it"],
)
def test_ultrasound_without_regions_that_tell_stays(tmp_path: Path, regions: list[Dataset]) -> None:
    drawn = blank()
    made = frame(drawn)
    made.SequenceOfUltrasoundRegions = regions
    made.BurnedInAnnotation = "NO"
    assert answer_of(tmp_path, drawn, made) == BURNED_IN


def film(drawn: Drawn, burned_in: str | None = None) -> Dataset:
    grey = cv2.cvtColor(drawn.bgr, cv2.COLOR_BGR2GRAY).astype(np.uint16) * 16
    made = dx(grey, WindowCenter=2048, WindowWidth=4096, PhotometricInterpretation="MONOCHROME2")
    return changed(made, {"BurnedInAnnotation": burned_in})


def test_a_film_leaves_with_its_side_marker_covered(tmp_path: Path) -> None:
    drawn = blank()
    marker = drawn.write("L", 560, 20, scale=1.5)
    answer = answer_of(tmp_path, drawn, film(drawn))
    assert isinstance(answer, Redacted) and answer.bgr.shape == (480, 640, 3)
    assert ink(answer.bgr, drawn.bgr, marker) == 0 and len(answer.covered) == 1


def test_a_film_that_is_written_on_stays(tmp_path: Path) -> None:
    drawn = blank()
    drawn.write("ZHAO MIN", 20, 20)
    assert answer_of(tmp_path, drawn, film(drawn, "NO")) == BURNED_IN


def test_burned_in_and_nothing_found_stays(tmp_path: Path) -> None:
    """The net has missed what the device says is there."""
    drawn = blank()
    assert answer_of(tmp_path, drawn, film(drawn, "YES")) == BURNED_IN
    assert answer_of(tmp_path, drawn, sc(np.ascontiguousarray(drawn.bgr))) == BURNED_IN


def test_an_object_without_a_picture_stays(tmp_path: Path) -> None:
    assert answer_of(tmp_path, blank(), ct_dose_report()) == NO_PICTURE


def test_a_new_object_has_nothing_of_the_old_one(tmp_path: Path) -> None:
    drawn = blank(64, 49)
    answer = Redacted(drawn.bgr, ())
    made = dcmread(io.BytesIO(secondary_capture(answer)))
    assert (made.pixel_array[:, :, ::-1] == drawn.bgr).all()
    assert made.PatientName == "" and made.PatientID == "" and made.BurnedInAnnotation == "NO"
    assert secondary_capture(answer) != secondary_capture(answer), "its UIDs are its own"
    decoded = cv2.imdecode(np.frombuffer(png(answer), np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None and (decoded == drawn.bgr).all()


def test_nothing_of_the_header_is_in_what_is_written(tmp_path: Path) -> None:
    drawn = blank()
    answer = answer_of(tmp_path, drawn, film(drawn))
    assert isinstance(answer, Redacted)
    for written in (png(answer), secondary_capture(answer)):
        assert SENTINEL.encode() not in written and SENTINEL_ID.encode() not in written
