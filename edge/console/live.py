"""The live stream: an alert reaches every open page at once, and silence never looks like health.

Events: ``alert`` (``id:`` is alert.id; JSON without identity, for the sound and for programs), ``board`` and
``status`` (the page's fragments), ``again`` (the same bytes came once more), ``bye`` (the log-in ended).
``Last-Event-ID``, or ``?after=`` where a page connects anew, replays missed alerts from the database.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from fastapi.sse import format_sse_event

from edge.console.auth import COOKIE, Viewer
from edge.console.frame import LAST_ROW, Console, View, anybody, console_of, view_of
from edge.console.pages.board import read_board, read_status
from edge.pipeline.announce import Announcement
from edge.store import board
from edge.store.board import AlertRow

router = APIRouter(include_in_schema=False)
_REPLAY = 200
_BREATH_S = 0.2
"""Between two boards to one page: 500 slices must not make 500 boards; what came meanwhile goes together."""
_RETRY_MS = 1000
"""How soon a browser comes back after a cut."""


@router.get("/live")
async def live(
    request: Request,
    view: Annotated[View, Depends(view_of)],
    _: Annotated[Viewer, Depends(anybody)],
    after: Annotated[int | None, Query(ge=0, le=LAST_ROW)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Alerts from now on, or from the last one that the page has seen."""
    named = re.fullmatch(r"[0-9]{1,19}", last_event_id or "")
    seen = min(int(named.group()), LAST_ROW) if named else after
    stream = Stream(console_of(request), view, request.cookies.get(COOKIE, ""), seen)
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(stream.run(), media_type="text/event-stream", headers=headers)


class Stream:
    """One open page."""

    def __init__(self, console: Console, view: View, token: str, seen: int | None) -> None:
        self._console = console
        self._view = view
        self._token = token
        self._seen = seen

    async def run(self) -> AsyncGenerator[bytes, None]:
        """Listen first, then read what is there: nothing falls between the two."""
        heard = self._console.services.announcer.subscribe()
        waiting = asyncio.ensure_future(anext(heard))
        try:
            await asyncio.sleep(0)
            yield format_sse_event(retry=_RETRY_MS, comment="qcbox")
            yield await self._alerts()
            yield await self._fragment("board") + await self._fragment("status")
            while True:
                done, _ = await asyncio.wait({waiting}, timeout=self._console.settings.heartbeat_seconds)
                changed = await self._look_again()
                if self._view.viewer is None:
                    yield format_sse_event(event="bye", data_str="{}")
                    return
                if changed:
                    yield await self._fragment("board")
                if done:
                    announcement, waiting = waiting.result(), asyncio.ensure_future(anext(heard))
                    if self._covered(announcement):
                        continue
                    async for event in self._told(announcement):
                        yield event
                    await asyncio.sleep(_BREATH_S)
                else:
                    yield await self._fragment("status")
        finally:
            waiting.cancel()
            await asyncio.wait({waiting})
            await heard.aclose()

    def _covered(self, announcement: Announcement) -> bool:
        """Whether it went together with an earlier one."""
        return announcement.kind == "alert" and announcement.id <= (self._seen or 0)

    async def _told(self, announcement: Announcement) -> AsyncIterator[bytes]:
        if announcement.kind == "duplicate":
            yield format_sse_event(event="again", data_str=json.dumps({"id": announcement.id}))
        if announcement.kind == "alert":
            yield await self._alerts()
        if announcement.kind != "link":
            yield await self._fragment("board")
        yield await self._fragment("status")

    async def _alerts(self) -> bytes:
        """Every alert the page has not seen. A page that is new here starts at the newest."""
        if self._seen is None:
            self._seen = await self._console.services.db.aread(board.last_alert_id)
        seen = self._seen
        rows = await self._console.services.db.aread(lambda c: board.alerts_after(c, seen, _REPLAY))
        self._seen = rows[-1].id if rows else seen
        return b"".join(format_sse_event(event="alert", id=str(row.id), data_str=_as_json(row)) for row in rows)

    async def _fragment(self, name: str) -> bytes:
        viewer = self._view.viewer
        if name == "status":
            html = self._view.html("part/status.html", strip=await read_status(self._console))
        else:
            identity = viewer is not None and viewer.sees_identity
            html = self._view.html("part/board.html", board=await read_board(self._console, identity=identity))
        return format_sse_event(event=name, data_str=html)

    async def _look_again(self) -> bool:
        """Look at the session: it may have ended, or been locked or touched meanwhile. True: rights changed."""
        before = self._view.viewer
        viewer = await self._console.auth.viewer(self._token, passive=True)
        self._view = View(self._console, viewer, self._view.language)
        return before is not None and viewer is not None and before.locked != viewer.locked


def _as_json(row: AlertRow) -> str:
    return json.dumps(
        {
            "id": row.id,
            "case": row.case_id,
            "level": row.level,
            "grade": row.grade,
            "needs_acknowledgement": row.needs_acknowledgement,
            "created_at": row.created_at,
        }
    )
