"""A picture of a screen: judged, its doubtful fields shown to a person, and judged again with what he says."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence

import cv2
import numpy as np
from sqlalchemy import select

from capture.arrival import Arrival, arrival_id
from capture.screen.reading import FieldReading
from edge.clock import now_ms
from edge.pipeline.dispatch import Dispatch
from edge.pipeline.set_job import SetJob
from edge.pipeline.work import Job, Outcome, run_job
from edge.store import audit, cards, cases
from edge.store.cards import Card
from edge.store.schema import outbox
from tests.shots import accepted, screen, shot
from tests.unit.edge.console.stage import Stage
from tests.unit.models.image.phantoms import torso

UNSURE = FieldReading("KVP", "1250", "to_check", 0.98, "125", "readers_differ")
SENTINEL = "ZZSENTINEL"


class Here:
    """A pool of workers that judges in this process."""

    async def judge(self, job: Job) -> Outcome:
        return run_job(job)

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
        raise AssertionError("screens are judged one by one")

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
        raise AssertionError("a screen belongs to no set")


def film() -> bytes:
    values = torso()
    grey = (255 * (values - values.min()) / np.ptp(values)).astype(np.uint8)
    readings = (*accepted({"PatientID": "0009663134", "PatientName": SENTINEL, "PatientSex": "M"}), UNSURE)
    return shot(readings, screen(grey))


def take_in(stage: Stage, content: bytes) -> str:
    sha256 = stage.services.blobs.put_bytes(content)
    assert sha256 == hashlib.sha256(content).hexdigest()
    at = now_ms()
    arrival = Arrival(
        arrival_id(at, sha256), sha256, len(content), "frame", "screen", at, "dr-room", association="image-1"
    )
    stage.services.db.write(lambda c: cases.take_in(c, arrival, at))
    return arrival.id


async def judge(stage: Stage) -> None:
    claimed = stage.services.db.write(lambda c: cases.claim(c, now_ms()))
    assert claimed is not None
    await Dispatch(stage.services, Here(), 1).bring_to_an_end(claimed, asyncio.Event())


def card(stage: Stage, case_id: str) -> Card:
    found = stage.services.db.read(lambda c: cards.one(c, case_id, identity=True))
    assert found is not None
    return found


def rules(stage: Stage, case_id: str) -> set[str]:
    return {found.rule_id for found in card(stage, case_id).findings}


async def test_a_person_confirms_and_the_image_is_judged_again(stage: Stage) -> None:
    case_id = take_in(stage, film())
    await judge(stage)
    first = card(stage, case_id)
    assert first.from_screen and first.patient is not None and first.patient.name == SENTINEL
    assert "SC02.fields_to_check" in rules(stage, case_id)
    async with stage.logged_in() as browser:
        page = await browser.get(f"/case/{case_id}/fields")
        assert "1 to check" in page.text and 'value="1250"' in page.text
        pixels = await browser.get(f"/case/{case_id}/field/KVP")
        shown = cv2.imdecode(np.frombuffer(pixels.content, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None and shown.shape[:2] == (32, 158)
        said = {"PatientID": "0009663134", "PatientName": SENTINEL, "PatientSex": "F", "KVP": "125"}
        answer = await browser.post(f"/case/{case_id}/fields", data=said)
        assert answer.status_code == 204
        again = await browser.post(f"/case/{case_id}/fields", data={"KVP": "120"})
        assert again.status_code == 422, "it waits for its verdict"
    await judge(stage)
    second = card(stage, case_id)
    assert second.verdict_id != first.verdict_id and "SC02.fields_to_check" not in rules(stage, case_id)
    assert second.patient is not None and second.patient.sex == "F"
    deeds = stage.services.db.read(lambda c: audit.of_subject(c, case_id))
    (confirmed,) = [deed for deed in deeds if deed.action == "screen.confirmed"]
    assert confirmed.detail == "KVP, PatientSex", "which fields, not what they say"


async def test_the_centre_hears_which_verdict_is_replaced(stage: Stage) -> None:
    case_id = take_in(stage, film())
    await judge(stage)
    async with stage.logged_in() as browser:
        await browser.post(f"/case/{case_id}/fields", data={"KVP": "125"})
    await judge(stage)
    payloads = stage.services.db.read(lambda c: c.scalars(select(outbox.c.payload).order_by(outbox.c.seq)).all())
    events = [json.loads(payload) for payload in payloads]
    first, second = (event["data"] for event in events if event["type"] == "qc.result.v1")
    assert first.get("replaces") is None and second["replaces"] == 1
    assert not any(SENTINEL.encode() in payload for payload in payloads)


async def test_nothing_said_changes_nothing(stage: Stage) -> None:
    case_id = take_in(stage, film())
    await judge(stage)
    before = card(stage, case_id).verdict_id
    async with stage.logged_in() as browser:
        answer = await browser.post(f"/case/{case_id}/fields", data={"PatientSex": "M"})
        assert answer.status_code == 204
    assert stage.services.db.write(lambda c: cases.claim(c, now_ms())) is None
    assert card(stage, case_id).verdict_id == before


async def test_who_may_not_see_a_patient_may_not_see_fields(stage: Stage) -> None:
    case_id = take_in(stage, film())
    await judge(stage)
    async with stage.logged_in("engineer") as browser:
        for path in ("fields", "field/KVP"):
            assert (await browser.get(f"/case/{case_id}/{path}")).status_code == 403
    async with stage.logged_in() as browser:
        assert (await browser.get(f"/case/{case_id}/field/Nonsense")).status_code == 404
        other = stage.add()
        assert (await browser.get(f"/case/{other}/fields")).status_code == 404
        long = await browser.post(f"/case/{case_id}/fields", data={"KVP": "1" * 65})
        assert long.status_code == 422


async def test_a_damaged_shot_is_set_aside(stage: Stage) -> None:
    case_id = take_in(stage, film()[:2000])
    await judge(stage)
    shown = card(stage, case_id)
    assert (shown.state, shown.reason_code) == ("set_aside", "screen.unreadable")
