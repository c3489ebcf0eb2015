"""Signed content: what judges, since when and from whom, what is on its way, what changed; and the way back."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from capture.errors import Misuse
from edge.clock import now_ms
from edge.console import deeds
from edge.console.auth import Viewer
from edge.console.frame import View, allowed, anybody, view_of
from edge.content import overview
from edge.content.overview import Differences
from edge.content.trusting import trust_of
from edge.enrol.check import trouble
from edge.store import audit, content

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]
_Keeper = Annotated[Viewer, Depends(allowed(lambda viewer: viewer.keeps_content))]
_Name = Annotated[str, Path(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]


@router.get("/content")
async def show_all(view: _See, viewer: _Who) -> HTMLResponse:
    """Everything that judges, and what is on its way."""
    services = view.console.services
    ships = await asyncio.to_thread(overview.shipped)
    shown = await services.db.aread(lambda connection: overview.overview(connection, ships))
    notices = await services.db.aread(content.notices)
    certificate = await asyncio.to_thread(trouble, services.settings.enrolment_path, now_ms())
    trust = trust_of(services.settings.content_path)
    standing, signers = await asyncio.to_thread(trust.standing), await asyncio.to_thread(trust.signers)
    return view.page(
        "content.html", shown=shown, notices=notices, certificate=certificate, standing=standing, signers=signers
    )


@router.get("/content/{name}")
async def show(name: _Name, view: _See, viewer: _Who) -> HTMLResponse:
    """One name: what changed rule by rule, its history, and the form to take it back."""
    return await _page(view, name)


@router.post("/content/{name}/rollback")
async def roll_back(
    name: _Name, view: _See, viewer: _Keeper, reason: Annotated[str, Form(max_length=200)] = ""
) -> Response:
    """Take back what judges under this name."""
    try:
        await deeds.take_content_back(view.console, viewer, name, reason)
    except Misuse as problem:
        return await _page(view, name, problem, 422)
    return RedirectResponse(f"/content/{name}", status_code=303)


async def _page(view: View, name: str, problem: Misuse | None = None, status: int = 200) -> HTMLResponse:
    services = view.console.services
    slot, releases, steps = await services.db.aread(lambda connection: overview.of_name(connection, name))
    beside = await services.db.aread(lambda connection: overview.beside(connection, releases))
    ships = next((one for one in await asyncio.to_thread(overview.shipped) if one.name == name), None)
    if not releases and ships is None:
        raise HTTPException(404)
    found = Differences("")
    if slot.active is not None:
        folder, before = services.settings.content_path, slot.previous
        held = before.held if before else None
        found = await asyncio.to_thread(overview.differences, folder, slot.active.held, held)
    signers = await asyncio.to_thread(trust_of(services.settings.content_path).signers)
    entries = await services.db.aread(lambda connection: audit.of_subject(connection, name))
    return view.page(
        "content_name.html", status, name=name, slot=slot, releases=releases, steps=steps, ships=ships,
        beside=beside, found=found, problem=problem, signers=signers,
        deeds=[one for one in entries if one.action.startswith("content.")],
    )  # fmt: skip
