"""A consortium's pack from forms alone: begun, with changes of earlier layers' rules, signed by two persons."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from cloud_sync.central.authoring import drafts, sweeping, tables
from cloud_sync.central.authoring.replay import Trial
from cloud_sync.central.authoring.sweeping import KEPT_DAYS
from models.rules.evaluate import evaluate
from tests.simulated_box import now_ms
from tests.unit.cloud_sync.central.authoring.desk import Stage
from tests.unit.cloud_sync.central.authoring.stage import factory, film, ruleset, told
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE

ROTATION = "/rules/draft/1/override?rule=PA03.rotation"
_NEW: dict[str, Any] = {
    "name": "north-chest", "area": "radiography", "layer": "L3", "title_zh": "北区胸片", "title_en": "The north",
}  # fmt: skip


def begun(stage: Stage, **fields: Any) -> str:
    return stage.done("/rules/new", **(_NEW | fields))


def cases(page: str) -> dict[str, str]:
    """The cases that the page shows, as a browser would send them."""
    found = re.findall(r'<textarea name="(case_\w+)"[^>]*>(.*?)</textarea>', page, re.S)
    return {name: body.replace("&#34;", '"') for name, body in found}


def changed(stage: Stage, **fields: Any) -> None:
    """The limit at which a rotation fails, lowered by a form; its cases as the page proposes them."""
    page = stage.get(ROTATION)
    said: dict[str, Any] = {"edit": 1, "limit_name": ["warn_ratio", "fail_ratio"], "limit_value": ["", "0.6"]}
    stage.done(ROTATION, **(said | cases(page) | fields))


def test_a_pack_begins_from_a_form(stage: Stage) -> None:
    assert begun(stage) == "/rules/draft/1"
    head = tomllib.loads(_text(stage, "pack.toml"))
    assert (head["layer"], head["authors"], head["version"]) == ("L3", ["li"], 1)
    assert head["scope"]["modality"] == ["CR", "DX", "RF", "RG", "XA"]
    assert "north-chest" in stage.get("/rules")
    assert "New pack begun" in stage.get("/rules/pack/north-chest")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "North"}, "not valid"),
        ({"title_en": " "}, "title"),
        ({"area": "ct"}, "radiography answers"),
        ({"layer": "L5"}, "layer"),
        ({"name": "radiography-chest-pa"}, "is a pack"),
    ],
)
def test_what_cannot_be_a_pack_comes_back_as_typed(stage: Stage, fields: dict[str, str], said: str) -> None:
    answer = stage.post("/rules/new", **(_NEW | {"modality": ["DX"]} | fields))
    assert answer.status_code == 422 and said in answer.text
    assert 'value="DX" checked' in answer.text
    assert stage.post("/rules/new", "boss", **_NEW).status_code == 403


def test_a_rule_of_an_earlier_layer_is_changed_by_a_form_and_signed(stage: Stage) -> None:
    begun(stage)
    page = stage.get(ROTATION)
    assert "0.8 <small>[" in page and "Asymmetry" not in page
    assert "dicom.Modality = " in cases(page)["case_fails"]
    changed(stage)
    rules = tomllib.loads(_text(stage, "rules.toml"))
    assert rules["override"] == [{"rule": "PA03.rotation", "limit": {"fail_ratio": 0.6}}]
    assert 'value="0.6"' in stage.get(ROTATION)
    draft = stage.get("/rules/draft/1")
    assert "No mistakes" in draft and "PA03.rotation" in draft
    stage.done("/rules/draft/1/submit", edit=2, note="The north is strict", passphrase=PASSPHRASE)
    sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', stage.get("/rules/draft/1/review", "wang"))
    assert sha256 is not None
    stage.done("/rules/draft/1/approve", "wang", sha256=sha256[1], note="", passphrase=PASSPHRASE)
    [target] = stage.group.repository.listed()
    assert (target.name, target.version) == ("north-chest", 1)


def test_bounds_authority_and_cases_are_held(stage: Stage) -> None:
    begun(stage)
    changed(stage, limit_value=["", "9"])
    page = stage.get(ROTATION)
    assert "must be in" in page and "Mistakes" in page
    stage.done(ROTATION, edit=2, limit_name=["fail_ratio"], limit_value=["0.6"], case_passes="", case_fails="")
    page = stage.get(ROTATION)
    assert "There is no case that fails" in page and "There is no case that passes" in page
    stage.done("/rules/draft/1/override?rule=PA01.lung_cut_off", edit=3, severity="minor",
               **cases(stage.get("/rules/draft/1/override?rule=PA01.lung_cut_off")))  # fmt: skip
    assert "cannot be switched off or weakened" in stage.get("/rules/draft/1/override?rule=PA01.lung_cut_off")
    nothing = stage.post(ROTATION, edit=4, limit_name=["fail_ratio"], limit_value=[""])
    assert nothing.status_code == 422 and "changes nothing" in nothing.text
    stage.done("/rules/draft/1/override/remove", edit=4, rule="PA01.lung_cut_off")
    assert "PA01.lung_cut_off" not in _text(stage, "rules.toml") + _text(stage, "cases.toml")
    assert stage.at("li").get("/rules/draft/1/override?rule=NO.such").status_code == 404


def test_points_severity_and_off_are_written_and_read(stage: Stage) -> None:
    begun(stage)
    changed(stage, deduct_fail="20", severity="major", enabled="on", limit_value=["", ""])
    [written] = tomllib.loads(_text(stage, "rules.toml"))["override"]
    assert written == {
        "rule": "PA03.rotation", "enabled": True, "severity": "major", "deduct": {"warn": 5, "fail": 20},
    }  # fmt: skip
    page = stage.get(ROTATION)
    assert 'name="deduct_fail" value="20"' in page and '<option value="on" selected' in page
    assert "No mistakes" in stage.get("/rules/draft/1")
    changed(stage, edit=2, enabled="off", limit_value=["", ""])
    assert tomllib.loads(_text(stage, "rules.toml"))["override"] == [{"rule": "PA03.rotation", "enabled": False}]


def test_a_change_of_another_packs_rule_is_replayed(stage: Stage) -> None:
    begun(stage)
    changed(stage)
    pack = stage.app.state.workshop.library.check(_draft(stage)).pack
    facts = film(chest__rotation_ratio=0.7)
    data = told(facts, evaluate(facts, ruleset(factory()[0]), {}))
    found = Trial(factory()[0], pack).judge(data)
    assert found is not None and found.uncertain == ()
    assert [(one.rule, one.level) for one in found.gained] == [("PA03.rotation", "fail")]
    other = told(film(), evaluate(facts, ruleset(factory()[0]), {}))  # the box said what these facts do not say
    judged = Trial(factory()[0], pack).judge(other)
    assert judged is not None and judged.uncertain == ("judged_otherwise",)


def test_old_steps_and_replays_go_and_the_text_stays(stage: Stage) -> None:
    begun(stage)
    changed(stage)
    stage.done("/rules/draft/1/withdraw", why="No use")
    begun(stage, name="south-chest")
    with stage.database.write() as connection:
        for draft in (1, 2, 2):
            row = {"draft": draft, "edit": 1, "account": "li", "at": now_ms(), "sites": "[]", "boxes": "[]"}
            connection.execute(tables.replay.insert().values(**row, most=1, state="done"))
        assert sweeping.sweep(connection, now_ms() + (KEPT_DAYS - 1) * 86_400_000) == 0
        assert sweeping.sweep(connection, now_ms() + (KEPT_DAYS + 1) * 86_400_000) == 3
        assert sweeping.sweep(connection, now_ms() + (KEPT_DAYS + 1) * 86_400_000) == 0
    assert "fail_ratio = 0.6" in _text(stage, "rules.toml")
    assert "No use" in stage.get("/rules/pack/north-chest")
    assert "New pack begun" in stage.get("/rules/pack/south-chest")


def _draft(stage: Stage) -> Any:
    with stage.database.read() as connection:
        return drafts.read(connection, 1).text


def _text(stage: Stage, file: str) -> str:
    text: str = _draft(stage).files[file]
    return text
