"""Measurements to a verdict."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from models.measurement import Measurement, Measurements, NotMeasured, Reason, Region
from models.rules.evaluate import evaluate
from models.rules.pack import RuleSet
from models.rules.verdict import Grade, Severity
from tests.unit.models.rules.packs import (
    BLANK_CASES,
    BLANK_RULE,
    TILT_CASES,
    TILT_RULE,
    facts,
    head,
    load,
    standard,
    write,
)


def test_a_good_image_passes_everything(tmp_path: Path) -> None:
    verdict = evaluate(facts(chest__tilt_deg=1.0, image__blank=False), load(standard(tmp_path)), {"noise/1": 2.0})
    assert (verdict.grade, verdict.score) == (Grade.JIA, 100)
    assert verdict.passed == ("T1.tilt", "T2.blank")
    assert [timing.stage for timing in verdict.timings] == ["noise/1", "rules"]
    assert [(pack.name, pack.version, len(pack.sha256)) for pack in verdict.packs] == [("test-pack", 3, 64)]


def test_a_failure_carries_all_that_explains_it(tmp_path: Path) -> None:
    region = Region(0.1, 0.2, 0.3, 0.4)
    tilt = Measurement("chest.tilt_deg", 11.0, "deg", "chest/1", regions=(region,))
    [finding] = evaluate(Measurements([tilt]), load(standard(tmp_path)), {}).findings
    assert (finding.rule_id, finding.level, finding.severity) == ("T1.tilt", "fail", Severity.MAJOR)
    assert (finding.group, finding.deduct, finding.codes) == ("position", 10, ("111209",))
    assert finding.evidence == (tilt,) and finding.regions == (region,)
    assert [(limit.name, limit.value, limit.layer, limit.pack) for limit in finding.limits] == [
        ("warn_deg", 5.0, "L2", "test-pack"),
        ("fail_deg", 10.0, "L2", "test-pack"),
    ]
    assert (finding.layer, finding.pack, finding.source, finding.evidence_label) == (
        "L2",
        "test-pack",
        "a textbook",
        "mem",
    )
    assert finding.title.zh == "身体倾斜"
    assert finding.advice.en == "Tilted by 11°, limit 10, gap unknown"


def test_what_was_decided_of_the_image_before_has_no_say(tmp_path: Path) -> None:
    rules = load(standard(tmp_path))
    unsure = Measurements([Measurement("chest.tilt_deg", 11.0, confidence=0.1)])
    images = [
        facts(chest__tilt_deg=11.0, image__blank=False), facts(chest__tilt_deg=1.0, image__blank=False), unsure,
        facts(chest__tilt_deg=1.0, image__blank=True), facts(image__blank=True), facts(),
        facts(chest__tilt_deg=6.0, chest__gap_mm=2.0), facts(chest__tilt_deg=6.0, chest__gap_mm=3.0),
    ]  # fmt: skip
    for image in (*images, *reversed(images), *images[::3]):
        again, alone = (replace(evaluate(image, one, {}), timings=()) for one in (rules, load(standard(tmp_path))))
        assert again == alone


def test_a_warning_weighs_at_most_minor(tmp_path: Path) -> None:
    verdict = evaluate(facts(chest__tilt_deg=6.0, image__blank=False), load(standard(tmp_path)), {})
    [finding] = verdict.findings
    assert (finding.level, finding.severity, finding.deduct) == ("warn", Severity.MINOR, 2)
    assert (verdict.grade, verdict.score) == (Grade.JIA, 98)


def test_a_warning_that_takes_no_points_only_informs(tmp_path: Path) -> None:
    rule = TILT_RULE.replace("deduct = { warn = 2, fail = 10 }", "deduct = { fail = 10 }")
    rules = load(write(tmp_path / "p", head(), rule, TILT_CASES))
    [finding] = evaluate(facts(chest__tilt_deg=6.0), rules, {}).findings
    assert (finding.level, finding.severity, finding.deduct) == ("warn", Severity.INFO, 0)


def test_an_informing_rule_stays_informing_when_it_warns(tmp_path: Path) -> None:
    rule = TILT_RULE.replace('"major"', '"info"').replace("deduct = { warn = 2, fail = 10 }", "")
    rules = load(write(tmp_path / "p", head(), rule, TILT_CASES))
    [finding] = evaluate(facts(chest__tilt_deg=6.0), rules, {}).findings
    assert (finding.severity, finding.deduct) == (Severity.INFO, 0)


def test_a_veto_makes_the_last_grade(tmp_path: Path) -> None:
    verdict = evaluate(facts(chest__tilt_deg=1.0, image__blank=True), load(standard(tmp_path)), {})
    assert (verdict.grade, verdict.findings[0].severity) == (Grade.FEI, Severity.VETO)


def test_missing_is_not_assessed_with_its_reason_and_costs_nothing(tmp_path: Path) -> None:
    missing = NotMeasured("chest.tilt_deg", Reason.NO_MODEL, "chest-anatomy")
    verdict = evaluate(facts(image__blank=False).plus([missing]), load(standard(tmp_path)), {})
    [item] = verdict.not_assessed
    assert (item.rule_id, item.title.en, item.missing) == ("T1.tilt", "Tilted", (missing,))
    assert (verdict.grade, verdict.score) == (Grade.JIA, 100)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_missing(tmp_path: Path, value: float) -> None:
    [item] = evaluate(facts(chest__tilt_deg=value, image__blank=False), load(standard(tmp_path)), {}).not_assessed
    assert item.missing == (NotMeasured("chest.tilt_deg", Reason.FAILED, "the rule could not use its value"),)


@pytest.mark.parametrize(("sure", "assessed"), [(0.5, False), (0.6, True)])
def test_a_doubtful_fact_is_not_used(tmp_path: Path, sure: float, assessed: bool) -> None:
    tilt = Measurement("chest.tilt_deg", 11.0, "deg", "chest/1", confidence=sure)
    verdict = evaluate(facts(image__blank=False).plus([tilt]), load(standard(tmp_path)), {})
    assert [finding.rule_id for finding in verdict.findings] == (["T1.tilt"] if assessed else [])
    reasons = [(fact.reason, fact.detail) for item in verdict.not_assessed for fact in item.missing]
    assert reasons == ([] if assessed else [(Reason.NOT_RELIABLE, "confidence 50%")])


def test_a_fact_that_this_image_cannot_have_is_beside_the_point(tmp_path: Path) -> None:
    cannot = NotMeasured("chest.tilt_deg", Reason.NOT_APPLICABLE)
    verdict = evaluate(facts(image__blank=False).plus([cannot]), load(standard(tmp_path)), {})
    assert verdict.not_assessed == () and verdict.passed == ("T2.blank",)


def test_nothing_decided_is_not_a_pass(tmp_path: Path) -> None:
    verdict = evaluate(Measurements(), load(standard(tmp_path)), {})
    assert (verdict.grade, verdict.score, len(verdict.not_assessed)) == (None, None, 2)


def test_no_pack_covers_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "p", head(scope='modality = ["CT"]'), TILT_RULE, TILT_CASES)
    verdict = evaluate(facts(dicom__Modality="MR", chest__tilt_deg=30.0), load(folder), {})
    assert (verdict.grade, verdict.score, verdict.packs, verdict.findings) == (None, None, (), ())


def test_the_packs_condition_holds_for_every_rule(tmp_path: Path) -> None:
    folder = write(
        tmp_path / "p",
        head(more="when = '!image.blank'"),
        TILT_RULE,
        "[base]\nimage = { blank = false }\n" + TILT_CASES,
    )
    rules = load(folder)
    assert evaluate(facts(image__blank=True, chest__tilt_deg=30.0), rules, {}).findings == ()
    [item] = evaluate(facts(chest__tilt_deg=30.0), rules, {}).not_assessed
    assert [fact.name for fact in item.missing] == ["image.blank"]
    assert len(evaluate(facts(image__blank=False, chest__tilt_deg=30.0), rules, {}).findings) == 1


def test_absent_is_what_the_header_does_not_say(tmp_path: Path) -> None:
    rule = BLANK_RULE.replace("image.blank && limit.armed", "absent.dicom.ImageType && limit.armed")
    cases = """
[case."T2.blank"]
passes = [{ dicom.ImageType = ["ORIGINAL"] }]
vetoes = [{ absent.dicom.ImageType = true }]
not_assessed = [{}]
"""
    rules = load(write(tmp_path / "p", head(), rule, cases))
    said = evaluate(facts(dicom__ImageType=("ORIGINAL",)), rules, {})
    silent = evaluate(Measurements([NotMeasured("dicom.ImageType", Reason.NOT_IN_HEADER)]), rules, {})
    wrong = evaluate(Measurements([NotMeasured("dicom.ImageType", Reason.INVALID_IN_HEADER)]), rules, {})
    assert (said.grade, silent.grade, wrong.grade) == (Grade.JIA, Grade.FEI, None)
    assert wrong.not_assessed[0].missing[0].name == "dicom.ImageType"


def test_a_special_rule_stands_in_for_a_general_one(tmp_path: Path) -> None:
    """It counts once; where the special rule cannot be decided, the general one speaks."""
    special = BLANK_RULE.replace('id = "T2.blank"', 'id = "T3.gap"\ninstead_of = ["T1.tilt"]')
    special = special.replace("image.blank && limit.armed", "chest.gap_mm > 1.0 && limit.armed")
    cases = """
[case."T3.gap"]
passes = [{ chest.gap_mm = 0.0 }]
vetoes = [{ chest.gap_mm = 2.0 }]
not_assessed = [{}]
"""
    rules = load(write(tmp_path / "p", head(), TILT_RULE + special, TILT_CASES + cases))
    both = evaluate(facts(chest__gap_mm=2.0, chest__tilt_deg=30.0), rules, {})
    assert [finding.rule_id for finding in both.findings] == ["T3.gap"]
    general = evaluate(facts(chest__tilt_deg=30.0), rules, {})
    assert [finding.rule_id for finding in general.findings] == ["T1.tilt"]
    neither = evaluate(facts(image__blank=False), rules, {})
    assert [item.rule_id for item in neither.not_assessed] == ["T3.gap"]


def test_a_veto_condition_raises_a_failure(tmp_path: Path) -> None:
    rule = TILT_RULE.replace('severity = "major"', "severity = \"major\"\nveto_when = 'chest.gap_mm > 9.0'")
    cases = TILT_CASES + "vetoes = [{ chest.tilt_deg = 11.0, chest.gap_mm = 10.0 }]\n"
    rules = load(write(tmp_path / "p", head(), rule, cases))
    outcomes = [
        evaluate(facts(chest__tilt_deg=11.0, **more), rules, {}).findings[0].severity
        for more in ({"chest__gap_mm": 10.0}, {"chest__gap_mm": 1.0}, {})
    ]
    assert outcomes == [Severity.VETO, Severity.MAJOR, Severity.MAJOR]


def test_the_same_facts_give_the_same_verdict(tmp_path: Path) -> None:
    rules = load(write(tmp_path / "p", head(), TILT_RULE + BLANK_RULE, TILT_CASES + BLANK_CASES))
    given = facts(chest__tilt_deg=6.0, image__blank=True)
    first, second = evaluate(given, rules, {}), evaluate(given, rules, {})
    assert (first.findings, first.grade, first.score) == (second.findings, second.grade, second.score)


def test_what_a_rule_remembers_is_what_it_would_say(tmp_path: Path) -> None:
    """More values than it keeps, each twice; and values that Python takes for equal."""
    rules = load(standard(tmp_path))
    tilts: list[bool | float | str] = [*(number / 5 for number in range(70)), True, 1.0, 0.0, -0.0, "1.0"]
    for tilt in [*tilts, *reversed(tilts)]:
        for blank in (False, 0.0):
            given = facts(chest__tilt_deg=tilt, image__blank=blank)
            said, anew = evaluate(given, rules, {}), evaluate(given, _without_memory(rules), {})
            assert replace(said, timings=()) == replace(anew, timings=())


def _without_memory(rules: RuleSet) -> RuleSet:
    packs = (replace(pack, rules=tuple(replace(rule) for rule in pack.rules)) for pack in rules.packs)
    return replace(rules, packs=tuple(packs))
