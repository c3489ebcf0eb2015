"""What needs a person: missing numbers, messages that cannot be read, contradictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from sqlalchemy import Connection, select

from cloud_sync.central import schema, streams
from cloud_sync.central.enrolment import tables as enrolment
from cloud_sync.central.frame import View, view_of

router = APIRouter()
_See = Annotated[View, Depends(view_of)]
_MOST = 100


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that could not be read. Its content is kept in the database and not shown."""

    box: str
    seq: int | None
    received_at: int
    code: str
    detail: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """One contradiction."""

    box: str
    kind: str
    seq: int
    raised_at: int


@router.get("/problems")
def show(view: _See) -> HTMLResponse:
    """Gaps, dead letters and integrity alarms, newest first."""
    with view.centre.database.read() as connection:
        return view.page(
            "problems.html",
            gaps=streams.gaps(connection),
            letters=_letters(connection),
            alarms=_alarms(connection),
        )


def _letters(connection: Connection) -> list[DeadLetter]:
    table = schema.dead_letter
    columns = (table.c.box, table.c.seq, table.c.received_at, table.c.code, table.c.detail, table.c.bytes)
    query = select(*columns).order_by(table.c.id.desc()).limit(_MOST)
    return [
        DeadLetter(row.box, row.seq, row.received_at, row.code, row.detail, row.bytes)
        for row in connection.execute(query)
    ]


def _alarms(connection: Connection) -> list[Alarm]:
    table = schema.alarm
    query = select(table).order_by(table.c.id.desc()).limit(_MOST)
    found = [Alarm(row.box, row.kind, row.seq, row.raised_at) for row in connection.execute(query)]
    papers = enrolment.alarm
    query = select(papers).order_by(papers.c.id.desc()).limit(_MOST)
    found += [Alarm(row.box, f"alarm.{row.kind}", 0, row.raised_at) for row in connection.execute(query)]
    return sorted(found, key=lambda alarm: -alarm.raised_at)[:_MOST]
