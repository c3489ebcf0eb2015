"""Completeness of a stream: the highest number settled, the contiguous low-water mark, and the gaps between.

A number is settled when its event is stored or its message is a dead letter that says its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, Table, and_, func, select, union

from cloud_sync.central import schema

_SETTLING = (schema.event, schema.dead_letter)
_STEP = 500
"""How many numbers to read at once while the low-water mark climbs."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that the centre misses although later ones came. ``since``: when the first later one came."""

    box: str
    stream: str
    first: int
    last: int
    since: int


def settle(connection: Connection, box: str, stream: str, highest: int, now: int) -> int:
    """Bring the stream's row up to date after a batch; return its ``hi``."""
    table = schema.stream
    mine = and_(table.c.box == box, table.c.stream == stream)
    row = connection.execute(select(table.c.hi, table.c.low_water).where(mine)).first()
    hi = max(highest, row.hi if row else 0)
    low = _climb(connection, box, stream, row.low_water if row else 0)
    if row is None:
        connection.execute(table.insert().values(box=box, stream=stream, hi=hi, low_water=low, first_seen=now))
    elif (hi, low) != (row.hi, row.low_water):
        connection.execute(table.update().where(mine).values(hi=hi, low_water=low))
    return int(hi)


def gaps(connection: Connection, most: int = 100) -> list[Gap]:
    """The gaps of all streams, oldest stream first, not more than ``most``."""
    table = schema.stream
    behind = select(table).where(table.c.low_water < table.c.hi).order_by(table.c.first_seen)
    found: list[Gap] = []
    for row in connection.execute(behind).all():
        found.extend(_gaps_of(connection, row.box, row.stream, row.low_water, most - len(found)))
        if len(found) >= most:
            break
    return found


def missing(connection: Connection, box: str) -> int:
    """How many numbers of a box's streams are not settled although later ones are."""
    table = schema.stream
    behind = select(table).where(table.c.box == box, table.c.low_water < table.c.hi)
    total = 0
    for row in connection.execute(behind).all():
        above = select(func.count()).select_from(_settled(box, row.stream, row.low_water).subquery())
        total += row.hi - row.low_water - (connection.scalar(above) or 0)
    return total


def _settled(box: str, stream: str, above: int) -> Select[tuple[int, int]]:
    parts = [
        select(table.c.seq.label("seq"), table.c.received_at.label("received_at")).where(
            table.c.box == box, table.c.stream == stream, table.c.seq > above
        )
        for table in _SETTLING
    ]
    both = union(*parts).subquery()
    return select(both.c.seq, func.min(both.c.received_at).label("received_at")).group_by(both.c.seq)


def _climb(connection: Connection, box: str, stream: str, low: int) -> int:
    while True:
        ahead = sorted({seq for table in _SETTLING for seq in _next(connection, table, box, stream, low)})
        climbed = low
        for seq in ahead:
            if seq != climbed + 1:
                break
            climbed = seq
        if climbed == low:
            return low
        low = climbed


def _next(connection: Connection, table: Table, box: str, stream: str, low: int) -> Sequence[int]:
    query = select(table.c.seq).where(table.c.box == box, table.c.stream == stream, table.c.seq > low)
    return connection.scalars(query.order_by(table.c.seq).limit(_STEP)).all()


def _gaps_of(connection: Connection, box: str, stream: str, low: int, most: int) -> list[Gap]:
    settled = _settled(box, stream, low).subquery()
    before = func.lag(settled.c.seq, 1, low).over(order_by=settled.c.seq)
    steps = select(settled.c.seq, settled.c.received_at, before.label("before")).subquery()
    query = select(steps).where(steps.c.seq > steps.c.before + 1).order_by(steps.c.seq).limit(most)
    return [Gap(box, stream, row.before + 1, row.seq - 1, row.received_at) for row in connection.execute(query)]
