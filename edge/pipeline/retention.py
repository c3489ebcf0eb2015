"""Retention: image files go by age and space, rows stay. What somebody still needs is not touched."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, select

from edge.forward import queue
from edge.settings import RetentionSettings
from edge.store.blobs import Blobs
from edge.store.cases import SETS
from edge.store.database import Database
from edge.store.facts import forget_facts
from edge.store.outbox import Outbox
from edge.store.schema import acquisition, alert, case, set_member, verdict
from models.sets.image_set import RECORD_MARK

log = structlog.get_logger()

DAY_MS = 24 * 3600 * 1000
EVENTS_KEPT_MS = 30 * DAY_MS
"""Acknowledged events stay this long, so that the centre can ask for them again."""
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep removed: how many cases' files, how many bytes."""

    cases: int
    freed: int


class Retention:
    """Removes the image files of the oldest cases that nobody needs any more.

    ``reports``: results go to a centre, so a case is kept until the centre has its verdict.
    """

    def __init__(
        self, db: Database, blobs: Blobs, outbox: Outbox, settings: RetentionSettings, *, reports: bool
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._outbox = outbox
        self._settings = settings
        self._searched = False
        self._done = ["reported", "set_aside"] if reports else ["reported", "set_aside", "judged"]

    def sweep(self, now: int, shortage: int = 0) -> Swept:
        """Remove what is too old, then the oldest until the space fits.

        ``now``: UTC milliseconds. ``shortage``: bytes the disk itself lacks.
        """
        swept = self._sweep_files(now, shortage)
        if not self._searched:
            # Only a crash leaves one, so once in the life of an agent is enough.
            self._searched = True
            self._sweep_orphans(now)
        # After the files: on a full disk nothing can be written before something is gone.
        self._db.write(lambda connection: self._outbox.prune(connection, now - EVENTS_KEPT_MS))
        if swept.cases:
            log.info("retention.swept", count=swept.cases, bytes=swept.freed)
        return swept

    def _sweep_files(self, now: int, shortage: int) -> Swept:
        used = self._db.read(lambda connection: _used(connection, self._blobs))
        excess = max(used - round(self._settings.max_gb * 1e9), shortage)
        too_old = now - self._settings.days * DAY_MS
        swept = Swept(0, 0)
        while batch := self._db.read(self._removable):
            for row in batch:
                if row.received_at >= too_old and swept.freed >= excess:
                    return swept
                swept = Swept(swept.cases + 1, swept.freed + self._remove(row, now))
        return swept

    def _sweep_orphans(self, now: int) -> None:
        """Records that no row speaks of: the agent ended between the file and its transaction.

        Nothing but a record is ever taken for an orphan, and none of the last day: its row may be on its way.
        """
        before = (now - DAY_MS) / 1000
        for path in self._blobs.each():
            with suppress(FileNotFoundError):
                old = path.stat().st_ctime < before and _is_record(path)
                if old and not self._db.read(partial(_is_known, sha256=path.name)):
                    self._blobs.remove_unused(path.name, before)

    def _removable(self, connection: Connection) -> Sequence[Row[str, str, int, str | None]]:
        """The next ones, oldest first: done, reported where there is a centre, waiting for nobody."""
        open_alert = exists().where(
            and_(
                alert.c.case_id == case.c.id,
                alert.c.needs_acknowledgement == 1,
                alert.c.acknowledged_at.is_(None),
            )
        )
        query = (
            select(case.c.id, case.c.sha256, case.c.received_at, acquisition.c.preview_sha256)
            .join(acquisition, acquisition.c.case_id == case.c.id)
            .where(case.c.pixels_gone_at.is_(None), case.c.state.in_(self._done))
            .where(~open_alert, ~_is_awaited(), ~queue.waits(case.c.id))
            .order_by(case.c.id)
            .limit(_BATCH)
        )
        return connection.execute(query).all()

    def _remove(self, row: Row[str, str, int, str | None], now: int) -> int:
        """Files first, then the row says so: a crash between is mended by the next sweep."""
        freed = self._blobs.remove(row.sha256)
        if row.preview_sha256 and not self._db.read(lambda c: _shared(c, row.preview_sha256, row.id)):
            freed += self._blobs.remove(row.preview_sha256)
        record = self._db.read(lambda c: _record_of(c, row.id))
        if record is not None:
            freed += self._blobs.remove(record)
        self._db.write(lambda connection: _note_gone(connection, row.id, now))
        return freed


def _note_gone(connection: Connection, case_id: str, now: int) -> None:
    """Nothing to draw marks over, either. Of a slice, the facts go too: there are hundreds of them a series."""
    connection.execute(case.update().where(case.c.id == case_id).values(pixels_gone_at=now))
    connection.execute(verdict.update().where(verdict.c.case_id == case_id).values(marks=None))
    forget_facts(connection, case_id)


def _used(connection: Connection, blobs: Blobs) -> int:
    """Bytes of images and of what is kept of them for their series; previews are small beside those."""
    kept = select(func.sum(case.c.size)).where(case.c.pixels_gone_at.is_(None), case.c.same_as.is_(None))
    records = (
        select(set_member.c.record_sha256)
        .join(case, case.c.id == set_member.c.case_id)
        .where(case.c.pixels_gone_at.is_(None), set_member.c.record_sha256.is_not(None))
        .distinct()
    )
    return (connection.scalar(kept) or 0) + sum(map(blobs.size, connection.scalars(records)))


def _is_record(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(RECORD_MARK)) == RECORD_MARK


def _is_known(connection: Connection, sha256: str) -> bool:
    image = select(case.c.id).where(case.c.sha256 == sha256)
    record = select(set_member.c.case_id).where(set_member.c.record_sha256 == sha256)
    return any(connection.scalar(query.limit(1)) is not None for query in (image, record))


_waiting = case.alias("waiting")


def _is_awaited() -> ColumnElement[bool]:
    """Whether the series or study of an image is still to be judged."""
    return exists().where(
        _waiting.c.kind.in_(SETS),
        _waiting.c.exam_id == case.c.exam_id,
        _waiting.c.state.in_(("held", "judging", "waiting_retry")),
    )


def _record_of(connection: Connection, case_id: str) -> str | None:
    """What was kept of an image for its series, when no other image is in the same file."""
    own = select(set_member.c.record_sha256).where(set_member.c.case_id == case_id).scalar_subquery()
    query = (
        select(set_member.c.case_id, set_member.c.record_sha256)
        .join(case, case.c.id == set_member.c.case_id)
        .where(set_member.c.record_sha256 == own, case.c.pixels_gone_at.is_(None))
    )
    rows = connection.execute(query.limit(2)).all()
    return rows[0].record_sha256 if len(rows) == 1 else None


def _shared(connection: Connection, preview_sha256: str, case_id: str) -> bool:
    """Whether another case shows the very same picture."""
    query = (
        select(case.c.id)
        .join(acquisition, acquisition.c.case_id == case.c.id)
        .where(
            acquisition.c.preview_sha256 == preview_sha256, case.c.id != case_id, case.c.pixels_gone_at.is_(None)
        )
    )
    return connection.scalar(query.limit(1)) is not None
