"""How far each queue is: for a page, a command, a metric, the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.exc import DatabaseError

from capture.text import Bilingual
from edge.check import Check
from edge.clock import now_ms
from edge.forward.settings import ForwardSettings
from edge.forward.steps import RIS
from edge.forward.words import hint, meaning
from edge.store.database import engine
from edge.store.schema import case, commitment, forward, relayed_step

if TYPE_CHECKING:
    from edge.settings import Settings

COMMITMENTS = "commitment"
_UNDER_WAY = ("waiting", "asked", "answered")
_LATE_MS = 10 * 60 * 1000
"""What waits longer to go on is worth a warning."""


@dataclass(frozen=True, slots=True)
class Queued:
    """One queue."""

    name: str
    waiting: int
    refused: int
    oldest: int | None
    """UTC milliseconds at which the oldest that waits was received."""
    code: str
    """Why the newest of those that wait or were refused is not gone; empty: it was not tried yet."""

    @property
    def said(self) -> Bilingual | None:
        """What the code means, if it is known."""
        return meaning(self.code)

    @property
    def hint(self) -> Bilingual:
        """What to do about it."""
        return hint(self.code)


def status(connection: Connection, settings: ForwardSettings) -> list[Queued]:
    """Every queue of the settings, and those of former settings that still hold something."""
    return list(_queues(connection, settings))


def _queues(connection: Connection, settings: ForwardSettings) -> Iterator[Queued]:
    named = [one.name for one in settings.destinations]
    left = connection.scalars(select(forward.c.destination).where(forward.c.state == "refused").distinct())
    received = select(case.c.received_at).where(case.c.id == forward.c.case_id).scalar_subquery()
    for name in dict.fromkeys([*named, *left]):
        yield _queue(connection, name, forward, received, forward.c.destination == name)
    if settings.ris is not None:
        yield _queue(connection, RIS, relayed_step, relayed_step.c.id)
    if settings.committing is not None:
        yield _queue(connection, COMMITMENTS, commitment, commitment.c.received_at)


def _queue(connection: Connection, name: str, rows: Table, received: Any, *which: Any) -> Queued:
    waits, refused = rows.c.state.in_(_UNDER_WAY), rows.c.state == "refused"
    counted = select(func.count().filter(waits), func.count().filter(refused)).select_from(rows).where(*which)
    waiting, set_aside = connection.execute(counted).one()
    first = connection.scalar(select(func.min(received)).where(waits, *which))
    oldest = int(first[:12], 16) if isinstance(first, str) else first  # an arrival's id begins with its time
    newest = select(rows.c.code).where(waits | refused, rows.c.code.is_not(None), *which)
    code = connection.scalar(newest.order_by(rows.c.updated_at.desc()).limit(1))
    return Queued(name, waiting, set_aside, oldest, code or "")


def checks(settings: Settings) -> Iterator[Check]:
    """Whether images, steps and answers get to whom they are for; for the doctor."""
    if not settings.database_path.exists() or not (settings.forward.destinations or settings.forward.ris):
        return
    reading = engine(settings.database_path, read_only=True)
    try:
        with reading.begin() as connection:
            queues = status(connection, settings.forward)
    except DatabaseError:  # of another version; the agent brings it up to date
        return
    finally:
        reading.dispose()
    for one in queues:
        text = Bilingual(
            f"转发 {one.name}：等待 {one.waiting}，被拒 {one.refused}，最近应答 {one.code or '无'}",
            f"On to {one.name}: {one.waiting} waiting, {one.refused} refused, last answer {one.code or 'none'}",
        )
        late = one.oldest is not None and now_ms() - one.oldest > _LATE_MS
        if one.refused or late:
            yield Check(f"forward {one.name}", "warning", text, hint(one.code))
        else:
            yield Check(f"forward {one.name}", "ok", text)


def drop_former(connection: Connection, settings: ForwardSettings, now: int) -> None:
    """What waits for a destination that is no longer one is given up: retention would wait with it for ever."""
    named = [one.name for one in settings.destinations]
    former = (forward.c.state == "waiting") & forward.c.destination.not_in(named)
    connection.execute(
        forward.update().where(former).values(state="refused", code="no destination", updated_at=now)
    )
