"""Fields read off a console's screen, each beside its own picture, for a person to confirm or correct."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

import cv2
from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.errors import Misuse, SetAside
from capture.screen.acquire import shot_of
from capture.screen.reading import FieldReading
from capture.screen.shot import Shot, picture
from capture.screen.template import ScreenField
from capture.text import Bilingual
from edge.console import deeds
from edge.console.auth import Viewer
from edge.console.frame import CASE_ID, Console, View, decider, view_of
from edge.store import cards, cases
from edge.store.confirmed import confirmed

router = APIRouter(include_in_schema=False)
CaseId = Annotated[str, Path(pattern=CASE_ID)]
_See = Annotated[View, Depends(view_of)]
_Decider = Annotated[Viewer, Depends(decider)]
_LONGEST = 64
_AROUND = 4
"""Pixels around a field's box that help to read it."""


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """One field as the page shows it. ``text``: what a person said, else what was read."""

    field: ScreenField
    reading: FieldReading
    text: str
    said: bool

    @property
    def asks(self) -> bool:
        """Somebody should look."""
        return not self.said and self.reading.state != "accepted" and self.reading.reason != "empty"


@router.get("/case/{case_id}/fields")
async def fields(case_id: CaseId, view: _See, viewer: _Decider) -> HTMLResponse:
    """What was read, and what somebody should look at."""
    shot, said = await _shot(view.console, case_id)
    taught = {field.keyword: field for field in shot.template.fields}
    shown = [
        Shown(taught[one.keyword], one, said.get(one.keyword, one.text), one.keyword in said)
        for one in shot.told.readings
        if one.keyword in taught
    ]
    return view.page("part/fields.html", case_id=case_id, fields=shown, asking=sum(one.asks for one in shown))


@router.get("/case/{case_id}/field/{keyword}")
async def field_picture(case_id: CaseId, keyword: str, view: _See, viewer: _Decider) -> Response:
    """The field's own pixels, as they were read."""
    shot, _ = await _shot(view.console, case_id)
    box = next((field.box for field in shot.template.fields if field.keyword == keyword), None)
    if box is None:
        raise HTTPException(404)

    def cut() -> bytes:
        screen = picture(shot.frames[0])
        top, left = max(box.y - _AROUND, 0), max(box.x - _AROUND, 0)
        part = screen[top : box.y + box.h + _AROUND, left : box.x + box.w + _AROUND]
        return cv2.imencode(".png", part)[1].tobytes()

    return Response(await asyncio.to_thread(cut), media_type="image/png", headers={"Cache-Control": "no-store"})


@router.post("/case/{case_id}/fields")
async def confirm(case_id: CaseId, request: Request, view: _See, viewer: _Decider) -> Response:
    """What a person says of the fields that he was asked, and of those that he changed."""
    shot, said = await _shot(view.console, case_id)
    form = await request.form()
    texts: dict[str, str] = {}
    for one in shot.told.readings:
        text = form.get(one.keyword)
        if text is None or isinstance(text, UploadFile):
            continue
        text = text.strip()
        if len(text) > _LONGEST or not text.isprintable():
            raise Misuse(
                "screen.text",
                Bilingual(
                    "字段内容过长或含不可见字符", "A field is too long or has characters that cannot be printed"
                ),
                Bilingual(f"最多 {_LONGEST} 个字符", f"At most {_LONGEST} characters"),
            )
        asked = one.state != "accepted" and one.keyword not in said
        if asked or text != said.get(one.keyword, one.text):
            texts[one.keyword] = text
    if texts:
        await deeds.confirm_fields(view.console, viewer, case_id, texts)
    return Response(status_code=204, headers={"HX-Refresh": "true"})


async def _shot(console: Console, case_id: str) -> tuple[Shot, dict[str, str]]:
    """The stored shot of a case and what people said of it. 404 where there is none, or its pixels are gone."""
    services = console.services
    card = await services.db.aread(lambda c: cards.one(c, case_id, identity=False))
    if card is None or not card.from_screen:
        raise HTTPException(404)
    sha256 = await services.db.aread(lambda c: cases.sha256_of(c, case_id))
    try:
        shot = await asyncio.to_thread(shot_of, services.blobs.path(sha256))
    except (OSError, SetAside):
        raise HTTPException(404) from None
    return shot, await services.db.aread(lambda c: confirmed(c, case_id))
