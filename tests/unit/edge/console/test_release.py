"""The picture without the patient, taken from the page of its case: handed out, refused, and written down."""

from __future__ import annotations

import cv2
import numpy as np

from capture.redaction.answer import Area, Redacted
from capture.redaction.cover import LEFT_KNOWN
from edge.store import audit
from tests.teaching import ByHeart
from tests.unit.edge.console.stage import Stage
from tests.unit.edge.console.test_screen_fields import SENTINEL, film, judge, take_in


def with_reader(stage: Stage, reader: ByHeart) -> None:
    stage.app.state.console.teaching.reading = reader


def deeds(stage: Stage, case_id: str) -> list[tuple[str, str]]:
    entries = stage.services.db.read(lambda c: audit.of_subject(c, case_id))
    return [(entry.action, entry.detail) for entry in entries if entry.action.startswith("picture.")]


async def test_it_is_handed_out_and_written_down(stage: Stage) -> None:
    reader = ByHeart(())
    reader.redacted = Redacted(np.full((30, 40, 3), 90, np.uint8), (Area(0, 0, 5, 5),))
    with_reader(stage, reader)
    case_id = take_in(stage, film())
    await judge(stage)
    async with stage.logged_in() as browser:
        page = await browser.get(f"/case/{case_id}")
        assert f"/case/{case_id}/without-identity" in page.text
        answer = await browser.get(f"/case/{case_id}/without-identity")
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert case_id in answer.headers["content-disposition"]
    shown = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None and (shown == 90).all()
    assert SENTINEL in reader.known and "0009663134" in reader.known
    assert deeds(stage, case_id) == [("picture.taken", "")]


async def test_a_refusal_says_why_and_is_written_down(stage: Stage) -> None:
    reader = ByHeart(())
    reader.redacted = LEFT_KNOWN
    with_reader(stage, reader)
    case_id = take_in(stage, film())
    await judge(stage)
    async with stage.logged_in() as browser:
        answer = await browser.get(f"/case/{case_id}/without-identity")
    assert answer.status_code == 422 and "redaction.known_left" in answer.text
    assert b"PNG" not in answer.content
    assert deeds(stage, case_id) == [("picture.refused", "redaction.known_left")]


async def test_who_may_not_see_the_patient_may_not_take_it(stage: Stage) -> None:
    with_reader(stage, ByHeart(()))
    case_id = take_in(stage, film())
    await judge(stage)
    async with stage.logged_in("engineer") as browser:
        assert (await browser.get(f"/case/{case_id}/without-identity")).status_code == 403
    async with stage.logged_in() as browser:
        assert (await browser.get("/case/0123456789ab-0123456789abcdef/without-identity")).status_code == 404
    assert deeds(stage, case_id) == []
