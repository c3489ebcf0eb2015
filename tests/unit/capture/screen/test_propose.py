"""Proposals from two exams of a drawn console; labels; units."""

from __future__ import annotations

import numpy as np
import pytest

from capture.screen.format import learn, value
from capture.screen.frame import Picture
from capture.screen.imagebox import moving_box
from capture.screen.labels import meaning
from capture.screen.ocr.choice import make
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


def test_a_clock_is_proposed_too_and_the_engineer_drops_it(proposal: Proposal) -> None:
    assert any(one.kind == "time" and not one.keyword for one in proposal.fields)


def test_anchors_are_constant_and_spread(proposal: Proposal) -> None:
    assert len(proposal.anchors) >= 4
    shown = DR.draw(None)
    for anchor in proposal.anchors:
        assert shown[anchor.box.rows, anchor.box.columns].std() > 5
        assert not any(map(str.isdigit, anchor.text))
    assert proposal.event_mode == "exposure"
    assert proposal.levels.white > proposal.levels.black


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
