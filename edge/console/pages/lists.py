"""Two boards beside the live one: devices with their day, and the cases that were set aside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from cloud_sync.kit.web import midnight
from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import View, anybody, view_of
from edge.forward.status import status
from edge.store import board, cards

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]
_ROWS = 200


@router.get("/devices")
async def devices(view: _See, viewer: _Who) -> HTMLResponse:
    """Every device: age of its last image, today's grades, last findings. And where its images go on to."""
    since = midnight(now_ms(), view.console.zone)
    services = view.console.services
    found = await services.db.aread(lambda c: board.devices(c, since, with_findings=3))
    queues = await services.db.aread(lambda c: status(c, services.settings.forward))
    return view.page("devices.html", devices=found, queues=queues)


@router.get("/aside")
async def aside(view: _See, viewer: _Who) -> HTMLResponse:
    """What nobody could judge, with the reason and what to do."""
    identity = viewer.sees_identity
    found = await view.console.services.db.aread(lambda c: cards.set_aside(c, _ROWS, identity=identity))
    return view.page("aside.html", cards=found)
