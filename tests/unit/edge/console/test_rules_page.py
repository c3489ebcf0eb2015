"""A QC lead changes a rule on the console; others look; the centre hears of it without persons and notes."""

from __future__ import annotations

import json

from sqlalchemy import select

from edge.overrides.in_force import site_packs
from edge.store import audit, overrides
from edge.store.schema import outbox
from models.rules.schema import OverrideSpec
from tests.unit.edge.console.stage import Stage

RULE = "PA03.rotation"
FORM = {"subject": "L4:", "limit.warn_ratio": "0.4", "note": "Our stands lean", "step": "save"}


async def test_everybody_finds_rules_and_only_a_lead_changes_them(stage: Stage) -> None:
    async with stage.logged_in("technologist") as browser:
        found = await browser.get("/rules", params={"q": "rotation chest"})
        assert RULE in found.text
        one = await browser.get(f"/rules/{RULE}")
        assert one.status_code == 200
        assert "Put in force" not in one.text
        assert (await browser.post(f"/rules/{RULE}", data=FORM)).status_code == 403
        assert (await browser.get("/rules/PA99.none")).status_code == 404
    assert not stage.services.db.read(overrides.in_force)


async def test_a_change_is_in_force_and_told(stage: Stage) -> None:
    told: list[bool] = []
    stage.services.rulebook.on_change(lambda: told.append(True))
    async with stage.logged_in("qc-lead") as browser:
        assert (await browser.post(f"/rules/{RULE}", data=FORM)).status_code == 303
        page = await browser.get(f"/rules/{RULE}")
        assert "Our stands lean" in page.text
        (kept,) = stage.services.db.read(overrides.in_force)
        assert kept.change.limit == {"warn_ratio": 0.4}
        (pack,) = stage.services.db.read(site_packs)
        assert (pack.name, pack.layer) == ("site-hospital", "L4")
        # Again for the hospital: the new one stands in the place of the old one.
        await browser.post(f"/rules/{RULE}", data=FORM | {"limit.warn_ratio": "0.45"})
        (kept,) = stage.services.db.read(overrides.in_force)
        assert kept.change.limit == {"warn_ratio": 0.45}
        assert (await browser.post(f"/rules/{RULE}/remove", data={"override": kept.id})).status_code == 303
        assert not stage.services.db.read(overrides.in_force)
        assert (await browser.post(f"/rules/{RULE}/remove", data={"override": kept.id})).status_code == 422
        assert (await browser.post(f"/rules/{RULE}/restore", data={"override": kept.id})).status_code == 303
        (back,) = stage.services.db.read(overrides.in_force)
        assert back.change.limit == {"warn_ratio": 0.45}
    assert len(told) == 4
    events = stage.services.db.read(lambda c: c.execute(select(outbox.c.payload).order_by(outbox.c.seq)).all())
    said = [json.loads(row.payload)["data"] for row in events]
    assert [one["removed"] for one in said] == [False, True, False, True, False]
    assert said[0]["limits"] == [{"name": "warn_ratio", "value": 0.4}]
    assert all("lean" not in row.payload.decode() for row in events)
    entries = stage.services.db.read(lambda c: audit.of_subject(c, RULE))
    assert [one.action for one in entries] == ["rule.changed", "rule.restored", "rule.changed", "rule.changed"]


async def test_what_is_not_allowed_is_said_and_nothing_is_lost(stage: Stage) -> None:
    async with stage.logged_in("qc-lead") as browser:
        for form, said in (
            (FORM | {"limit.warn_ratio": "7"}, "Allowed: [0.25, 1]"),
            (FORM | {"note": " "}, "No reason is given"),
            (FORM | {"subject": "L6:p-0123456789"}, "personal pack changes texts only"),
            (FORM | {"subject": ""}, "It is not said whom the change is for"),
            (FORM | {"limit.warn_ratio": ""}, "This is the standard already"),
        ):
            answer = await browser.post(f"/rules/{RULE}", data=form)
            assert answer.status_code == 422, said
            assert said in answer.text
            assert form["note"].strip() in answer.text, "what was typed is still there"
        veto = await browser.post(
            "/rules/PA01.lung_cut_off", data={"subject": "L4:", "off": "1", "note": "x", "step": "save"}
        )
        assert "cannot be switched off or weakened" in veto.text
    assert not stage.services.db.read(overrides.in_force)
    assert not stage.services.db.read(lambda c: c.execute(select(outbox.c.seq)).all())


async def test_a_change_is_tried_before_it_is_in_force(stage: Stage) -> None:
    async with stage.logged_in("qc-lead") as browser:
        answer = await browser.post(f"/rules/{RULE}", data=FORM | {"step": "try"})
        assert answer.status_code == 200
        assert "On the last 0 images of this box" in answer.text
        assert 'value="0.4"' in answer.text
    assert not stage.services.db.read(overrides.in_force)


async def test_a_change_that_is_left_out_holds_up_no_other(stage: Stage) -> None:
    lead = stage.people["qc-lead"].id
    gone = OverrideSpec(rule="PA99.gone", enabled=False)
    stage.services.db.write(lambda c: overrides.add(c, "L4", "", gone, "of an older release", lead, 1))
    async with stage.logged_in("qc-lead") as browser:
        assert (await browser.post(f"/rules/{RULE}", data=FORM | {"step": "try"})).status_code == 200
        assert (await browser.post(f"/rules/{RULE}", data=FORM)).status_code == 303
    assert len(stage.services.db.read(overrides.in_force)) == 2
