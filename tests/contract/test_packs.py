"""The packs that ship: complete, bilingual, sourced, and slow to condemn."""

from __future__ import annotations

import re
from functools import cache

import pytest

from models import site
from models.catalogue import catalogue
from models.content import drafts
from models.image.metric import UNPROVEN
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import discover, pending
from models.rules.evaluate import evaluate
from models.rules.layers import LEVEL
from models.rules.pack import RuleSet
from models.rules.rule import Rule
from models.rules.schema import ABSENT
from models.rules.verdict import Severity
from models.sets.producer import discover_sets

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ITEMS = (
    [f"HD{n:02}" for n in range(1, 24)]
    + [f"PA{n:02}" for n in range(1, 21)]
    + [f"LA{n:02}" for n in range(1, 11)]
    + [f"CC{n:02}" for n in range(1, 17)]
    + [f"CH{n:02}" for n in range(1, 13)]
    + ["MB02", "MB03", "MB04", "MB05", "MB06", "MB07", "MB08", "MB10", "MB11", "MB12", "MB14"]
    + ["MB01", "MB13"]
)
"""Items of image-qc.md, section 6, that an object or a set of them can decide, now or once a model is there."""


@cache
def builtin() -> RuleSet:
    return drafts.rules()


def rules() -> list[Rule]:
    return [rule for pack in builtin().packs for rule in pack.rules]


def test_these_packs_ship() -> None:
    assert {pack.name for pack in builtin().packs} == {
        "dicom-header",
        "radiography-chest-ap",
        "radiography-chest-child",
        "radiography-chest-lateral",
        "radiography-chest-pa",
        "radiography-general",
        "ct-header-dose",
        "mr-header",
        "phantom-mr-acr",
        "phantom-ct",
        "mr-generic",
        "mr-brain",
        "completeness",
        "ct-chest",
        "ct-head",
        "ct-series",
        "mr-series",
        "slice-series",
        "screen",
        "study",
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
    of_sets = discover_sets()
    provided = {name for producer in (*producers, *site.PRODUCERS) for name in producer.provides}
    provided |= {name for producer in of_sets for name in producer.provides} | {LEVEL}
    provided |= {fact.name for fact in pending(producers)}
    provided |= {fact.name for fact in pending(of_sets, ("series", "study"))}
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
        "AP16.orientation",
        "AP18.view_mismatch",
        "CC12.slices_missing",
        "CC01.apex_missing",
        "CC01.base_missing",
        "CC04.lung_cut",
        "CH01.base_missing",
        "CH01.vertex_missing",
        "CP16.orientation",
        "CP18.view_mismatch",
        "HD01.patient_id_missing",
        "HD01.test_patient",
        "HD01.worklist_mismatch",
        "HD10.side_contradiction",
        "HD10.side_not_ordered",
        "HD13.uid_reused",
        "HD20.pixels_damaged",
        "LA01.lung_cut_off",
        "LA16.orientation",
        "LA18.view_mismatch",
        "MB01.sequences_missing",
        "MB02.top_missing",
        "MB14.orientation_missing",
        "PA01.lung_cut_off",
        "PA01.lung_cut_off_percent",
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
    exam__kind="chest_pa",
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
    knee = [
        *(fact for fact in CHEST if fact.name != "exam.kind"),
        *measured(body__part="KNEE", exposure__deviation_index=3.5),
    ]
    assert [one.rule_id for one in evaluate(Measurements(knee), builtin(), {}).findings] == ["RG01.over_exposed"]


@pytest.mark.parametrize(
    ("kind", "pack"),
    [
        ("chest_pa", "radiography-chest-pa"),
        ("chest_ap", "radiography-chest-ap"),
        ("chest_child", "radiography-chest-child"),
        ("chest_lateral", "radiography-chest-lateral"),
    ],
)
def test_one_chest_pack_judges_a_chest(kind: str, pack: str) -> None:
    facts = Measurements([*CHEST, *measured(exam__kind=kind)])
    packs = {one.name for one in evaluate(facts, builtin(), {}).packs}
    assert packs == {pack, "radiography-general", "dicom-header"}


NO_SCALE = [
    NotMeasured(f"chest.{name}_mm", Reason.NO_SPACING)
    for name in (
        "margin_least",
        "clavicle_height_difference",
        "centre_offset_horizontal",
        "centre_offset_vertical",
    )
]
PERCENT = measured(
    chest__margin_least_percent=0.0,
    chest__clavicle_height_difference_percent=8.0,
    chest__centre_offset_horizontal_percent=12.0,
    chest__centre_offset_vertical_percent=0.0,
)
MM = measured(
    chest__margin_least_mm=0.0,
    chest__clavicle_height_difference_mm=25.0,
    chest__centre_offset_horizontal_mm=45.0,
    chest__centre_offset_vertical_mm=0.0,
)
CUT = {"chest_pa": ("PA01", "PA06", "PA08"), "chest_ap": ("AP01",), "chest_child": ("CP01",)}


@pytest.mark.parametrize("kind", CUT)
def test_a_length_is_judged_once_in_millimetres_or_in_percent(kind: str) -> None:
    scaled = Measurements([*CHEST, *measured(exam__kind=kind, spacing__present=True), *MM, *PERCENT])
    bare = Measurements([*CHEST, *measured(exam__kind=kind, spacing__present=False), *NO_SCALE, *PERCENT])
    for facts, ending in ((scaled, ""), (bare, "_percent")):
        verdict = evaluate(facts, builtin(), {})
        found = [one.rule_id for one in verdict.findings]
        assert sorted(rule.partition(".")[0] for rule in found) == sorted(CUT[kind])
        assert all(rule.endswith("_percent") == bool(ending) for rule in found)
        assert not any(one.rule_id.startswith(CUT[kind]) for one in verdict.not_assessed)


@pytest.mark.parametrize("kind", CUT)
def test_what_is_too_close_to_tell_is_no_pass_and_no_alert_but_a_hint_without_points(kind: str) -> None:
    close = [NotMeasured(f"chest.margin_least_{scale}", Reason.TOO_CLOSE) for scale in ("mm", "percent")]
    hinted = measured(exam__kind=kind, spacing__present=True, chest__margins_undecided=1.0)
    verdict = evaluate(Measurements([*CHEST, *hinted, *close]), builtin(), {})
    (hint,) = verdict.findings
    assert hint.rule_id == f"{CUT[kind][0]}.look_yourself"
    assert (hint.severity, hint.deduct, verdict.score) == (Severity.INFO, 0, 100)
    (open_,) = (one for one in verdict.not_assessed if one.rule_id.startswith(CUT[kind][0]))
    assert [fact.reason for fact in open_.missing] == [Reason.TOO_CLOSE]


def test_what_is_not_proven_is_not_assessed_and_says_so() -> None:
    turned = [Measurement("chest.rotation_ratio", 0.9, confidence=UNPROVEN)]
    dark = [Measurement("clipping.dark_percent", 30.0, confidence=UNPROVEN)]
    verdict = evaluate(Measurements([*CHEST, *turned, *dark]), builtin(), {})
    assert not {one.rule_id for one in verdict.findings} & {"PA03.rotation", "RG04.clipped_dark"}
    (open_,) = (one for one in verdict.not_assessed if one.rule_id == "PA03.rotation")
    assert [(fact.name, fact.reason) for fact in open_.missing if fact.name == "chest.rotation_ratio"] == [
        ("chest.rotation_ratio", Reason.UNPROVEN)
    ]


def test_the_lungs_stand_in_for_the_dark_end_of_the_body() -> None:
    dark = [Measurement("clipping.dark_percent", 30.0, confidence=UNPROVEN)]
    burnt = measured(lungs__burnt_out_percent=6.0)
    verdict = evaluate(Measurements([*CHEST, *measured(exam__kind="chest_ap"), *dark, *burnt]), builtin(), {})
    assert "AP13.lungs_burnt_out" in {one.rule_id for one in verdict.findings}
    assert "RG04.clipped_dark" not in {one.rule_id for one in verdict.not_assessed}


def test_a_length_that_could_not_be_measured_is_said_once() -> None:
    lost = [NotMeasured(f"chest.margin_least_{scale}", Reason.UNLIKE_TRAINING) for scale in ("mm", "percent")]
    verdict = evaluate(Measurements([*CHEST, *measured(spacing__present=True), *lost]), builtin(), {})
    assert [one.rule_id for one in verdict.not_assessed if one.rule_id.startswith("PA01")] == ["PA01.lung_cut_off"]
