"""The log of the associations: everyday lines are kept for a moment and written together.

One by one, between two images, each finds its code in no cache: the two lines of an association cost an eighth of
all that it takes, together a sixth of that. A process that is killed leaves out what it kept (:data:`TICK_S`).
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime

from structlog.typing import FilteringBoundLogger

from capture.dicom.wire import TICK_S


class Diary:
    """Threads may share it. ``log`` is what it is written to."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log, self._due = log, 0.0
        self._lines: deque[tuple[float, str, dict[str, object]]] = deque()

    def info(self, event: str, **fields: object) -> None:
        """Keep a line, and when it was said."""
        self._lines.append((time.time(), event, fields))

    def warning(self, event: str, **fields: object) -> None:
        """At once, behind all that was kept."""
        self.write()
        self._log.warning(event, **fields)

    def error(self, event: str, **fields: object) -> None:
        """At once, behind all that was kept."""
        self.write()
        self._log.error(event, **fields)

    def write_now_and_then(self) -> None:
        """What was kept, if that was not done lately; call it at every turn of a loop."""
        now = time.monotonic()
        if now >= self._due:
            self._due = now + TICK_S
            self.write()

    def write(self) -> None:
        """What was kept."""
        with suppress(IndexError):  # another thread may have written the last one
            while self._lines:
                at, event, fields = self._lines.popleft()
                self._log.info(event, timestamp=datetime.fromtimestamp(at, UTC), **fields)
