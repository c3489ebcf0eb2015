"""What nobody needs any more goes: old replays, and the steps of drafts that have ended. What was done stays."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from cloud_sync.central.authoring import tables
from cloud_sync.central.database import Database

log = structlog.get_logger()

KEPT_DAYS = 90
_EVERY_S = 6 * 3600.0
_draft, _edit, _deed, _replay = tables.draft, tables.edit, tables.deed, tables.replay


def run(database: Database, wall: Callable[[], int], stop: threading.Event) -> None:
    """Until ``stop``, every few hours. ``wall``: UTC milliseconds."""
    while not stop.is_set():
        try:
            with database.write() as connection:
                swept = sweep(connection, wall())
            if swept:
                log.info("authoring.swept", count=swept)
        except SQLAlchemyError:
            log.warning("authoring.unswept")
        stop.wait(_EVERY_S)


def sweep(connection: Connection, now: int) -> int:
    """Rows that went. Of an open draft every edit stays, and its newest replay; of one that ended ``KEPT_DAYS``
    ago the text that it ended with stays, and the line in the history."""
    before = now - KEPT_DAYS * 86_400_000
    last = select(func.max(_deed.c.at)).where(_deed.c.draft == _draft.c.id).scalar_subquery()
    ended = select(_draft.c.id).where(_draft.c.state.in_(("published", "withdrawn")), last < before)
    stands = select(_draft.c.edit).where(_draft.c.id == _edit.c.draft).scalar_subquery()
    newest = select(func.max(_replay.c.id)).where(_replay.c.draft.not_in(ended)).group_by(_replay.c.draft)
    gone = (
        _edit.delete().where(_edit.c.draft.in_(ended), _edit.c.number != stands),
        _replay.delete().where(_replay.c.at < before, _replay.c.id.not_in(newest)),
    )
    return sum(connection.execute(one).rowcount for one in gone)
