"""Try it: a draft on results that boxes have sent, in the background, with its progress."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts, queries
from cloud_sync.central.authoring import replaying
from cloud_sync.central.pages.authors import (
    Author,
    Form,
    Number,
    See,
    Shop,
    Words,
    by,
    draft_of,
    number_in,
    texts_in,
)

router = APIRouter(prefix="/rules")
_COUNTS = (100, 500, 2000, 10_000)


@router.get("/draft/{number}/try")
def show(view: See, shop: Shop, number: Number) -> HTMLResponse:
    """Which results to try it on, and what came of the last time."""
    draft = draft_of(view, number)
    checked = shop.library.check(draft.text)
    with view.centre.database.read() as connection:
        choices = queries.choices(connection)
        last = replaying.newest(connection, number)
    return view.page(
        "draft_try.html", words=Words(view), draft=draft, checked=checked, sites=choices["site"],
        boxes=choices["box"], counts=_COUNTS, replay=last, tab="try",
    )  # fmt: skip


@router.post("/draft/{number}/try")
def begin(view: See, shop: Shop, account: Author, number: Number, form: Form) -> RedirectResponse:
    """Put it into the queue."""
    draft = draft_of(view, number)
    if not shop.library.check(draft.text).sound:
        raise Misuse(
            "draft.unsound",
            Bilingual("草稿还有错误或不成立的用例", "The draft has mistakes, or cases that do not hold"),
            Bilingual("改正后再试跑", "Mend them and try again"),
        )
    sites, boxes = texts_in(form, "site"), texts_in(form, "box")
    most = max(1, min(number_in(form, "most"), replaying.MOST))
    who = by(view, account)
    with view.centre.database.write() as connection:
        asked = replaying.ask(connection, draft, sites, boxes, most, who)
        accounts.note(
            connection, who.now, who.account, "draft.tried", f"{draft.pack} #{draft.id} edit {draft.edit}: {most}"
        )
    shop.replayer.nudge()
    return RedirectResponse(f"/rules/draft/{number}/try#replay-{asked}", status_code=303)


@router.get("/replay/{number}")
def progress(view: See, shop: Shop, number: Number) -> HTMLResponse:
    """How far a replay has come, or what came of it; the page asks again until it is done."""
    shop.replayer.nudge()
    with view.centre.database.read() as connection:
        replay = replaying.read(connection, number)
    if replay is None:
        raise HTTPException(404)
    return view.page("part/replay.html", words=Words(view), replay=replay, draft=draft_of(view, replay.draft))
