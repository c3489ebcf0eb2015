"""Announcer: tells the pages of this process that something new is in the database.

An announcement carries no content, only a kind and a row id: who hears it reads the row. So a page
that missed some (slow browser, dropped connection) replays them from the table by id, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Literal

AnnouncementKind = Literal["alert", "duplicate", "decision", "link"]

# A page that is this far behind replays from the table; older announcements add nothing.
_BACKLOG = 256


@dataclass(frozen=True, slots=True)
class Announcement:
    """``id`` is alert.id for ``alert`` and for ``duplicate`` (the earlier alert), else a row id or 0."""

    kind: AnnouncementKind
    id: int


class Announcer:
    """Fan-out within one event loop. Call both methods from that loop."""

    def __init__(self) -> None:
        self._subscribers: set[asyncio.Queue[Announcement]] = set()

    def announce(self, kind: AnnouncementKind, row_id: int) -> None:
        """Tell everybody who listens; a subscriber that lags loses its oldest announcement."""
        for queue in self._subscribers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(Announcement(kind, row_id))

    async def subscribe(self) -> AsyncGenerator[Announcement, None]:
        """Announcements from the first ``anext`` on, until the iterator is closed."""
        queue: asyncio.Queue[Announcement] = asyncio.Queue(_BACKLOG)
        self._subscribers.add(queue)
        try:
            while True:
                yield await queue.get()
        finally:
            self._subscribers.discard(queue)
