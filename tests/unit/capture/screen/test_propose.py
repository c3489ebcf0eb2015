"""Proposals from two exams of a drawn console; labels; units."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from capture.screen.format import learn, value
from capture.screen.frame import Picture
from capture.screen.imagebox import image_box, moving_box
from capture.screen.labels import meaning
from capture.screen.lines import Line, paired
from capture.screen.ocr.choice import make
from capture.screen.ocr.engine import Bgr
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.propose import Proposal, propose
from capture.screen.template import Box, ScreenField
from capture.screen.tokens import plain
from capture.screen.units import convert, known
from tests.probe import Probe
from tests.screens import DR, ULTRASOUND, film


@pytest.fixture(scope="module")
def proposal() -> Proposal:
    values = {line.keyword: line.samples[1] for line in DR.lines}
    a = Picture(DR.draw(film(3), clock="10:22:01"), 0.0)
    b = Picture(DR.draw(film(4), values, clock="11:40:59"), 0.0)
    return propose(a, b, make(ReadingSettings()))


def test_every_changing_text_is_proposed_with_its_label(proposal: Proposal) -> None:
    for line in DR.lines:
        box = DR.box(line.keyword)
        (found,) = (one for one in proposal.fields if box.y < one.box.y + one.box.h / 2 < box.y + box.h)
        assert plain(found.text_a) == plain(line.samples[0])
        assert plain(found.text_b) == plain(line.samples[1])
        assert plain(found.label) == plain(line.label)
        assert found.box.x < box.x + 20
        assert found.box.x + found.box.w <= box.x + box.w


def test_names_kinds_and_ranges_come_from_the_labels(proposal: Proposal) -> None:
    found = {one.keyword: one for one in proposal.fields if one.keyword}
    assert {"PatientID", "PatientName", "PatientSex", "InstanceNumber", "KVP", "Exposure"} <= set(found)
    assert found["PatientID"].identifying
    assert found["PatientName"].kind == "name"
    assert not found["KVP"].identifying
    assert (found["KVP"].kind, found["KVP"].low, found["KVP"].high) == ("number", 10, 200)
    assert "00412788" not in repr(proposal)


_ADVANCE = 12
"""Columns of a character."""


def _exam(rows: list[str]) -> tuple[list[Line], Bgr]:
    """One row of a screen, ``text@x`` each: its lines as a detector gives them, and its ink."""
    lines, strip = [], np.full((60, 600, 3), 30, np.uint8)
    for row in rows:
        text, at = row.split("@")
        lines.append(Line(Box(x=int(at), y=10, w=_ADVANCE * len(text), h=26), " ".join(text.split())))
        for word in re.finditer(r"\S+", text):
            drawn = np.random.default_rng(list(word[0].encode())).integers(0, 2, (5, 2 * len(word[0])), np.uint8)
            ink = 30 + 200 * cv2.resize(drawn, (_ADVANCE * len(word[0]), 20), interpolation=cv2.INTER_NEAREST)
            left = int(at) + _ADVANCE * word.start()
            strip[13:33, left : left + ink.shape[1]] = ink[:, :, None]
    return lines, strip


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        # A label to the left: what both begin with is the value's, however wide the gap is.
        (["Exam@20", "KNEE   AP@200"], ["Exam@20", "KNEE   OBL@200"], ["KNEE AP", "KNEE OBL"]),
        # Found as lines of their own.
        (["View@20", "CHEST@200", "PA@275"], ["View@20", "CHEST@200", "LAT@275"], ["CHEST PA", "CHEST LAT"]),
        # A label that is known, in one line with its value.
        (["Protocol Chest@20"], ["Protocol Pelvis@20"], ["Chest", "Pelvis"]),
        (["MI 1.3@20"], ["MI 0.9@20"], ["MI 1.3", "MI 0.9"]),
        # An unknown word before a value, with a wide gap and nothing to the left.
        (["Tisch    up@20"], ["Tisch    down@20"], ["up", "down"]),
    ],
)
def test_what_begins_alike_in_both_exams(a: list[str], b: list[str], expected: list[str]) -> None:
    (lines_a, bgr_a), (lines_b, bgr_b) = _exam(a), _exam(b)
    (changed,) = (pair for pair in paired(lines_a, lines_b, bgr_a, bgr_b) if pair.changed)
    assert [plain(changed.text_a), plain(changed.text_b)] == [plain(one) for one in expected]


def test_an_image_that_looks_like_the_panel_reaches_to_its_frame() -> None:
    """White film, white panel: texture ends where the exposure was total, the film's straight edge is beyond."""
    screens = []
    for seed in (1, 2):
        rng = np.random.default_rng(seed)
        screen = np.full((540, 960, 3), 245, np.uint8)
        screen[20:520, 300:310], screen[20:520, 690:700] = 0, 0
        leg = np.clip(90 + rng.normal(0, 25, (500, 160)), 0, 255).astype(np.uint8)
        screen[20:520, 420:580] = leg[:, :, None]
        screens.append(screen)
    a, b = screens
    found = image_box(a, b, [Box(x=20, y=100, w=200, h=30)])
    assert found.x in range(298, 312) and found.x + found.w in range(688, 702)
    assert image_box(a, b, [Box(x=330, y=100, w=60, h=30)]).x >= 390, "not over a text"


def test_a_clock_is_proposed_too_and_the_engineer_drops_it(proposal: Proposal) -> None:
    assert any(one.kind == "time" and not one.keyword for one in proposal.fields)


def test_anchors_are_constant_and_spread(proposal: Proposal) -> None:
    assert len(proposal.anchors) >= 4
    shown = DR.draw(None)
    for anchor in proposal.anchors:
        assert shown[anchor.box.rows, anchor.box.columns].std() > 5
        assert not any(map(str.isdigit, anchor.text))
    assert proposal.event_mode == "exposure"


def test_the_image_box_is_where_the_image_lies(proposal: Proposal) -> None:
    assert _iou(proposal.image, DR.image) > 0.9


def test_a_moving_picture_shows_where_it_lies() -> None:
    probe = Probe(2, still=False)
    frames = [ULTRASOUND.draw(probe.next()) for _ in range(4)]
    box = moving_box(frames)
    assert box is not None
    assert _iou(box, ULTRASOUND.image) > 0.5
    assert moving_box([frames[0], frames[0]]) is None


def test_pictures_of_two_sizes_are_refused() -> None:
    small, large = (Picture(np.zeros((side, side, 3), np.uint8), 0.0) for side in (200, 300))
    with pytest.raises(ValueError, match="size"):
        propose(small, large, make(ReadingSettings()))


def test_what_was_proposed_can_be_taught(proposal: Proposal) -> None:
    for one in proposal.fields:
        texts = [text for text in (one.text_a, one.text_b) if text]
        taught = ScreenField(
            keyword=one.keyword or "x", box=one.box, kind=one.kind, format=learn(texts, one.kind), unit=one.unit
        )
        assert all(value(taught, text) is not None for text in texts)


@pytest.mark.parametrize(
    ("label", "keyword"),
    [
        ("管电压", "KVP"), ("管电压(kV)", "KVP"), ("kVp:", "KVP"), ("患者ID", "PatientID"), ("PID", "PatientID"),
        ("EI_T", "TargetExposureIndex"), ("CTDlvol", "CTDIvol"), ("性別", "PatientSex"), ("MI", "MechanicalIndex"),
        ("Rot.Time", "RevolutionTime"), ("接受", None), ("", None),
    ],
)  # fmt: skip
def test_labels_suggest_keywords(label: str, keyword: str | None) -> None:
    found = meaning(label)
    assert (found.keyword if found else None) == keyword


@pytest.mark.parametrize(
    ("keyword", "number", "unit", "expected"),
    [
        ("KVP", 81.0, "kV", 81.0),
        ("DistanceSourceToDetector", 115.0, "cm", 1150.0),
        ("ExposureTime", 0.28, "s", 280.0),
        ("RevolutionTime", 280.0, "ms", 0.28),
        ("ImageAndFluoroscopyAreaDoseProduct", 4.427, "dGy·cm²", 4.427),
        ("ImageAndFluoroscopyAreaDoseProduct", 25.0, "µGy·m²", 2.5),
        ("ImageAndFluoroscopyAreaDoseProduct", 1.5, "Gy.cm2", 15.0),
        ("CompressionForce", 10.0, "daN", 100.0),
        ("KVP", 81.0, "", 81.0),
        ("KVP", 81.0, "mA", None),
        ("gain", 54.0, "%", 54.0),
        ("ExposureIndex", 300.0, "%", None),
    ],
)
def test_units_become_dicoms(keyword: str, number: float, unit: str, expected: float | None) -> None:
    assert convert(keyword, number, unit) == expected


def test_units_are_told_from_other_texts() -> None:
    assert all(map(known, ("kV", "dGy·cm²", "%", "MHz", "毫米", "f/s")))
    assert not any(map(known, ("右", "AP", "", "READY")))


def _iou(one: Box, other: Box) -> float:
    wide = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
    high = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
    both = max(wide, 0) * max(high, 0)
    return both / (one.w * one.h + other.w * other.h - both)
