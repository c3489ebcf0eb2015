"""The orders of the day, asked for again and again, and kept a while when the server is away."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from capture.dicom.settings import WorklistSettings
from capture.errors import Retry
from capture.order import Order
from edge.clock import now_ms
from edge.pausing import pause

log = structlog.get_logger()


class Worklist:
    """What the server listed, in memory: after a start it is asked first of all."""

    def __init__(self, settings: WorklistSettings, timezone: str) -> None:
        self._settings = settings
        self._zone = ZoneInfo(timezone)
        self._listed: dict[Order, int] = {}
        self._reached: bool | None = None

    @property
    def orders(self) -> tuple[Order, ...] | None:
        """What counts now; None when no worklist is connected or it never answered."""
        return tuple(self._listed) if self._reached is not None and self._asks else None

    @property
    def _asks(self) -> bool:
        return bool(self._settings.host)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``."""
        while self._asks and not stop.is_set():
            await self.ask()
            await pause(stop, self._settings.every_s)

    async def ask(self) -> None:
        """Once. A server that is away leaves what it listed before."""
        from capture.dicom.worklist import orders_of

        today = datetime.now(self._zone).date()
        try:
            # Night shifts: what was ordered before midnight is examined after it.
            found = await asyncio.to_thread(orders_of, self._settings, today - timedelta(days=1), today)
        except Retry as error:
            if self._reached is not False:
                log.warning("worklist.lost", code=error.code)
            self._reached = False if self._listed else None
            found = ()
        else:
            if not self._reached:
                log.info("worklist.reached", count=len(found))
            self._reached = True
        now = now_ms()
        self._listed |= dict.fromkeys(found, now)
        oldest = now - self._settings.keep_hours * 3_600_000
        self._listed = {order: at for order, at in self._listed.items() if at >= oldest}
