"""From a form to a change, from changes to packs, and what the layers above allow."""

from __future__ import annotations

import pytest

from capture.errors import Misuse
from edge.overrides.changing import Wish, change_of
from edge.overrides.shown import ShownRule, found, shown_rules
from edge.overrides.site import check, left_out, packs_of, rules_with
from edge.overrides.trying import Judged, tried
from edge.store.overrides import SiteOverride
from models.content import drafts
from models.content.overrides import SiteLayer
from models.measurement import Measurement, Measurements, Value
from models.rules.pack import RuleSet
from models.rules.schema import OverrideSpec
from models.rules.verdict import Severity

ROTATION, CUT_OFF = "PA03.rotation", "PA01.lung_cut_off"


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return drafts.rules()


def shown(rules: RuleSet, rule: str) -> ShownRule:
    return next(one for one in shown_rules(rules, ()) if one.id == rule)


def kept(number: int, change: OverrideSpec, layer: SiteLayer = "L4", subject: str = "") -> SiteOverride:
    return SiteOverride(number, layer, subject, change, "because", "Lead", 1000 + number, "", None)


def test_only_what_differs_is_a_change(rules: RuleSet) -> None:
    one = shown(rules, ROTATION)
    made = change_of(one, Wish(limits={"warn_ratio": "0.4", "fail_ratio": "0.8"}))
    assert made.limit == {"warn_ratio": 0.4}
    assert made.model_fields_set == {"rule", "limit"}
    made = change_of(one, Wish({}, severity=Severity.MINOR, zh=("", "重新摆位")))
    assert (made.severity, made.text and made.text.zh.advice) == (Severity.MINOR, "重新摆位")
    assert made.text is not None
    assert made.text.en == one.rule.spec.text.en


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish({}), "override.nothing"),
        (Wish({"warn_ratio": " 0.5 "}), "override.nothing"),
        (Wish({"warn_ratio": "2"}), "override.value"),
        (Wish({"warn_ratio": "a lot"}), "override.value"),
        (Wish({"warn_ratio": "nan"}), "override.value"),
        (Wish({}, severity=Severity.MAJOR), "override.nothing"),
    ],
)
def test_a_wish_that_is_none(rules: RuleSet, wish: Wish, code: str) -> None:
    with pytest.raises(Misuse) as error:
        change_of(shown(rules, ROTATION), wish)
    assert error.value.code == code


def test_a_veto_stays_a_veto(rules: RuleSet) -> None:
    one = shown(rules, CUT_OFF)
    assert one.is_fixed
    for wish in (Wish({}, enabled=False), Wish({}, severity=Severity.MINOR)):
        with pytest.raises(Misuse) as error:
            check(rules, [kept(1, change_of(one, wish))])
        assert error.value.code == "pack.override.veto"
    check(rules, [kept(1, change_of(one, Wish({"warn_mm": "8"})))])


def test_a_person_gets_other_words_and_nothing_else(rules: RuleSet) -> None:
    one = shown(rules, ROTATION)
    words = change_of(one, Wish({}, zh=("", "李老师：请看双侧锁骨")))
    check(rules, [kept(1, words, "L6", "p-0123456789")])
    with pytest.raises(Misuse) as error:
        check(rules, [kept(1, change_of(one, Wish({"warn_ratio": "0.4"})), "L6", "p-0123456789")])
    assert error.value.code == "pack.override.personal"


def test_changes_become_one_pack_for_each_whom(rules: RuleSet) -> None:
    changes = [
        kept(3, OverrideSpec(rule=ROTATION, limit={"warn_ratio": 0.4})),
        kept(5, OverrideSpec(rule="PA02.excess_field", enabled=False)),
        kept(4, OverrideSpec(rule=ROTATION, limit={"warn_ratio": 0.6}), "L5", "ysio-max-1a2b3c"),
    ]
    packs = packs_of(changes)
    assert [(one.name, one.version, len(one.overrides)) for one in packs] == [
        ("site-hospital", 5, 2),
        ("site-device-ysio-max-1a2b3c", 4, 1),
    ]
    assert packs[1].scope.device_key == ("ysio-max-1a2b3c",)
    assert packs_of(changes[::-1]) == packs
    assert len({one.sha256 for one in packs}) == 2


def test_trying_shows_which_verdicts_change(rules: RuleSet) -> None:
    facts: dict[str, Value] = {
        "dicom.Modality": "DX", "exam.kind": "chest_frontal", "body.part": "CHEST", "view.projection": "PA",
        "person.age_years": 40.0, "set.level": "image", "chest.rotation_ratio": 0.45,
    }  # fmt: skip
    pack = next(one for one in rules.packs if one.name == "radiography-chest-pa")
    needed = pack.rules[0].pack_when.names | {ROTATION}
    assert needed
    image = Judged("case", Measurements(Measurement(name, value) for name, value in facts.items()))
    same = tried([image], rules, rules, ROTATION)
    assert (same.count, same.before, same.changed) == (1, same.after, ())
    strict = rules_with(rules, [kept(1, OverrideSpec(rule=ROTATION, limit={"warn_ratio": 0.3}))])
    assert strict.find(ROTATION) is not None
    assert "site-hospital" in [one.name for one in strict.packs]


def test_finding_rules(rules: RuleSet) -> None:
    everything = shown_rules(rules, [kept(1, OverrideSpec(rule=ROTATION, enabled=False))])
    assert [one.id for one in found(everything, "", "", changed=True)] == [ROTATION]
    assert ROTATION in [one.id for one in found(everything, "rotat chest", "radiography-chest-pa", changed=False)]
    assert not found(everything, "no such thing anywhere", "", changed=False)


def test_what_a_newer_release_does_not_allow_is_left_out_and_said(rules: RuleSet) -> None:
    before = [
        kept(1, OverrideSpec(rule=ROTATION, limit={"warn_ratio": 9.0})),
        kept(2, OverrideSpec(rule="PA02.excess_field", enabled=False)),
        kept(3, OverrideSpec(rule="PA99.gone", enabled=False), "L5", "ysio-max-1a2b3c"),
    ]
    out = left_out(rules, before)
    assert {number: why.code for number, why in out.items()} == {
        1: "pack.override.bounds",
        3: "pack.override.unknown_rule",
    }
