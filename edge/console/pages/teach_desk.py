"""The desk: one screen is taught, from two exams to confirmed fields. Every answer is the page's working part."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from capture.errors import Misuse
from capture.screen import perspective, window
from capture.screen.perspective import Corners
from capture.screen.shot import picture
from capture.screen.template import Box, FieldKind
from capture.text import Bilingual
from edge.console.auth import Viewer
from edge.console.frame import View, teacher, view_of
from edge.console.pages.teach import Source, known_screen, noted
from edge.console.pages.teach_shown import (
    Step,
    Where,
    change_and_show,
    changed,
    first_step,
    history_of,
    on_desk,
    part,
    values,
)
from edge.teaching import changes
from edge.teaching.desk import History
from edge.teaching.draft import FRAMES, IMAGE, Draft, FrameName
from edge.teaching.room import Room, compared, other_size

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Teacher = Annotated[Viewer, Depends(teacher)]
_Name = Annotated[FrameName, Path()]
_Key = Annotated[str, Form(pattern=r"^([a-z]{1,7}[0-9]{0,4})?$")]
_Pixel = Annotated[int, Form(ge=0, le=16384)]
_Line = Annotated[str, Form(max_length=120)]
_Limit = Annotated[float | Literal[""], Form()]
_Ticked = Annotated[bool, Form()]
_Step = Annotated[Step, Form()]
_Role = Annotated[Literal["field", "anchor", "mask", "overlay", "image"], Form()]
_LOOKS = 6
"""Live pictures in which motion is looked for."""
_LONGEST = 200


def _drawn(x: _Pixel, y: _Pixel, w: _Pixel, h: _Pixel) -> Box:
    """A box of a form, in pixels of the screen."""
    return Box(x=x, y=y, w=max(1, w), h=max(1, h))


_Drawn = Annotated[Box, Depends(_drawn)]


@router.get("/teach/{source}")
async def show(
    source: Source,
    request: Request,
    view: _See,
    viewer: _Teacher,
    step: Annotated[Step | None, Query()] = None,
    selected: Annotated[str, Query(max_length=12)] = "",
    frame: Annotated[FrameName, Query()] = "a",
) -> HTMLResponse:
    """The whole page; to its own script only the working part."""
    known_screen(view, source)
    history = await history_of(view, source)
    where = Where(step or first_step(view.console.teaching.desk(source), history), selected, frame)
    if request.headers.get("hx-request"):
        return await part(view, source, history, where)
    await noted(view, viewer, "screen.viewed", source)
    told = await asyncio.to_thread(window.seen, view.console.teaching.live(source))
    return view.page("teach.html", told=told, **await values(view, source, history, where))


@router.post("/teach/{source}/capture/{name}")
async def capture(source: Source, name: _Name, view: _See, viewer: _Teacher) -> HTMLResponse:
    """Keep the picture of now as exam A, B or C."""
    known_screen(view, source)
    room = view.console.teaching
    async with room.locks[source]:
        png = await room.fresh(source)
        history = await asyncio.to_thread(_kept, room, source, name, png)
    return await part(view, source, history, Where("confirm" if history.present.fields else "capture", frame=name))


@router.post("/teach/{source}/corners")
async def corners(
    source: Source,
    view: _See,
    viewer: _Teacher,
    points: Annotated[str, Form(pattern=r"^([0-9]{1,5},[0-9]{1,5}( |$)){0,4}$")] = "",
    width: _Pixel = 0,
) -> HTMLResponse:
    """Where the screen lies in a camera's picture, clockwise from the top left; none: the picture as it comes.

    ``width``: of the picture in which they were pointed at.
    """
    known_screen(view, source)
    folder = view.console.teaching.live(source)
    told = await asyncio.to_thread(window.seen, folder)
    scale = told.width / width if told and told.width and width else 1.0
    pairs = [pair.split(",") for pair in points.split()]
    at = [(int(x) * scale, int(y) * scale) for x, y in pairs]
    try:
        taught = Corners.model_validate({"points": at}) if at else None
    except ValidationError:
        raise Misuse(
            "teach.corners",
            Bilingual("四个角的位置不对", "These cannot be the corners of the screen"),
            Bilingual(
                "请从左上角开始，按顺时针依次点四个角", "Point at the four corners clockwise from the top left"
            ),
        ) from None
    await asyncio.to_thread(perspective.teach, folder, taught)
    await noted(view, viewer, "screen.corners", source)
    return await part(view, source, await history_of(view, source), Where("capture"))


@router.post("/teach/{source}/range")
async def grey_range(source: Source, view: _See, viewer: _Teacher, limited: _Ticked = False) -> HTMLResponse:
    """Whether the source means 0 to 255 where it says 16 to 235."""
    where = Where("capture")
    return await change_and_show(
        view, source, where, lambda draft: draft.model_copy(update={"limited_range": limited})
    )


@router.post("/teach/{source}/propose")
async def propose(source: Source, view: _See, viewer: _Teacher) -> HTMLResponse:
    """Find fields, anchors and the image in exams A and B."""
    room = view.console.teaching
    draft = (await on_desk(view, source)).present
    a = await asyncio.to_thread(room.frame, source, draft, "a")
    b = await asyncio.to_thread(room.frame, source, draft, "b")
    if a is None or b is None:
        raise HTTPException(422)
    proposal = await room.reading.propose(a, b)
    return await change_and_show(view, source, Where("fields"), lambda draft: changes.proposed(draft, proposal))


@router.post("/teach/{source}/motion")
async def motion(source: Source, view: _See, viewer: _Teacher) -> HTMLResponse:
    """Set the image box to where the live picture moves."""
    known_screen(view, source)
    room = view.console.teaching
    found = await room.reading.moving([await room.fresh(source) for _ in range(_LOOKS)])
    if found is None:
        raise Misuse(
            "teach.still",
            Bilingual("画面没有运动", "Nothing moves on the screen"),
            Bilingual("请在实时扫查时再试，或手动框选", "Try again while scanning live, or draw the box"),
        )
    where = Where("fields", IMAGE)
    return await change_and_show(view, source, where, lambda draft: changes.place(draft, IMAGE, found))


@router.post("/teach/{source}/place")
async def place(source: Source, view: _See, viewer: _Teacher, key: _Key, box: _Drawn) -> HTMLResponse:
    """Move or resize a box."""
    return await change_and_show(view, source, Where("fields", key), lambda draft: changes.place(draft, key, box))


@router.post("/teach/{source}/add")
async def add(source: Source, view: _See, viewer: _Teacher, role: _Role, box: _Drawn) -> HTMLResponse:
    """A new box, drawn by hand."""
    history = await changed(view, source, lambda draft: changes.add(draft, role, box))
    return await part(view, source, history, Where("fields", changes.newest(history.present, role)))


@router.post("/teach/{source}/remove")
async def remove(source: Source, view: _See, viewer: _Teacher, key: _Key) -> HTMLResponse:
    """Take a box away."""
    return await change_and_show(view, source, Where("fields"), lambda draft: changes.remove(draft, key))


@router.post("/teach/{source}/field")
async def describe(
    source: Source,
    view: _See,
    viewer: _Teacher,
    key: _Key,
    keyword: Annotated[str, Form(max_length=64, pattern=r"^([A-Za-z][A-Za-z0-9]*)?$")] = "",
    own: Annotated[str, Form(max_length=64, pattern=r"^([a-z][A-Za-z0-9]*)?$")] = "",
    kind: Annotated[FieldKind, Form()] = "text",
    unit: _Line = "",
    low: _Limit = "",
    high: _Limit = "",
    choices: _Line = "",
    required: _Ticked = False,
    identifying: _Ticked = False,
    witness: _Ticked = False,
) -> HTMLResponse:
    """What a field means and how it is written."""
    told = {
        "keyword": own if keyword == "own" else keyword,
        "kind": kind,
        "unit": unit.strip(),
        "low": None if low == "" else low,
        "high": None if high == "" else high,
        "choices": tuple(dict.fromkeys(one for one in re.split(r"[,,、;;\s]+", choices) if one)),
        "required": required,
        "identifying": identifying,
        "witness": witness,
    }
    return await change_and_show(
        view, source, Where("fields", key), lambda draft: changes.describe(draft, key, told)
    )


@router.post("/teach/{source}/confirm/{name}")
async def confirm(source: Source, name: _Name, request: Request, view: _See, viewer: _Teacher) -> HTMLResponse:
    """A person says what stands in each field of one frame."""
    form = await request.form(max_fields=400)
    said = {key: text.strip()[:_LONGEST] for key, text in form.items() if isinstance(text, str)}
    history = await changed(view, source, lambda draft: changes.confirm(draft, name, said))
    frames = view.console.teaching.desk(source).frames
    following = next((one for one in FRAMES if one not in frames or history.present.open(one)), None)
    return await part(view, source, history, Where("confirm" if following else "save", frame=following or name))


@router.post("/teach/{source}/undo")
async def undo(source: Source, view: _See, viewer: _Teacher, step: _Step) -> HTMLResponse:
    """One step back."""
    return await _travelled(view, source, step, History.undone)


@router.post("/teach/{source}/redo")
async def redo(source: Source, view: _See, viewer: _Teacher, step: _Step) -> HTMLResponse:
    """One step forward again."""
    return await _travelled(view, source, step, History.redone)


@router.post("/teach/{source}/discard")
async def discard(source: Source, view: _See, viewer: _Teacher) -> RedirectResponse:
    """Clear the desk: draft, frames, and all that was read."""
    known_screen(view, source)
    room = view.console.teaching
    async with room.locks[source]:
        await asyncio.to_thread(room.desk(source).clear)
        room.forget(source)
    return RedirectResponse("/teach", status_code=303)


async def _travelled(view: View, source: str, step: Step, travel: Callable[[History], History]) -> HTMLResponse:
    room = view.console.teaching
    async with room.locks[source]:
        history = travel(await on_desk(view, source))
        await asyncio.to_thread(room.desk(source).keep, history)
    return await part(view, source, history, Where(step))


def _kept(room: Room, source: str, name: FrameName, png: bytes) -> History:
    """Store a frame. The first one begins the draft."""
    desk = room.desk(source)
    history = desk.history() or History(present=_begun(room, source, png))
    draft, (rows, columns) = history.present, picture(png).shape[:2]
    others = [desk.frame(other) or b"" for other in desk.frames if other != name]
    if (draft.height, draft.width) != (rows, columns):
        if others or draft.fields:
            raise other_size()
        history = History(present=_begun(room, source, png))
    for other in others:
        compared(other, png)
    history = history.then(changes.forget(history.present, name))
    desk.put(name, png)
    desk.keep(history)
    return history


def _begun(room: Room, source: str, png: bytes) -> Draft:
    rows, columns = picture(png).shape[:2]
    told = window.seen(room.live(source))
    names = [source, *(f"{source}-{number}" for number in range(2, 1000))]
    return Draft(
        source=source,
        id=next(name for name in names if name not in room.library.ids()),
        width=columns,
        height=rows,
        pixel_format=told.format if told and told.format else "bgr0",
    )
