"""What a picture of a screen may be judged by."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from capture.acquisition import Acquisition, Fault
from models.circumstances import Circumstances
from models.content import drafts
from models.judge import Content, Judgement, judge
from models.measurement import Measurement, NotMeasured, Reason
from models.rules.verdict import Grade, Severity
from tests.unit.models.image.phantoms import acquisition, torso


@cache
def content() -> Content:
    return drafts.content()


def judged(one: Acquisition) -> Judgement:
    return judge(one, content(), Circumstances(received_at=1_700_000_000_000))


def screen(*faults: Fault) -> Acquisition:
    return acquisition(torso(), medium="screen", faults=faults)


def test_what_a_screen_does_not_show_is_not_missing() -> None:
    as_object, as_screen = judged(acquisition(torso())).verdict, judged(screen()).verdict
    missing = {found.rule_id for found in as_object.findings if found.rule_id.endswith("_missing")}
    assert missing, "the object lacks nearly everything"
    assert not {found.rule_id for found in as_screen.findings} & missing
    lacking = {rule.rule_id: rule.missing for rule in as_screen.not_assessed}
    assert lacking["HD01.patient_id_missing"][0].reason is Reason.NOT_ON_SCREEN


def test_what_only_an_object_has_is_beside_the_point() -> None:
    listed = {rule.rule_id for rule in judged(screen()).verdict.not_assessed}
    assert not {name for name in listed if name.startswith(("HD13.uid_wrong", "HD15", "HD16", "HD19", "HD22"))}


@pytest.mark.parametrize("name", ["noise.two_scale_sigma", "clipping.bright_percent", "artefact.dead_line_count"])
def test_greys_of_a_screen_are_not_measured(name: str) -> None:
    assert isinstance(judged(acquisition(torso())).measurements.get(name), Measurement)
    assert isinstance(judged(screen()).measurements.get(name), NotMeasured)


def test_shapes_are() -> None:
    assert isinstance(judged(screen()).measurements.get("exam.kind"), Measurement | NotMeasured)
    assert judged(screen()).measurements.value("screen.medium") == "screen"


def test_a_capture_fault_is_no_bad_image() -> None:
    spoilt = judged(screen(Fault("screen.capture_fault")))
    assert "SC01.capture_fault" in {found.rule_id for found in spoilt.verdict.findings}
    assert spoilt.verdict.score == 100.0
    for fact in spoilt.measurements:
        if fact.name.startswith(("chest.", "field.", "pixels.")):
            assert isinstance(fact, NotMeasured), fact.name


def test_fields_to_check_are_counted() -> None:
    one = judged(
        screen(Fault("screen.to_check", "KVP", "format"), Fault("screen.to_check", "PatientID", "format"))
    )
    assert one.measurements.value("screen.to_check") == 2.0
    found = next(one for one in one.verdict.findings if one.rule_id == "SC02.fields_to_check")
    assert found.deduct == 0 and "2" in found.advice.en


def test_no_screen_condemns_an_image() -> None:
    """A test patient's name is a veto on an object."""
    one = acquisition(torso())
    named = replace(one, identity=replace(one.identity, PatientName="QC^TEST", PatientID="1"))
    assert judged(named).verdict.grade is Grade.FEI
    verdict = judged(replace(named, medium="screen")).verdict
    assert verdict.grade is not Grade.FEI
    assert Severity.VETO not in {found.severity for found in verdict.findings}


def test_objects_are_left_alone() -> None:
    assert isinstance(judged(acquisition(torso())).measurements.get("screen.medium"), NotMeasured)
    assert "screen" not in {pack.name for pack in judged(acquisition(torso())).verdict.packs}
