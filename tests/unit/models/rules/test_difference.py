"""What changed between two versions of a pack, in words."""

from __future__ import annotations

import tomllib
from pathlib import Path

from models.rules import difference
from models.rules.difference import head_changes, override_changes, rule_changes
from models.rules.schema import Ages, PackFile, RulesFile

PACK = Path(difference.__file__).parent / "packs" / "radiography-chest-pa"
RULES = (PACK / "rules.toml").read_text("utf-8")


def rules(text: str) -> RulesFile:
    return RulesFile.model_validate(tomllib.loads(text))


def test_a_limit_its_bounds_a_text_and_a_condition_are_named_with_before_and_after() -> None:
    text = RULES.replace("{ value = 0.50, min = 0.25, max = 1.0 }", "{ value = 0.45, min = 0.25, max = 1.0 }")
    text = text.replace('title = "Rotated"', 'title = "Turned"')
    text = text.replace("chest.rotation_ratio > limit.fail_ratio", "chest.rotation_ratio  >= limit.fail_ratio")
    [found] = rule_changes(rules(RULES).rule, rules(text).rule)
    assert (found.rule, found.kind, found.title.en) == ("PA03.rotation", "changed", "Turned")
    said = {change.what.en: (change.before.en, change.after.en) for change in found.changes}
    assert said == {
        "Limit warn_ratio": ("0.5 (may be set in [0.25, 1])", "0.45 (may be set in [0.25, 1])"),
        "Title (English)": ("Rotated", "Turned"),
        "Fails when": ("chest.rotation_ratio > limit.fail_ratio", "chest.rotation_ratio >= limit.fail_ratio"),
    }
    assert found.changes[0].what.zh == "限值 warn_ratio"


def test_another_line_break_or_comment_is_no_change_of_a_condition() -> None:
    text = "# note\n" + RULES.replace("fails = 'chest.rotation_ratio > ", "fails = '''\nchest.rotation_ratio >\n ")
    text = text.replace(">\n limit.fail_ratio'", ">\n limit.fail_ratio\n'''")
    assert rules(text) != rules(RULES)
    assert rule_changes(rules(RULES).rule, rules(text).rule) == ()


def test_rules_that_come_and_go_are_told_whole() -> None:
    one, other = rules(RULES).rule[:2]
    came, went = rule_changes([one], [other])
    assert (came.rule, came.kind, went.rule, went.kind) == (other.id, "added", one.id, "removed")
    assert all(change.before.en == "" for change in came.changes)
    assert all(change.after.en == "" for change in went.changes)


def test_overrides_and_the_head_are_compared_too() -> None:
    off = rules('[[override]]\nrule = "PA03.rotation"\nenabled = false\n').override
    tighter = rules(
        '[[override]]\nrule = "PA03.rotation"\nseverity = "minor"\nlimit = { warn_ratio = 0.4 }\n'
    ).override
    [found] = override_changes(off, tighter)
    assert [change.what.en for change in found.changes] == ["Limit warn_ratio", "Severity", "State"]
    milder = rules(
        '[[override]]\nrule = "PA03.rotation"\ndeduct = { warn = 2, fail = 5 }\n'
        'limit = { strict = true, name = "x" }\n'
        'text = { zh = { title = "偏", advice = "重拍" }, en = { title = "Turned", advice = "Repeat" } }\n'
    ).override
    [found] = override_changes((), milder)
    said = {change.what.en: change.after.en for change in found.changes}
    assert (said["Points"], said["Limit name"]) == ("2 / 5", "x")
    assert (said["Limit strict"], said["Title (English)"], said["Advice (Chinese)"]) == ("true", "Turned", "重拍")
    head = PackFile.model_validate(tomllib.loads((PACK / "pack.toml").read_text("utf-8")))
    scope = head.scope.model_copy(update={"modality": ("CR",), "age_years": Ages(min=3)})
    [change] = head_changes(head, head.model_copy(update={"version": 9, "scope": scope}))
    assert change.after.en.startswith("modality: CR;")
    assert "age_years: min 3" in change.after.en
