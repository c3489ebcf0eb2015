"""What people correct again and again on the case page: proposed on the desk, taken over, undone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from capture.arrival import Arrival, arrival_id
from capture.screen import format
from capture.screen.library import Library
from capture.screen.reading import FieldReading, FieldState
from capture.screen.template import FieldKind, ScreenField, Template, load
from edge.clock import now_ms
from edge.store import cases
from edge.store.schema import confirmed_field
from edge.teaching import changes
from edge.teaching.corrections import Habit, Said, habits
from edge.teaching.draft import Draft, reopened, taught
from tests.shots import screen, shot, template
from tests.teaching import SCREEN, ByHeart, exam, stage_with_screen
from tests.unit.edge.console.stage import Stage
from tests.unit.models.image.phantoms import torso

HX = {"HX-Request": "true"}


def console() -> Template:
    """A view of few values, a sex with its choices, a kV of 40 to 125 without decimals, and a person."""
    learnt: dict[str, tuple[FieldKind, tuple[str, ...], dict[str, object]]] = {
        "ViewPosition": ("text", ("CHEST PA", "CHEST LAT"), {}),
        "PatientSex": ("choice", ("M", "F"), {}),
        "KVP": ("number", ("125", "117"), {"low": 40.0, "high": 130.0}),
        "PatientID": ("id", ("P0045127",), {"identifying": True}),
        "PatientName": ("name", ("王小明",), {"identifying": True}),
    }
    fields = []
    for one in template().fields:
        if one.keyword in learnt:
            kind, samples, more = learnt[one.keyword]
            told = {"kind": kind, "format": format.learn(samples, kind), "samples": samples, "identifying": False}
            fields.append(one.model_copy(update={**told, **more}))
    return template(fields=tuple(fields))


def said(keyword: str, read: str, text: str, reason: str = "", times: int = 3) -> list[Said]:
    state: FieldState = "refused" if reason else "accepted"
    return [Said(keyword, FieldReading(keyword, read, state, 0.9, read, reason), text)] * times


def draft() -> Draft:
    return reopened(SCREEN, console())


def field_of(one: Draft, keyword: str) -> ScreenField:
    return next(taught(one, field) for field in one.named if field.keyword == keyword)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (said("ViewPosition", "CHEST AF", "CHEST AP"), "read_as"),
        (said("PatientSex", "Q", "O"), "read_as"),
        (said("PatientSex", "U", "U", "format"), "choice"),
        (said("KVP", "96.5", "96.5", "format"), "pattern"),
        (said("KVP", "141", "141", "range"), "range"),
    ],
)
def test_what_recurs_is_proposed_and_read_from_then_on(words: Sequence[Said], kind: str) -> None:
    (habit,) = habits(draft(), words)
    assert (habit.kind, habit.times) == (kind, 3)
    after = changes.learn(draft(), habit)
    assert habits(after, words) == (), "learnt"
    field, first = field_of(after, habit.keyword), words[0]
    assert format.value(field, first.reading.text) == first.text
    assert field.high is None or field.high >= float(first.text)
    assert {one.keyword: one for one in after.named if one.keyword != habit.keyword} == {
        one.keyword: one for one in draft().named if one.keyword != habit.keyword
    }


@pytest.mark.parametrize(
    "words",
    [
        said("ViewPosition", "CHEST AF", "CHEST AP", times=2),
        said("ViewPosition", "CHEST AF", "CHEST AP") + said("ViewPosition", "CHEST AF", "CHEST LAT"),
        said("ViewPosition", "CHEST AF", "CHEST AP") + said("ViewPosition", "CHEST AF", "CHEST AF", "unsteady"),
        said("ViewPosition", "CHEST PA", "CHEST LAT"),  # what was taught is no misreading
        said("ViewPosition", "CHEST AF", ""),
        said("KVP", "1250", "125"),  # a lost point is never learnt
        said("KVP", "KV", "KV", "format"),
        said("PatientSex", "M", "M"),
        said("PatientName", "王小朋", "王小明"),
        said("PatientName", "WANG", "WANG", "format"),
        said("PatientID", "P00451270", "P0045127"),
        said("PatientID", "0045127", "0045127", "format"),
        said("StudyDate", "2026-11-22", "2026-11-23"),
    ],
)  # fmt: skip
def test_what_does_not_recur_or_is_a_persons_is_not(words: Sequence[Said]) -> None:
    assert habits(draft(), words) == ()


def test_a_template_without_it_has_the_fingerprint_it_had() -> None:
    assert b"read_as" not in console().dump()
    learnt = changes.learn(draft(), Habit("ViewPosition", "read_as", "CHEST AF", ("CHEST AP",), 3))
    kept = console().model_copy(update={"fields": (field_of(learnt, "ViewPosition"),)})
    assert load(kept.dump()) == kept and b"CHEST AP" in kept.dump()


def corrected(stage: Stage, read: str, text: str, count: int) -> None:
    """Images of that screen on which somebody corrected the view."""
    film = (torso() * 0).astype("uint8")
    for number in range(count):
        names = {"ViewPosition": read, "PatientName": f"SECRET{number}"}
        readings = tuple(FieldReading(keyword, one, "accepted", 0.97, one) for keyword, one in names.items())
        content = shot(readings, screen(film + number), taught=console())
        sha256, at = stage.services.blobs.put_bytes(content), now_ms() + number
        arrival = Arrival(arrival_id(at, sha256), sha256, len(content), "frame", SCREEN, at)
        rows = [
            {"case_id": arrival.id, "keyword": keyword, "text": said, "account_id": 1, "at": at}
            for keyword, said in (("ViewPosition", text), ("PatientName", "SOMEBODY"))
        ]
        stage.services.db.write(lambda c, a=arrival: cases.take_in(c, a, a.received_at))  # type: ignore[misc]
        stage.services.db.write(lambda c, r=rows: c.execute(confirmed_field.insert(), r))  # type: ignore[misc]


async def test_the_engineer_takes_a_correction_over_and_back(tmp_path: Path) -> None:
    stage = stage_with_screen(tmp_path, ByHeart([exam(0)]))
    library = stage.services.settings.screens_path
    async with stage.logged_in("engineer") as browser:
        saved = Library(library).save(console(), ())
        Library(library).activate(SCREEN, saved.id, saved.version)
        corrected(stage, "CHEST AF", "CHEST AP", 2)
        assert "Recurring" not in (await browser.get("/teach")).text
        corrected(stage, "CHEST AF", "CHEST AP", 1)
        listed = (await browser.get("/teach")).text
        assert "Recurring corrections: 1" in listed
        assert Library(library).active(SCREEN) == (saved,), "nothing is learnt in silence"
        await browser.post(f"/teach/{SCREEN}/edit", data={"id": saved.id, "version": "1"})
        desk = (await browser.get(f"/teach/{SCREEN}", params={"step": "fields"}, headers=HX)).text
        assert "CHEST AF" in desk and "CHEST AP" in desk and "SOMEBODY" not in desk and "SECRET" not in desk
        key = {"key": "read_as.ViewPosition.CHESTAF"}
        taken = await browser.post(f"/teach/{SCREEN}/learn", data=key, headers=HX)
        assert taken.status_code == 200 and "CHEST AF" not in taken.text
        assert (await browser.post(f"/teach/{SCREEN}/learn", data=key, headers=HX)).status_code == 422
        undone = await browser.post(f"/teach/{SCREEN}/undo", data={"step": "fields"}, headers=HX)
        assert "CHEST AF" in undone.text, "undone, it is proposed again"
        redone = await browser.post(f"/teach/{SCREEN}/redo", data={"step": "fields"}, headers=HX)
        assert "CHEST AF" not in redone.text
        assert "Corrections taken over" in (await browser.get("/teach")).text
    stage.close()
