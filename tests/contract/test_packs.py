"""The packs that ship: complete, bilingual, sourced, and slow to condemn."""

from __future__ import annotations

import re
from functools import cache

import pytest

from models import site
from models.catalogue import catalogue
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import discover, pending
from models.rules.evaluate import evaluate
from models.rules.pack import RuleSet, load_builtin
from models.rules.rule import Rule
from models.rules.schema import ABSENT
from models.rules.verdict import Severity

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ITEMS = (
    [f"HD{n:02}" for n in range(1, 24)]
    + [f"PA{n:02}" for n in range(1, 21)]
    + ["CC12", "CC13", "CC14", "CC15", "CC16", "CH09", "CH11", "CH12", "MB10", "MB11", "MB14"]
)
"""Items of image-qc.md, section 6, that one object can decide, now or once a model is there."""


@cache
def builtin() -> RuleSet:
    return load_builtin()


def rules() -> list[Rule]:
    return [rule for pack in builtin().packs for rule in pack.rules]


def test_the_five_packs_ship() -> None:
    assert {pack.name for pack in builtin().packs} == {
        "dicom-header",
        "radiography-chest-pa",
        "radiography-general",
        "ct-header-dose",
        "mr-header",
    }


@pytest.mark.parametrize("item", ITEMS)
def test_every_item_of_the_design_has_a_rule(item: str) -> None:
    assert any(rule.spec.id.startswith(item + ".") for rule in rules())


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.spec.id)
def test_every_rule_speaks_both_languages_and_advises(rule: Rule) -> None:
    zh, en = rule.spec.text.zh, rule.spec.text.en
    assert CHINESE.search(zh.title) and CHINESE.search(zh.advice)
    assert not CHINESE.search(en.title + en.advice)
    assert zh.advice.endswith("。") and en.advice.endswith(".")


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.spec.id)
def test_every_limit_is_used_and_every_source_is_named(rule: Rule) -> None:
    conditions = [part for part in (rule.when, rule.warn, rule.fails, rule.veto_when) if part]
    used = {name for part in conditions for name in part.names if name.startswith("limit.")}
    assert used == {f"limit.{limit.name}" for limit in rule.limits}
    assert len(rule.spec.source) > 10


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.spec.id)
def test_a_failure_costs_points_unless_it_only_informs(rule: Rule) -> None:
    deduct = rule.spec.deduct
    assert (deduct.fail == 0) == (rule.spec.severity is Severity.INFO)
    assert deduct.warn <= deduct.fail


def test_every_fact_that_a_rule_needs_is_measured_or_waits_for_a_model_or_a_system() -> None:
    producers = discover()
    provided = {name for producer in (*producers, *site.PRODUCERS) for name in producer.provides}
    provided |= {fact.name for fact in pending(producers)}
    needed = {
        name.removeprefix(ABSENT)
        for rule in rules()
        for part in (rule.pack_when, rule.when, rule.warn, rule.fails, rule.veto_when)
        if part
        for name in part.names
        if not name.startswith("limit.")
    }
    assert needed - provided == set()


def test_an_image_of_which_nothing_is_known_is_not_condemned() -> None:
    unknown = Measurements(NotMeasured(name, Reason.NOT_IN_HEADER) for name in catalogue())
    verdict = evaluate(unknown, builtin(), {})
    assert verdict.grade is None and not verdict.findings


def test_only_these_rules_may_condemn_an_image() -> None:
    """A false veto costs trust: whoever adds one must mean it."""
    assert {rule.spec.id for rule in rules() if rule.can_veto} == {
        "HD01.patient_id_missing",
        "HD01.test_patient",
        "HD01.worklist_mismatch",
        "HD10.side_contradiction",
        "HD10.side_not_ordered",
        "HD13.uid_reused",
        "HD20.pixels_damaged",
        "MB14.orientation_missing",
        "PA01.lung_cut_off",
        "PA09.foreign_object",
        "PA16.orientation",
        "PA17.marker_wrong",
        "PA18.view_mismatch",
        "RG07.blank",
        "RG09.marker_wrong",
    }


def measured(**values: bool | float | str) -> list[Measurement]:
    return [Measurement(name.replace("__", "."), value) for name, value in values.items()]


CHEST = measured(
    dicom__Modality="DX",
    body__part="CHEST",
    view__projection="PA",
    object__is_image=True,
    object__is_dose_report=False,
    object__is_localizer=False,
    object__is_secondary_capture=False,
    object__is_derived=False,
)


def test_without_a_target_index_exposure_is_not_assessed_never_passed() -> None:
    facts = Measurements([*CHEST, NotMeasured("exposure.deviation_index", Reason.NOT_IN_HEADER)])
    verdict = evaluate(facts, builtin(), {})
    open_rules = {item.rule_id for item in verdict.not_assessed}
    assert {"PA11.over_exposed", "PA11.under_exposed"} <= open_rules
    assert not any(rule.startswith(("PA11", "RG01")) for rule in verdict.passed)


@pytest.mark.parametrize(
    ("index", "rule", "level"),
    [
        (3.5, "PA11.over_exposed", "fail"),
        (1.5, "PA11.over_exposed", "warn"),
        (-1.5, "PA11.under_exposed", "warn"),
        (-3.5, "PA11.under_exposed", "fail"),
    ],
)
def test_a_fault_of_a_chest_counts_once(index: float, rule: str, level: str) -> None:
    facts = Measurements([*CHEST, *measured(exposure__deviation_index=index)])
    found = [(one.rule_id, one.level) for one in evaluate(facts, builtin(), {}).findings]
    assert found == [(rule, level)]


def test_the_same_fault_of_another_part_is_found_by_the_general_pack() -> None:
    knee = [*CHEST, *measured(body__part="KNEE", exposure__deviation_index=3.5)]
    assert [one.rule_id for one in evaluate(Measurements(knee), builtin(), {}).findings] == ["RG01.over_exposed"]
