"""A replay comes to what the box itself would have said, from nothing but the message of the box."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from cloud_sync.central.authoring.checking import check
from cloud_sync.central.authoring.replay import JUDGED_OTHERWISE, Replayed, Trial
from cloud_sync.central.authoring.report import REPORT, Tally
from cloud_sync.wire.messages import ResultData
from models.catalogue import catalogue
from models.measurement import Measurement, Measurements
from models.rules.evaluate import evaluate
from models.rules.pack import RulePack
from models.rules.schema import flat
from tests.unit.cloud_sync.central.authoring.stage import PA, factory, film, films, measured, ruleset, told

ROTATION = ("{ value = 0.50, min = 0.25, max = 1.0 }", "{ value = 0.30, min = 0.25, max = 1.0 }")


def draft(*changes: tuple[str, str], name: str = PA) -> RulePack:
    """A pack that ships with some of its text changed."""
    packs, texts = factory()
    text = texts[name]
    for old, new in changes:
        assert old in text.rules
        text = replace(text, rules=text.rules.replace(old, new))
    pack = check(text, packs).pack
    assert pack is not None
    return pack


def said(facts: Measurements) -> ResultData:
    return told(facts, evaluate(facts, ruleset(factory()[0]), {}))


def tried(facts: Measurements, changed: RulePack) -> Replayed:
    found = Trial(factory()[0], changed).judge(said(facts))
    assert found is not None
    return found


def test_a_tighter_limit_gains_a_finding_and_moves_the_score() -> None:
    found = tried(film(chest__rotation_ratio=0.4), draft(ROTATION))
    assert [one.rule for one in found.gained] == ["PA03.rotation"]
    assert found.lost == () and found.uncertain == ()
    assert found.before.score is not None and found.after.score == found.before.score - 5


def test_other_words_of_a_rule_change_no_verdict() -> None:
    found = tried(film(chest__rotation_ratio=0.6), draft(('title = "Rotated"', 'title = "Turned"')))
    assert found.before == found.after and found.gained == ()


@pytest.mark.parametrize("name", ["dicom-header", "radiography-general", "ct-chest", "study"])
def test_the_packs_in_force_change_nothing(name: str) -> None:
    """Every case of a pack as a result: replayed with the same pack, each is what it was, and exactly so."""
    trial = Trial(factory()[0], draft(name=name))
    for facts in cases(name):
        found = trial.judge(said(facts))
        assert found is None or (found.before == found.after and found.uncertain == ())


@pytest.mark.parametrize(
    "change",
    [
        ROTATION,
        ('id = "PA03.rotation"', 'id = "PA03.rotation"\nenabled = false'),
        ('instead_of = ["PA05.inspiration_shape"]\n', ""),
        ("chest.posterior_ribs <= limit.fail_ribs", "chest.posterior_ribs <= limit.warn_ribs"),
        (
            'severity = "major"\ndeduct = { warn = 5, fail = 10 }',
            'severity = "veto"\ndeduct = { warn = 9, fail = 10 }',
        ),
    ],
)
def test_a_replay_says_what_the_box_would_have_said(change: tuple[str, str]) -> None:
    """Against the truth: all facts of the image, judged by the packs with the draft among them."""
    changed = draft(change)
    after = ruleset([changed if pack.name == PA else pack for pack in factory()[0]])
    trial, exact = Trial(factory()[0], changed), 0
    for facts, message in messages_of_cases():
        found, truth = trial.judge(message), evaluate(facts, after, {})
        if found is None or found.uncertain:
            continue
        exact += 1
        assert (found.after.grade, found.after.score) == (truth.grade or "", truth.score)
        assert {one.rule for one in found.after.findings} == {one.rule_id for one in truth.findings}
    assert exact > 100


def test_another_image_is_beside_the_point() -> None:
    lateral = measured({"dicom.Modality": "CT", "exam.kind": "ct_chest"})
    assert Trial(factory()[0], draft(ROTATION)).judge(said(lateral)) is None


def test_a_fact_that_stays_at_the_site_is_named() -> None:
    """No message has a text of the header that may name anybody."""
    changed = draft(
        ("fails = 'chest.rotation_ratio > limit.fail_ratio'", "fails = 'dicom.StudyDescription == \"x\"'")
    )
    assert not catalogue()["dicom.StudyDescription"].leaves_site
    assert tried(film(chest__rotation_ratio=0.4), changed).uncertain == ("dicom.StudyDescription",)


def test_a_verdict_by_other_rules_is_not_called_exact() -> None:
    """The site had loosened the limit for itself: the box said nothing of this rotation."""
    facts = film(chest__rotation_ratio=0.9)
    own = ruleset([draft(ROTATION, ("value = 0.80", "value = 1.9"), ("value = 0.30", "value = 1.0"))])
    found = Trial(factory()[0], draft(ROTATION)).judge(told(facts, evaluate(facts, own, {})))
    assert found is not None and found.uncertain == (JUDGED_OTHERWISE,)


def test_a_verdict_of_another_version_is_compared_with_the_version_in_force() -> None:
    """The box judged by an older version that did not warn: in force and draft are compared, not the old one."""
    facts = film(chest__rotation_ratio=0.6)
    older = replace(draft(ROTATION, ("value = 0.30", "value = 1.0")), version=1)
    message = told(facts, evaluate(facts, ruleset([older if one.name == PA else one for one in factory()[0]]), {}))
    assert message.findings == ()
    found = Trial(factory()[0], draft(('id = "PA03.rotation"', 'id = "PA03.rotation"\nenabled = false'))).judge(
        message
    )
    assert found is not None and found.uncertain == ()
    assert [one.rule for one in found.lost] == ["PA03.rotation"] and found.before.score == 95


def test_a_doubted_fact_is_not_used() -> None:
    facts = film(chest__rotation_ratio=0.4)
    doubted = Measurements(
        replace(one, confidence=0.3)
        if isinstance(one, Measurement) and one.name == "chest.rotation_ratio"
        else one
        for one in facts
    )
    found = tried(doubted, draft(ROTATION))
    assert found.gained == () and found.uncertain == ()


def test_a_report_counts_and_survives_json() -> None:
    trial, tally = Trial(factory()[0], draft(ROTATION)), Tally()
    ratios = (0.1, 0.2, 0.35, 0.4, 0.6, 0.9)
    for number, ratio in enumerate(ratios, 1):
        tally.add(number, "box-a", number, trial.judge(said(film(chest__rotation_ratio=ratio))))
    tally.add(9, "box-a", 9, None)
    report = REPORT.validate_json(REPORT.dump_json(tally.report()))
    assert (report.read, report.beside, report.exact, report.in_part) == (7, 1, 6, 0)
    assert report.changed == 2
    [rotation] = report.rules
    assert (rotation.rule, rotation.before, rotation.after, rotation.gained, rotation.lost) == (
        "PA03.rotation",
        2,
        4,
        2,
        0,
    )
    assert {one.event_id for one in report.examples} == {3, 4}
    assert list(report.alert_rates) == pytest.approx([100 / 6, 100 / 6])
    assert sum(report.before.values()) == sum(report.after.values()) == 6


@cache
def messages_of_cases() -> list[tuple[Measurements, ResultData]]:
    """Every case of the PA pack and some films, each with what the box says of it."""
    return [(facts, said(facts)) for facts in (*cases(PA), *films(20))]


def cases(name: str) -> list[Measurements]:
    """The facts of every case of a pack, as images."""
    pack = next(one for one in factory()[0] if one.name == name)
    found = []
    for spec in pack.cases.case.values():
        for facts in (*spec.passes, *spec.warns, *spec.fails, *spec.vetoes, *spec.not_assessed, *spec.skips):
            values = flat(pack.cases.base) | flat(spec.base) | flat(facts)
            found.append(measured({key: value for key, value in values.items() if key in catalogue()}))
    return found
