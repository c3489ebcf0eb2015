"""Accept, repeat, release, acknowledge, undo: what is stored, told to the centre, and refused."""

import json

import pytest
import time_machine
from sqlalchemy import select

from edge.console.wording import REJECT_REASONS
from edge.store import audit, cards
from edge.store.cards import Card
from edge.store.schema import outbox
from models.rules.verdict import Grade
from tests.unit.edge.console.stage import Stage


def card(stage: Stage, case_id: str) -> Card:
    found = stage.services.db.read(lambda c: cards.one(c, case_id, identity=True))
    assert found is not None
    return found


def told(stage: Stage, kind: str) -> list[dict[str, object]]:
    """The content of every event of a type, oldest first."""
    query = select(outbox.c.payload).where(outbox.c.type == kind).order_by(outbox.c.seq)
    payloads = stage.services.db.read(lambda c: c.scalars(query).all())
    return [json.loads(payload)["data"] for payload in payloads]


@pytest.mark.parametrize(
    ("grade", "action", "form", "status"),
    [
        (Grade.JIA, "accept", {}, 204),
        (Grade.YI, "accept", {}, 204),
        (None, "accept", {}, 204),
        (Grade.BING, "accept", {}, 422),
        (Grade.FEI, "accept", {"reason_code": "111209", "comment": "x"}, 422),
        (Grade.FEI, "repeat", {}, 422),
        (Grade.FEI, "repeat", {"reason_code": "999999"}, 422),
        (Grade.FEI, "repeat", {"reason_code": "111209"}, 204),
        (Grade.JIA, "repeat", {"reason_code": "111210"}, 204),
        (Grade.FEI, "override", {"reason_code": "111209"}, 422),
        (Grade.FEI, "override", {"reason_code": "111209", "comment": "  "}, 422),
        (Grade.FEI, "override", {"reason_code": "111209", "comment": "emergency"}, 204),
        (Grade.FEI, "forget", {}, 422),
    ],
)
async def test_what_each_grade_allows(
    stage: Stage, grade: Grade | None, action: str, form: dict[str, str], status: int
) -> None:
    case = stage.add(grade)
    async with stage.logged_in() as browser:
        answer = await browser.post(f"/case/{case}/decide/{action}", data=form)
    assert answer.status_code == status
    decided = card(stage, case).decided
    assert (decided.action if decided else None) == (action if status == 204 else None)
    assert len(told(stage, "qc.decision.v1")) == (1 if status == 204 else 0)


async def test_a_decision_is_told_by_role_and_number_of_the_result(stage: Stage) -> None:
    stage.add(Grade.JIA)
    case = stage.add(Grade.FEI)
    form = {"reason_code": "111209", "comment": "patient 王小明 moved"}
    async with stage.logged_in() as browser:
        await browser.post(f"/case/{case}/decide/override", data=form)
    (event,) = told(stage, "qc.decision.v1")
    assert (event["result_seq"], event["action"], event["reason_code"], event["role"], event["undone"]) == (
        2, "override", "111209", "technologist", False,
    )  # fmt: skip
    assert "comment" not in event and "王小明" not in json.dumps(event, ensure_ascii=False)
    found = card(stage, case)
    assert found.acknowledged_at is not None and not found.open
    actions = [one.action for one in stage.services.db.read(lambda c: audit.of_subject(c, case))]
    assert actions == ["decision.override", "case.acknowledged"]


async def test_undo_takes_it_back_and_the_alert_waits_again(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser, stage.logged_in("qc-lead") as lead:
        await browser.post(f"/case/{case}/decide/repeat", data={"reason_code": "111209"})
        assert (await browser.post("/undo/1")).status_code == 204
        assert card(stage, case).open and card(stage, case).decided is None
        assert (await browser.post("/undo/1")).status_code == 422, "only once"
        await browser.post(f"/case/{case}/decide/repeat", data={"reason_code": "111210"})
        assert (await lead.post("/undo/2")).status_code == 204, "a QC lead may undo anybody's"
        await lead.post(f"/case/{case}/decide/repeat", data={"reason_code": "111210"})
        assert (await browser.post("/undo/3")).status_code == 422, "a technologist only her own"
    assert [event["undone"] for event in told(stage, "qc.decision.v1")] == [False, True, False, True, False]


async def test_undo_ends_with_the_shift(stage: Stage) -> None:
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        case = stage.add(Grade.FEI)
        async with stage.logged_in() as browser:
            await browser.post(f"/case/{case}/decide/repeat", data={"reason_code": "111209"})
        clock.shift(12 * 3600 + 1)
        async with stage.logged_in() as browser:
            assert (await browser.post("/undo/1")).status_code == 422
            assert 'hx-post="/undo/1"' not in (await browser.get(f"/case/{case}")).text


async def test_seen_is_told_once_and_covers_images_alike(stage: Stage) -> None:
    ids = [stage.add(Grade.BING, series="9.9") for _ in range(3)]
    other = stage.add(Grade.BING)
    async with stage.logged_in() as browser:
        for _ in range(2):
            assert (await browser.post(f"/case/{ids[1]}/acknowledge")).status_code == 204
    assert [card(stage, case).open for case in (*ids, other)] == [False, False, False, True]
    assert len(told(stage, "qc.alert_ack.v1")) == 1


async def test_the_board_shows_one_card_for_images_alike_and_keeps_what_waits(stage: Stage) -> None:
    stage.add(Grade.FEI)
    for _ in range(5):
        stage.add(Grade.BING, series="9.9")
    stage.add(Grade.JIA)
    shown = stage.services.db.read(lambda c: cards.on_board(c, 0, 10, identity=False))
    assert [(one.grade, one.alike) for one in shown] == [("jia", 1), ("bing", 5), ("fei", 1)]
    listed = stage.services.db.read(lambda c: cards.recent(c, 10, identity=False))
    assert [(one.grade, one.alike) for one in listed] == [("jia", 1), ("bing", 5), ("fei", 1)]
    async with stage.logged_in() as browser:
        await browser.post(f"/case/{shown[1].case_id}/acknowledge")
    shown = stage.services.db.read(lambda c: cards.on_board(c, 0, 10, identity=False))
    assert [one.grade for one in shown] == ["jia", "fei"]


async def test_on_the_board_a_decision_answers_with_the_fresh_board(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser:
        answer = await browser.post(f"/case/{case}/decide/repeat?board=true", data={"reason_code": "111209"})
        assert answer.status_code == 200 and "Positioning" in answer.text and "Undo" in answer.text


async def test_the_form_suggests_the_reason_that_the_finding_names(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser:
        form = (await browser.get(f"/part/decide/{case}/repeat")).text
        assert form.count('type="radio"') == len(REJECT_REASONS) == 16
        assert 'value="111209" required checked autofocus' in form
        assert (await browser.get(f"/part/decide/{case}/accept")).status_code == 404


async def test_a_case_without_a_verdict_cannot_be_decided(stage: Stage) -> None:
    nowhere = "0" * 12 + "-" + "0" * 16
    async with stage.logged_in() as browser:
        answer = await browser.post(f"/case/{nowhere}/decide/accept", headers={"HX-Request": "true"})
    assert answer.status_code == 422 and "no verdict on this image" in answer.text
