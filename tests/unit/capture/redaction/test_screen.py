"""Screens with the real net: PP-OCR finds and reads, drawn consoles give what is to be seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from capture.redaction.answer import Bgr, Net, Redacted
from capture.redaction.cover import LEFT_KNOWN
from capture.redaction.files import redact_file
from capture.redaction.net import net_of
from capture.screen.ocr.choice import make
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.pixels import picture
from capture.screen.reading import FieldReading
from capture.screen.redact import UNKNOWN_SCREEN, redact
from capture.screen.shot import Shot, Told, dump
from capture.screen.signal import State
from capture.screen.template import Box, ScreenField, Template
from tests.factories import arrival_of
from tests.screens import CT, Capture, captured, film

_CORNER = Box(x=520, y=60, w=300, h=36)
_FACE = cv2.FontFace("sans")
IMAGE = film(4, CT.image)


@pytest.fixture(scope="module")
def net() -> Net:
    return net_of(make(ReadingSettings()))


def screen(*, name: str = "赵敏 ZHAO MIN", capture: Capture = "bgr24") -> Bgr:
    """A console that draws the patient over the image: at a taught place, and at one nobody taught."""
    shown = CT.draw(IMAGE).copy()
    for text, place in (
        (name, (_CORNER.x + 4, _CORNER.y + 26)),
        ("ID 00412788", (1250, 960)),
        ("kV 120", (1300, 90)),
    ):
        cv2.putText(shown, text, place, (255, 255, 255), _FACE, 22, 400)
    return picture(captured(shown, capture)).bgr


def taught(*fields: ScreenField) -> Template:
    whole = CT.template()
    return whole.model_copy(update={"fields": (*whole.fields, *fields)})


CORNER = ScreenField(keyword="shownName", box=_CORNER, kind="name")
KV = ScreenField(keyword="shownKVP", box=Box(x=1290, y=66, w=110, h=34), kind="number", identifying=False)
ID_TAKEN_FOR_HARMLESS = ScreenField(
    keyword="shownID", box=Box(x=1230, y=932, w=200, h=40), kind="text", identifying=False
)


def visible(answer: Redacted, box: Box) -> float:
    """Part of a box of the screen that is not black."""
    cut = answer.bgr[
        box.y - CT.image.y : box.y - CT.image.y + box.h, box.x - CT.image.x : box.x - CT.image.x + box.w
    ]
    return float((cut.max(axis=2) > 0).mean())


@pytest.mark.parametrize("capture", ["bgr24", "q70"])
def test_only_the_image_leaves_and_nobody_is_on_it(net: Net, capture: Capture) -> None:
    shown = screen(capture=capture)
    answer = redact(shown, taught(CORNER, KV), ("ZHAO^MIN", "00412788"), net)
    assert isinstance(answer, Redacted)
    assert answer.bgr.shape[:2] == (CT.image.h, CT.image.w)
    assert visible(answer, _CORNER) == 0
    assert visible(answer, Box(x=1250, y=942, w=110, h=20)) == 0, "nobody taught this place: the net"
    cut = answer.bgr[KV.box.y - CT.image.y :, KV.box.x - CT.image.x :][: KV.box.h, : KV.box.w]
    assert (cut == shown[KV.box.rows, KV.box.columns]).all(), "taught as harmless: it stays"


def test_a_name_longer_than_its_place_is_covered_to_its_end(net: Net) -> None:
    long = "ZHAO MIN VAN DER LONGNAME-SMITHSON"
    answer = redact(screen(name=long), taught(CORNER), (long,), net)
    assert isinstance(answer, Redacted)
    assert visible(answer, Box(x=_CORNER.x, y=_CORNER.y + 6, w=420, h=24)) < 0.02


def test_a_place_taught_wrongly_as_harmless_keeps_the_picture_here(net: Net) -> None:
    harmless = taught(CORNER, ID_TAKEN_FOR_HARMLESS)
    assert redact(screen(), harmless, ("00412788",), net) == LEFT_KNOWN


def test_of_an_unknown_screen_nothing_leaves(net: Net) -> None:
    assert redact(CT.other_screen(), taught(CORNER), (), net) == UNKNOWN_SCREEN
    assert redact(screen(), None, (), net) == UNKNOWN_SCREEN
    smaller = np.ascontiguousarray(screen()[:720, :1280])
    assert redact(smaller, taught(CORNER), (), net) == UNKNOWN_SCREEN


def test_what_a_shot_read_of_the_patient_is_looked_for(net: Net, tmp_path: Path) -> None:
    """The identity need not be given: both readers' texts of identifying fields are in the shot."""
    harmless = taught(CORNER, ID_TAKEN_FOR_HARMLESS)
    png = cv2.imencode(".png", screen())[1].tobytes()
    read = (FieldReading("PatientID", "", "refused", 0.2, "00412788", "empty"),)
    shot = Shot(Told("room-1", "new", "a", 0, State.OK, read), harmless, (png,))
    path = tmp_path / "shot.zip"
    path.write_bytes(dump(shot))
    assert redact_file(path, arrival_of(path), (), (), net) == LEFT_KNOWN


def test_a_screen_saved_as_png_is_compared_with_every_template(net: Net, tmp_path: Path) -> None:
    path = tmp_path / "screen.png"
    path.write_bytes(cv2.imencode(".png", screen())[1].tobytes())
    other = taught(CORNER).model_copy(update={"anchors_needed": len(CT.template().anchors), "width": 1900})
    assert redact_file(path, arrival_of(path), (other,), (), net) == UNKNOWN_SCREEN
    assert isinstance(redact_file(path, arrival_of(path), (other, taught(CORNER)), (), net), Redacted)
