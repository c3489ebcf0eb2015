"""Hands: the steps of a taught sequence, tried one by one on the closed console with its picture beside them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query, Request, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.screen.template import Box
from edge.console.auth import Viewer
from edge.console.frame import View, teacher, view_of
from edge.console.pages.teach import noted
from edge.hands.sequence import Sequence, Step, Type
from edge.hands.trial import Answer, How, Progress
from edge.teaching.room import shrunk

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Teacher = Annotated[Viewer, Depends(teacher)]
_Id = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Picture = Annotated[str, Path(pattern=r"^(look|[0-9]{3}-(before|after|stopped))$")]
MOST_SEQUENCE = 8 << 20
"""Bytes of a recorded file: 200 steps have their patches in it."""
_SHOWN = 1920
"""Pixels wide."""
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Row:
    """One step on the page."""

    number: int
    step: Step
    state: str
    moved: tuple[int, int]

    def box(self, box: Box) -> Box:
        """Where a taught box is on the screen that is shown."""
        x, y = max(box.x + self.moved[0], 0), max(box.y + self.moved[1], 0)
        return box.model_copy(update={"x": x, "y": y})

    @property
    def echo(self) -> Box | None:
        """Where what is typed appears."""
        return self.box(self.step.echo) if isinstance(self.step, Type) else None


@router.get("/hands")
async def listed(view: _See, viewer: _Teacher) -> HTMLResponse:
    """All sequences, and the consoles that they can be tried on."""
    hands = view.console.hands
    return view.page("hands.html", sequences=await asyncio.to_thread(hands.shelf.all), hands=hands)


@router.post("/hands/import")
async def take_in(view: _See, viewer: _Teacher, file: UploadFile) -> RedirectResponse:
    """A file of ``qcbox hands record``."""
    content = await file.read(MOST_SEQUENCE + 1)
    if len(content) > MOST_SEQUENCE:
        raise HTTPException(413)
    taken = await asyncio.to_thread(view.console.hands.shelf.put, content)
    await noted(view, viewer, "hands.imported", taken.id)
    return RedirectResponse(f"/hands/{taken.id}", status_code=303)


@router.post("/hands/{id}/remove")
async def remove(id: _Id, view: _See, viewer: _Teacher) -> RedirectResponse:
    """Off the shelf. Journals of its runs stay until their time."""
    hands = view.console.hands
    async with hands.lock:
        if hands.of == id:
            await asyncio.to_thread(hands.end)
        await asyncio.to_thread(hands.shelf.remove, id)
    await noted(view, viewer, "hands.removed", id)
    return RedirectResponse("/hands", status_code=303)


@router.get("/hands/{id}")
async def show(id: _Id, view: _See, viewer: _Teacher) -> HTMLResponse:
    """One sequence, and how its trial stands."""
    return view.page("hand.html", **await _values(view, id))


@router.get("/part/hands/{id}")
async def part(
    id: _Id,
    view: _See,
    viewer: _Teacher,
    step: Annotated[int, Query(ge=0, le=200)] = 0,
    since: Annotated[int, Query(ge=-1)] = -1,
) -> Response:
    """The working part; 204 while nothing has changed ``since``."""
    values = await _values(view, id, step)
    if values["version"] == since:
        return Response(status_code=204)
    return view.page("part/hand.html", **values)


@router.post("/hands/{id}/try")
async def begin(
    id: _Id,
    request: Request,
    view: _See,
    viewer: _Teacher,
    console: Annotated[str, Form(max_length=31)] = "",
    how: Annotated[How, Form()] = "look",
) -> HTMLResponse:
    """A dry run, or a run that asks before each step that acts."""
    hands = view.console.hands
    form = await request.form()
    given = {name.removeprefix("v-"): text for name, text in form.items() if name.startswith("v-")}
    values = {name: text.strip()[:_LONGEST] for name, text in given.items() if isinstance(text, str)}
    async with hands.lock:
        await asyncio.to_thread(hands.begin, id, console, how, values)
    await noted(view, viewer, "hands.tried" if how == "steps" else "hands.looked", f"{id}: {console}")
    return view.page("part/hand.html", **await _values(view, id, given=values))


@router.post("/hands/{id}/answer")
async def answer(id: _Id, view: _See, viewer: _Teacher, answer: Annotated[Answer, Form()]) -> HTMLResponse:
    """A person's word on the step that asks."""
    hands = view.console.hands
    async with hands.lock:
        if hands.trial is not None and hands.of == id:
            await asyncio.to_thread(hands.trial.answer, answer)
    return view.page("part/hand.html", **await _values(view, id))


@router.get("/hands/{id}/run/{name}/picture")
async def picture(id: _Id, name: _Picture, view: _See, viewer: _Teacher) -> Response:
    """The console's screen as the trial saw it."""
    progress = await _progress(view, id)
    if progress is None or name not in progress.pictures:
        raise HTTPException(404)
    png = await asyncio.to_thread((progress.folder / f"{name}.png").read_bytes)
    return Response(await asyncio.to_thread(shrunk, png, _SHOWN), media_type="image/jpeg")


@router.get("/hands/{id}/patch/{number}/{which}/picture")
async def patch(
    id: _Id,
    number: Annotated[int, Path(ge=1, le=200)],
    which: Annotated[int, Path(ge=0, le=7)],
    view: _See,
    viewer: _Teacher,
) -> Response:
    """What a step was taught to see."""
    sequence = await asyncio.to_thread(view.console.hands.shelf.get, id)
    try:
        taught = sequence.steps[number - 1].sees[which]
    except IndexError:
        raise HTTPException(404) from None
    return Response(base64.b64decode(taught.png), media_type="image/png")


async def _progress(view: View, id: str) -> Progress | None:
    hands = view.console.hands
    async with hands.lock:
        if hands.trial is None or hands.of != id:
            return None
        return await asyncio.to_thread(hands.trial.progress)


async def _values(view: View, id: str, step: int = 0, given: Mapping[str, str] | None = None) -> dict[str, object]:
    """What the templates need. ``step``: which one is looked at, 0 for the one that was reached."""
    hands = view.console.hands
    sequence = await asyncio.to_thread(hands.shelf.get, id)
    progress = await _progress(view, id)
    trial = hands.trial if progress is not None else None
    rows = _rows(sequence, progress)
    at = min(step or (progress.at if progress else 0) or 1, len(rows))
    return {
        "id": id,
        "sequence": sequence,
        "consoles": hands.consoles,
        "rows": rows,
        "shown": rows[at - 1],
        "progress": progress,
        "picture": progress.picture_of(at) if progress else "",
        "given": given if given is not None else (trial.job.values if trial else {}),
        "version": trial.version if trial else 0,
    }


def _rows(sequence: Sequence, progress: Progress | None) -> list[Row]:
    states, moved = (progress.states, progress.moved) if progress else ({}, {})
    return [
        Row(number, step, states.get(number, "open"), moved.get(number, (0, 0)))
        for number, step in enumerate(sequence.steps, 1)
    ]
