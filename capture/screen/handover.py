"""Handover: shots into the spool. What finds no room waits here and is tried again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import structlog

from capture.errors import Retry
from capture.spool import Spool

log = structlog.get_logger()
MOST_WAITING = 8
"""Shots of some megabytes each. Beyond that the oldest goes, and the journal says so."""
_AGAIN_S = 2.0


class Handover:
    """To one spool, for one screen."""

    def __init__(self, spool: Spool, source: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._spool, self._source, self._clock = spool, source, clock
        self._waiting: deque[bytes] = deque()
        self._next_at = float("-inf")

    def __len__(self) -> int:
        """How many wait for room."""
        return len(self._waiting)

    def put(self, shot: bytes) -> bool:
        """Hand it over, now or when there is room. See :meth:`push`."""
        if len(self._waiting) == MOST_WAITING:
            self._waiting.popleft()
            log.error("screen.dropped", device=self._source, code="spool.full")
        self._waiting.append(shot)
        self._next_at = float("-inf")
        return self.push()

    def push(self) -> bool:
        """Try what waits, not more often than every two seconds. Whether the last of it went now."""
        if not self._waiting or self._clock() < self._next_at:
            return False
        code = "spool.full"
        try:
            while self._waiting and self._spool.has_room(len(self._waiting[0])):
                self._write(self._waiting[0])
                self._waiting.popleft()
        except Retry as error:
            code = error.code
        if self._waiting:
            self._next_at = self._clock() + _AGAIN_S
            log.warning("screen.held", device=self._source, code=code, count=len(self._waiting))
        return not self._waiting

    def _write(self, shot: bytes) -> None:
        with self._spool.receive(kind="frame", source=self._source) as incoming:
            incoming.write(shot)
            incoming.commit(time.time_ns() // 1_000_000)
