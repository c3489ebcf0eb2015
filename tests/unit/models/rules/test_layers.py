"""A later layer refines an earlier one and never takes away what a higher authority forbids."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.rules.evaluate import evaluate
from models.rules.layers import effective, scope_facts
from models.rules.schema import Scope
from models.rules.verdict import Severity
from tests.unit.models.rules.packs import (
    BLANK_CASES,
    BLANK_RULE,
    TILT_CASES,
    TILT_RULE,
    facts,
    head,
    load,
    refused,
    standard,
    write,
)

TIGHTER_CASES = """
[case."T1.tilt"]
passes = [{ chest.tilt_deg = 1.0, case.device_key = "room-2" }]
fails = [{ chest.tilt_deg = 9.0, case.device_key = "room-2" }]
"""


def override(tmp_path: Path, body: str, layer: str = "L4", scope: str = "", cases: str = "") -> Path:
    return write(tmp_path / "override", head("override", layer, scope), f"[[override]]\n{body}", cases)


def test_a_hospital_tightens_a_limit_for_one_device(tmp_path: Path) -> None:
    tighter = override(
        tmp_path,
        'rule = "T1.tilt"\nlimit = { fail_deg = 8.0 }\ndeduct = { fail = 20 }',
        layer="L5",
        scope='device_key = ["room-2"]',
        cases=TIGHTER_CASES,
    )
    rules = load(standard(tmp_path), tighter)
    [there] = evaluate(facts(chest__tilt_deg=9.0, case__device_key="room-2"), rules, {}).findings
    [elsewhere] = evaluate(facts(chest__tilt_deg=9.0, case__device_key="room-1"), rules, {}).findings
    assert (there.level, there.deduct) == ("fail", 20)
    assert [(limit.name, limit.layer, limit.pack) for limit in there.limits] == [
        ("warn_deg", "L2", "test-pack"),
        ("fail_deg", "L5", "override"),
    ]
    assert elsewhere.level == "warn"


def test_a_hospital_switches_a_rule_off(tmp_path: Path) -> None:
    rules = load(standard(tmp_path), override(tmp_path, 'rule = "T1.tilt"\nenabled = false'))
    assert evaluate(facts(chest__tilt_deg=30.0, image__blank=False), rules, {}).findings == ()


def test_a_hospital_raises_a_rule_to_a_veto_and_a_device_pack_cannot_lower_it(tmp_path: Path) -> None:
    cases = '[case."T1.tilt"]\npasses = [{ chest.tilt_deg = 1.0 }]\nvetoes = [{ chest.tilt_deg = 11.0 }]\n'
    raised = override(tmp_path, 'rule = "T1.tilt"\nseverity = "veto"', cases=cases)
    rules = load(standard(tmp_path), raised)
    [finding] = evaluate(facts(chest__tilt_deg=11.0), rules, {}).findings
    assert finding.severity is Severity.VETO
    lower = write(tmp_path / "lower", head("lower", "L5"), '[[override]]\nrule = "T1.tilt"\nseverity = "minor"')
    error = refused("pack.override.veto", standard(tmp_path), raised, lower)
    assert "L4" in error.text.en


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ('rule = "T2.blank"\nenabled = false', "veto"),
        ('rule = "T2.blank"\nseverity = "major"', "veto"),
        ('rule = "T2.blank"\ndeduct = { fail = 0 }', "veto"),
        ('rule = "T2.blank"\nlimit = { armed = false }', "veto"),
        ('rule = "T9.none"\nenabled = false', "unknown_rule"),
        ('rule = "T1.tilt"\nlimit = { other = 3.0 }', "unknown_limit"),
        ('rule = "T1.tilt"\nlimit = { fail_deg = "ten" }', "type"),
        ('rule = "T1.tilt"\nlimit = { fail_deg = 21.0 }', "bounds"),
        ('rule = "T1.tilt"\nlimit = { fail_deg = 7.0 }', "bounds"),
    ],
)
def test_what_an_override_may_not_do(tmp_path: Path, body: str, code: str) -> None:
    refused(f"pack.override.{code}", standard(tmp_path), override(tmp_path, body))


@pytest.mark.parametrize("layer", ["L1", "L2"])
def test_only_a_later_layer_overrides(tmp_path: Path, layer: str) -> None:
    refused(
        "pack.override.order", standard(tmp_path), override(tmp_path, 'rule = "T1.tilt"\nenabled = false', layer)
    )


def test_a_vetos_bounded_limit_may_move_within_its_bounds(tmp_path: Path) -> None:
    rule = TILT_RULE.replace('"major"', '"veto"')
    base = write(tmp_path / "base", head(), rule, TILT_CASES.replace("fails", "vetoes"))
    cases = '[case."T1.tilt"]\npasses = [{ chest.tilt_deg = 1.0 }]\nvetoes = [{ chest.tilt_deg = 13.0 }]\n'
    moved = override(tmp_path, 'rule = "T1.tilt"\nlimit = { fail_deg = 12.0 }', cases=cases)
    assert evaluate(facts(chest__tilt_deg=11.0), load(base, moved), {}).findings[0].level == "warn"
    refused("pack.override.bounds", base, override(tmp_path, 'rule = "T1.tilt"\nlimit = { fail_deg = 30.0 }'))


def test_a_veto_condition_protects_a_rule_too(tmp_path: Path) -> None:
    rule = TILT_RULE.replace('severity = "major"', "severity = \"major\"\nveto_when = 'image.blank'")
    cases = TILT_CASES + "vetoes = [{ chest.tilt_deg = 11.0, image.blank = true }]\n"
    base = write(tmp_path / "base", head(), rule, cases)
    refused("pack.override.veto", base, override(tmp_path, 'rule = "T1.tilt"\nenabled = false'))


def test_a_later_rule_cannot_stand_in_for_a_veto(tmp_path: Path) -> None:
    rule = TILT_RULE.replace('id = "T1.tilt"', 'id = "T5.soft"\ninstead_of = ["T2.blank"]')
    soft = write(tmp_path / "soft", head("soft", "L4"), rule, TILT_CASES.replace("T1.tilt", "T5.soft"))
    refused("pack.override.veto", standard(tmp_path), soft)
    unknown = write(
        tmp_path / "soft",
        head("soft", "L4"),
        rule.replace("T2.blank", "T7.x"),
        TILT_CASES.replace("T1.tilt", "T5.soft"),
    )
    refused("pack.override.unknown_rule", standard(tmp_path), unknown)


def test_a_personal_pack_changes_words_and_nothing_else(tmp_path: Path) -> None:
    words = """rule = "T1.tilt"
[override.text]
zh = { title = "站直", advice = "请站直" }
en = { title = "Straight", advice = "Stand straight" }
"""
    rules = load(standard(tmp_path), override(tmp_path, words, "L6", 'person_key = ["p7"]'))
    given = facts(chest__tilt_deg=30.0, case__person_key="p7")
    [finding] = evaluate(given, rules, {}).findings
    assert (finding.title.en, finding.advice.zh, finding.deduct) == ("Straight", "请站直", 10)
    refused(
        "pack.override.personal", standard(tmp_path), override(tmp_path, 'rule = "T1.tilt"\nenabled = false', "L6")
    )


@pytest.mark.parametrize(("rule", "cases"), [(TILT_RULE, TILT_CASES), (BLANK_RULE, BLANK_CASES)])
def test_a_personal_rule_may_only_inform(tmp_path: Path, rule: str, cases: str) -> None:
    refused("pack.override.personal", write(tmp_path / "p", head("own", "L6"), rule, cases))


def test_a_personal_note_is_shown(tmp_path: Path) -> None:
    rule = TILT_RULE.replace('"major"', '"info"').replace("deduct = { warn = 2, fail = 10 }", "")
    verdict = evaluate(
        facts(chest__tilt_deg=30.0), load(write(tmp_path / "p", head("own", "L6"), rule, TILT_CASES)), {}
    )
    assert (verdict.findings[0].severity, verdict.score) == (Severity.INFO, 100)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ("", True),
        ('modality = ["DX", "CR"]', True),
        ('modality = ["CT"]', False),
        ('body = ["CHEST"]\nview = ["PA"]', True),
        ('view = ["LAT"]', False),
        ('kind = ["chest_pa", "chest_ap"]', True),
        ('kind = ["chest_child"]', False),
        ('protocol = ["Thorax"]', True),
        ('protocol = ["Knee"]', False),
        ('device_key = ["room-2"]', False),
        ("age_years = { min = 18 }", True),
        ("age_years = { min = 40, max = 41 }", True),
        ("age_years = { max = 40 }", False),
    ],
)
def test_scope(tmp_path: Path, scope: str, covered: bool) -> None:
    rules = load(write(tmp_path / "p", head(scope=scope), TILT_RULE, TILT_CASES))
    given = facts(
        dicom__Modality="DX",
        body__part="CHEST",
        view__projection="PA",
        exam__kind="chest_pa",
        dicom__ProtocolName="Thorax",
        person__age_years=40.0,
        chest__tilt_deg=1.0,
    )
    assert bool(evaluate(given, rules, {}).packs) is covered


def test_a_scope_names_the_facts_that_decide_it() -> None:
    assert scope_facts(Scope()) == frozenset()
    assert scope_facts(Scope(modality=("DX",), view=("PA",))) == {"dicom.Modality", "view.projection"}


def test_an_unknown_age_never_matches_a_stated_one(tmp_path: Path) -> None:
    rules = load(write(tmp_path / "p", head(scope="age_years = { min = 0 }"), TILT_RULE, TILT_CASES))
    assert evaluate(facts(chest__tilt_deg=30.0), rules, {}).packs == ()


def test_two_device_packs_for_two_protocols_refine_one_rule(tmp_path: Path) -> None:
    packs = []
    for name, limit in (("Thorax", 9.0), ("Knee", 15.0)):
        cases = f"""
[base]
dicom = {{ ProtocolName = "{name}" }}
[case."T1.tilt"]
passes = [{{ chest.tilt_deg = 1.0 }}]
fails = [{{ chest.tilt_deg = {limit + 1} }}]
"""
        body = f'[[override]]\nrule = "T1.tilt"\nlimit = {{ fail_deg = {limit} }}'
        own = name.lower()
        packs.append(write(tmp_path / own, head(own, "L5", f'protocol = ["{name}"]'), body, cases))
    rules = load(standard(tmp_path), *packs)
    levels = [
        evaluate(facts(chest__tilt_deg=9.5, dicom__ProtocolName=name), rules, {}).findings[0].level
        for name in ("Thorax", "Knee", "Hand")
    ]
    assert levels == ["fail", "warn", "warn"]


def test_a_rule_that_is_off_judges_nothing_until_a_later_layer_switches_it_on(tmp_path: Path) -> None:
    path = standard(tmp_path)
    text = (path / "rules.toml").read_text("utf-8")
    (path / "rules.toml").write_text(text.replace('id = "T1.tilt"', 'id = "T1.tilt"\nenabled = false', 1), "utf-8")
    assert not effective(load(path).packs[0].rules[0], ()).enabled
    rules = load(path, override(tmp_path, 'rule = "T1.tilt"\nenabled = true'))
    later = rules.packs[-1]
    assert effective(rules.packs[0].rules[0], [(later, later.overrides[0])]).enabled
