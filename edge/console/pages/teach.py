"""Screens: what each one says of itself, its templates, and the way to the desk where one is taught."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.screen import window
from capture.screen.settings import ScreenSettings
from capture.screen.shot import picture
from capture.screen.template import Template
from capture.screen.window import Told
from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import View, teacher, view_of
from edge.console.recurring import habits_of
from edge.store import audit
from edge.teaching.desk import History
from edge.teaching.draft import FRAMES, reopened
from edge.teaching.room import Room

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Teacher = Annotated[Viewer, Depends(teacher)]
Source = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,30}$")]
_Id = Annotated[str, Form(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
_Version = Annotated[int, Form(ge=1, le=1_000_000)]
MOST_TEMPLATE = 2 << 20
"""Bytes of a template file: 32 anchors have their patches in it."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One configured screen on the list."""

    settings: ScreenSettings
    told: Told | None
    active: tuple[Template, ...]
    draft: History | None
    habits: Mapping[str, int] = field(default_factory=dict)
    """How many corrections recur, by id of the active template."""

    def uses(self, id: str, version: int) -> bool:
        """Whether it is compared with that version."""
        return any(one.id == id and one.version == version for one in self.active)


@dataclass(frozen=True, slots=True)
class Shelf:
    """All versions of one template, the newest first."""

    newest: Template
    versions: tuple[int, ...]


@router.get("/teach")
async def screens(view: _See, viewer: _Teacher) -> HTMLResponse:
    """All screens and all templates."""
    room = view.console.teaching

    def read() -> tuple[tuple[Screen, ...], tuple[Shelf, ...]]:
        room.clear_old()
        found = tuple(
            Screen(
                one, window.seen(room.live(one.name)), room.library.active(one.name), room.desk(one.name).history()
            )
            for one in view.console.services.settings.screens
        )
        return found, tuple(_shelf(room, id) for id in room.library.ids())

    listed, shelves = await asyncio.to_thread(read)
    listed = tuple([replace(one, habits=await _habits(view, one)) for one in listed])
    deeds = await view.console.services.db.aread(lambda c: audit.of_subject(c, "screens", 20))
    return view.page("screens.html", screens=listed, shelves=shelves, deeds=deeds)


@router.post("/teach/import")
async def take_in(view: _See, viewer: _Teacher, file: UploadFile) -> RedirectResponse:
    """A template that was taught elsewhere. It is used on no screen yet."""
    content = await file.read(MOST_TEMPLATE + 1)
    if len(content) > MOST_TEMPLATE:
        raise HTTPException(413)
    taken = await asyncio.to_thread(view.console.teaching.library.import_, content)
    await noted(view, viewer, "template.imported", f"{taken.id} {taken.version}")
    return RedirectResponse("/teach", status_code=303)


@router.get("/teach/template/{id}/{version}")
async def export(
    view: _See,
    viewer: _Teacher,
    id: Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")],
    version: Annotated[int, Path(ge=1, le=1_000_000)],
) -> Response:
    """The file, without frames: no patient is in it."""
    content = await asyncio.to_thread(view.console.teaching.library.export, id, version)
    await noted(view, viewer, "template.exported", f"{id} {version}")
    headers = {"Content-Disposition": f'attachment; filename="{id}-{version}.json"'}
    return Response(content, media_type="application/json", headers=headers)


@router.post("/teach/{source}/use")
async def use(source: Source, view: _See, viewer: _Teacher, id: _Id, version: _Version) -> RedirectResponse:
    """Compare this screen with that template from now on."""
    known_screen(view, source)
    await asyncio.to_thread(view.console.teaching.library.activate, source, id, version)
    await noted(view, viewer, "template.activated", f"{source}: {id} {version}")
    return RedirectResponse("/teach", status_code=303)


@router.post("/teach/{source}/drop")
async def drop(source: Source, view: _See, viewer: _Teacher, id: _Id) -> RedirectResponse:
    """Compare it with that template no longer."""
    known_screen(view, source)
    await asyncio.to_thread(view.console.teaching.library.deactivate, source, id)
    await noted(view, viewer, "template.deactivated", f"{source}: {id}")
    return RedirectResponse("/teach", status_code=303)


@router.post("/teach/{source}/back")
async def roll_back(source: Source, view: _See, viewer: _Teacher, id: _Id) -> RedirectResponse:
    """The version that was in use before."""
    known_screen(view, source)
    now_used = await asyncio.to_thread(view.console.teaching.library.roll_back, source, id)
    await noted(view, viewer, "template.rolled_back", f"{source}: {id} {now_used.version}")
    return RedirectResponse("/teach", status_code=303)


@router.post("/teach/{source}/edit")
async def edit(source: Source, view: _See, viewer: _Teacher, id: _Id, version: _Version) -> RedirectResponse:
    """Put a saved version on the desk, with its frames."""
    known_screen(view, source)
    room = view.console.teaching
    async with room.locks[source]:
        await asyncio.to_thread(_reopen, room, source, id, version)
    return RedirectResponse(f"/teach/{source}", status_code=303)


async def _habits(view: View, screen: Screen) -> dict[str, int]:
    name = screen.settings.name
    return {one.id: len(await habits_of(view, name, reopened(name, one))) for one in screen.active}


def known_screen(view: View, source: str) -> ScreenSettings:
    """A screen of the configuration; 404 for any other."""
    found = next((one for one in view.console.services.settings.screens if one.name == source), None)
    if found is None:
        raise HTTPException(404)
    return found


async def noted(view: View, viewer: Viewer, action: str, detail: str) -> None:
    """Into the audit log."""
    now = now_ms()
    await view.console.services.db.awrite(
        lambda c: audit.add(c, now, viewer.account.id, action, "screens", detail)
    )


def _reopen(room: Room, source: str, id: str, version: int) -> None:
    desk, frames = room.desk(source), room.library.frames(id, version)
    draft = reopened(source, room.library.get(id, version))
    desk.clear()
    room.forget(source)
    for name, png in zip(FRAMES, frames, strict=False):
        if picture(png).shape[:2] == (draft.height, draft.width):
            desk.put(name, png)
    desk.keep(History(present=draft))


def _shelf(room: Room, id: str) -> Shelf:
    versions = tuple(reversed(room.library.versions(id)))
    return Shelf(room.library.get(id, versions[0]), versions)
