"""The live board: the newest image large, what still waits for a person, and the list of recent cases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection

from cloud_sync.kit.web import midnight
from cloud_sync.link.ports import OutboxStatus
from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import Console, View, anybody, view_of
from edge.enrol.check import Trouble, trouble
from edge.store import board, cards, cases, content
from edge.store.board import DeviceRow
from edge.store.cards import Card
from edge.store.content import Notices

router = APIRouter(include_in_schema=False)
_CARDS = 12


@dataclass(frozen=True, slots=True)
class Board:
    """What the board shows at one moment."""

    cards: tuple[Card, ...]
    recent: tuple[Card, ...]
    graded: dict[str, int]
    last_alert: int


@dataclass(frozen=True, slots=True)
class Status:
    """Devices, queue and link at one moment."""

    devices: tuple[DeviceRow, ...]
    waiting: int
    outbox: OutboxStatus
    link: str
    at: int
    notices: Notices
    certificate: Trouble | None


async def read_board(console: Console, *, identity: bool) -> Board:
    """One consistent snapshot."""
    since, settings = midnight(now_ms(), console.zone), console.settings
    open_since = now_ms() - settings.session_hours * 3_600_000

    def read(connection: Connection) -> Board:
        return Board(
            cards.on_board(connection, open_since, _CARDS, identity=identity),
            cards.recent(connection, settings.recent, identity=identity),
            board.graded(connection, since),
            board.last_alert_id(connection),
        )

    return await console.services.db.aread(read)


async def read_status(console: Console) -> Status:
    """What the strip at the foot of the board and the banner above it say."""
    now, services = now_ms(), console.services

    def read(connection: Connection) -> tuple[tuple[DeviceRow, ...], int, Notices]:
        found = board.devices(connection, midnight(now, console.zone))
        return found, cases.waiting(connection), content.notices(connection)

    devices, waiting, notices = await services.db.aread(read)
    outbox = await asyncio.to_thread(services.outbox.status, now)
    certificate = await asyncio.to_thread(trouble, services.settings.enrolment_path, now)
    return Status(devices, waiting, outbox, services.link_status(), now, notices, certificate)


@router.get("/")
async def show(
    view: Annotated[View, Depends(view_of)], viewer: Annotated[Viewer, Depends(anybody)]
) -> HTMLResponse:
    """The whole page; ``/live`` keeps it fresh from here on."""
    shown = await read_board(view.console, identity=viewer.sees_identity)
    return view.page("board.html", board=shown, strip=await read_status(view.console))
