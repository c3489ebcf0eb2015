"""Tells each box what it shall run, over the ingest's connection: when that changed, and after each birth.

The rows are the truth (``desired``); this only says them. Said twice is harmless, for a box obeys a number once.
After a lost connection the broker repeats every box's birth to the centre, and so every box is told again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from cloud_sync.central.database import Database
from cloud_sync.central.part import Outgoing
from cloud_sync.central.rollout import desired, tables
from cloud_sync.central.rollout.desired import Due
from cloud_sync.wire import topics
from cloud_sync.wire.codec import WireError, decode, encode
from cloud_sync.wire.control import Presence
from cloud_sync.wire.topics import Address

log = structlog.get_logger()

_MOST = 200
"""Boxes that are told at once; the rest follows a moment later."""


class Director:
    """A ``Part``: in the ingest's thread. Between two looks at the database it costs nothing."""

    def __init__(self, database: Database, wall: Callable[[], int], look_s: float = 0.25) -> None:
        """``wall`` gives UTC milliseconds; ``look_s``: seconds between two looks at the database."""
        self._database, self._wall, self._look_s = database, wall, look_s
        self._turn: int | None = None
        self._born: dict[str, None] = {}
        self._look_at = 0.0

    def heard(self, address: Address, payload: bytes) -> None:
        """Whoever is born is told."""
        if address.leaf != "state":
            return
        try:
            if decode(payload, Presence).online:
                self._born[address.box] = None
        except WireError:
            return  # the ingest has said so already

    def to_say(self) -> Iterator[Outgoing]:
        """What boxes have not been told yet."""
        if time.monotonic() < self._look_at:
            return
        try:
            found = self._due()
        except SQLAlchemyError:
            log.warning("rollout.unread")
            found = []
        # A part comes at once after a full one, so that many boxes are told in many small turns.
        self._look_at = time.monotonic() + (0 if len(found) >= _MOST else self._look_s)
        for due in found:
            said = due.said.model_copy(update={"t": self._wall()})
            yield Outgoing(topics.down(due.box, "desired"), encode(said), retain=True)

    def _due(self) -> list[Due]:
        born = list(self._born)[:_MOST]
        with self._database.read() as connection:
            if self._turn is None:
                self._turn = connection.scalar(select(func.max(tables.desired.c.turn))) or 0
            changed = desired.since(connection, self._turn, _MOST)
            came = desired.of(connection, born) if born else []
        for box in born:
            del self._born[box]
        if changed:
            self._turn = changed[-1].turn
        told = {due.box: due for due in (*came, *changed)}
        return list(told.values())
