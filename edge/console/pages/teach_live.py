"""What the desk shows of a screen: its signal, live and stored pictures, and what is read in them."""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.screen import window
from capture.screen.reading import FieldReading
from edge.console.auth import Viewer
from edge.console.frame import View, teacher, view_of
from edge.console.pages.teach import Source, known_screen
from edge.console.pages.teach_shown import history_of, whole_text
from edge.teaching.draft import Draft, FrameName, taught
from edge.teaching.room import cut, known, shrunk

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Teacher = Annotated[Viewer, Depends(teacher)]
_THUMB, _LIVE = 480, 1920
"""Pixels wide."""


@router.get("/part/screen/{source}/signal")
async def signal(source: Source, view: _See, viewer: _Teacher) -> HTMLResponse:
    """State of the source, with a reason and what to do."""
    known_screen(view, source)
    told = await asyncio.to_thread(window.seen, view.console.teaching.live(source))
    return view.page("part/signal.html", source=source, told=told)


@router.get("/teach/{source}/live/picture")
async def live(source: Source, view: _See, viewer: _Teacher) -> Response:
    """The newest picture; 204 when there is none."""
    known_screen(view, source)
    folder = view.console.teaching.live(source)
    window.watch(folder)
    shown = await asyncio.to_thread(window.live, folder)
    if shown is None:
        return Response(status_code=204)
    return Response(await asyncio.to_thread(shrunk, shown.png, _LIVE), media_type="image/jpeg")


@router.get("/teach/{source}/frame/{name}/picture")
async def frame(
    source: Source,
    name: Annotated[FrameName, Path()],
    view: _See,
    viewer: _Teacher,
    small: Annotated[bool, Query()] = False,
) -> Response:
    """A stored frame, pixel by pixel, or small."""
    png = await _stored(view, source, name)
    if small:
        return Response(await asyncio.to_thread(shrunk, png, _THUMB), media_type="image/jpeg")
    return Response(png, media_type="image/png")


@router.get("/teach/{source}/crop/{name}/{key}/picture")
async def crop(
    source: Source,
    name: Annotated[FrameName, Path()],
    key: Annotated[str, Path(pattern=r"^[a-z]{1,7}[0-9]{0,4}$")],
    view: _See,
    viewer: _Teacher,
) -> Response:
    """One box of a stored frame."""
    draft = await _draft(view, source)
    box = draft.box(key)
    if box is None:
        raise HTTPException(404)
    return Response(await asyncio.to_thread(cut, await _stored(view, source, name), box), media_type="image/png")


@router.get("/part/screen/{source}/values")
async def values(
    source: Source, view: _See, viewer: _Teacher, of: Annotated[FrameName | Literal["live"], Query()]
) -> JSONResponse:
    """What both readers see in each box, by its key."""
    room, draft = view.console.teaching, await _draft(view, source)
    if of != "live":
        found = await room.values(source, draft, of)
    else:
        shown = await asyncio.to_thread(window.live, room.live(source))
        asked = [taught(draft, one, keyword=one.key) for one in draft.fields]
        read = await room.reading.read(asked, shown.png, of=source) if shown is not None else ()
        found = {one.keyword: known(draft, one.keyword, one) for one in read}
    return JSONResponse({key: _told(view, draft, key, reading) for key, reading in found.items()})


def _told(view: View, draft: Draft, key: str, reading: FieldReading) -> dict[str, object]:
    return {
        "text": whole_text(draft, key, reading.text),
        "first": round(100 * reading.confidence),
        "second": round(100 * reading.second_confidence),
        "same": reading.reason != "readers_differ",
        "state": reading.state,
        "why": view.word("reading", reading.reason or reading.state),
    }


async def _draft(view: View, source: str) -> Draft:
    known_screen(view, source)
    history = await history_of(view, source)
    if history is None:
        raise HTTPException(404)
    return history.present


async def _stored(view: View, source: str, name: FrameName) -> bytes:
    known_screen(view, source)
    room, draft = view.console.teaching, await _draft(view, source)
    png = await asyncio.to_thread(room.frame, source, draft, name)
    if png is None:
        raise HTTPException(404)
    return png
