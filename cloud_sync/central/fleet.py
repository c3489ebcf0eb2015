"""What the centre knows of its boxes: who is there, how much waits, whether two use one name."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, select

from cloud_sync.central import schema, streams
from cloud_sync.central.database import Database
from cloud_sync.central.rollout import events, tables
from cloud_sync.link.terms import Arrived
from cloud_sync.wire.codec import WireError, decode
from cloud_sync.wire.control import Birth, Death, Metrics, Presence
from cloud_sync.wire.topics import Address

log = structlog.get_logger()

_GAUGES = ("seq_hi", "depth", "oldest_age_s", "quarantined", "disk_pct")
"""Gauges that are columns of ``box``; the integers among them come as floats."""
_MOST = 2**53 - 1
"""Of a count (cloud_sync.wire.words.Count); a gauge may say any float, a column holds 64 bits."""


def seen(database: Database, connection: Connection, boxes: Set[str], now: int) -> None:
    """These boxes have just spoken."""
    if not boxes:
        return
    _meet(database, connection, boxes, now)
    table = schema.box
    connection.execute(table.update().where(table.c.name.in_(boxes)).values(last_seen=now))


def hear(database: Database, connection: Connection, said: Arrived, address: Address, now: int) -> None:
    """A message of a box on ``up/state``, ``up/metrics`` or ``up/reply``. What cannot be read is left out:
    these messages may be lost."""
    _meet(database, connection, {address.box}, now)
    try:
        if address.leaf == "metrics":
            _gauges(connection, address.box, decode(said.payload, Metrics))
        elif address.leaf == "state" and decode(said.payload, Presence).online:
            heard_at = None if said.retained else now
            _birth(database, connection, address.box, decode(said.payload, Birth), heard_at)
        elif address.leaf == "state":
            _death(connection, address.box, decode(said.payload, Death))
    except WireError as error:
        log.warning("ingest.dead_letter", box=address.box, code=error.code, where=address.leaf)


def _meet(database: Database, connection: Connection, boxes: Set[str], now: int) -> None:
    rows = [{"name": name, "first_seen": now, "last_seen": now} for name in sorted(boxes)]
    connection.execute(database.insert_new(schema.box).values(rows))


def _birth(database: Database, connection: Connection, box: str, birth: Birth, heard_at: int | None) -> None:
    """``heard_at`` is None for a birth that the broker had kept: it says nothing of the clock now."""
    table = schema.box
    was = connection.execute(select(table.c.boot, table.c.boot_before).where(table.c.name == box)).one()
    if birth.boot not in (was.boot, "") and birth.boot == was.boot_before:
        # A box starts anew with a new boot; an old one that comes back is a second box.
        row = {"box": box, "kind": "clone", "sha256": birth.boot, "raised_at": heard_at or birth.clock.wall}
        connection.execute(database.insert_new(schema.alarm).values(row))
        log.error("ingest.integrity", box=box, code="clone")
    before = was.boot_before if birth.boot == was.boot else was.boot
    connection.execute(
        table.update()
        .where(table.c.name == box)
        .values(
            site=birth.site, agent=birth.agent, boot=birth.boot, boot_before=before, online=1,
            stream=birth.stream, seq_hi=birth.seq_hi, depth=birth.depth, oldest_age_s=birth.oldest_age_s,
            quarantined=birth.quarantined, disk_pct=birth.disk_pct, clock_synced=int(birth.clock.synced),
            **({} if heard_at is None else {"clock_offset_ms": birth.clock.wall - heard_at}),
        )
    )  # fmt: skip
    events.born(connection, box, birth, heard_at)


def _death(connection: Connection, box: str, death: Death) -> None:
    """A will that comes late, after the box's next birth, is of another boot and changes nothing."""
    table = schema.box
    connection.execute(
        table.update().where(table.c.name == box, table.c.boot.in_((death.boot, ""))).values(online=0)
    )


def _gauges(connection: Connection, box: str, metrics: Metrics) -> None:
    table = schema.box
    values = {one.name: one.value for one in metrics.gauges if one.name in _GAUGES}
    for name in {"seq_hi", "depth", "quarantined"} & values.keys():
        values[name] = int(max(0, min(values[name], _MOST)))
    if values:
        mine = (table.c.name == box) & (table.c.boot == metrics.boot)
        connection.execute(table.update().where(mine).values(values))


def online(connection: Connection) -> set[str]:
    """Names of the boxes that are there now."""
    return set(connection.scalars(select(schema.box.c.name).where(schema.box.c.online == 1)))


@dataclass(frozen=True, slots=True)
class BoxRow:
    """One box as a page shows it. Times are UTC milliseconds."""

    name: str
    site: str
    agent: str
    online: bool
    first_seen: int
    last_seen: int
    depth: int
    """Results that wait at the box, by its own words."""
    oldest_age_s: float
    quarantined: int
    disk_pct: float | None
    clock_synced: bool | None
    clock_offset_ms: int | None
    settled: int
    """Highest number of its present stream that the centre has settled."""
    missing: int
    """Numbers that the centre does not have although it has later ones, in all of its streams."""
    unheard: int
    """Numbers that the box has given out beyond that."""
    stale: str = ""
    """Why nothing newly signed can be activated on it, by its own words; empty: all is well."""
    stale_since: int | None = None
    """Since when the centre knows."""

    @property
    def waiting(self) -> int:
        """Results still at the box, as far as the centre has heard; fresher than ``depth``."""
        return self.missing + self.unheard


def boxes(connection: Connection, only: str = "") -> list[BoxRow]:
    """All boxes by name, or the one."""
    table, numbers, stale = schema.box, schema.stream, tables.stale
    mine = (numbers.c.box == table.c.name) & (numbers.c.stream == table.c.stream)
    query = select(table, numbers.c.hi, stale.c.code, stale.c.since).outerjoin(numbers, mine)
    query = query.outerjoin(stale, stale.c.box == table.c.name).order_by(table.c.name)
    rows = connection.execute(query.where(table.c.name == only) if only else query).all()
    missing = {row.name: streams.missing(connection, row.name) for row in rows}
    return [
        BoxRow(
            name=row.name, site=row.site, agent=row.agent, online=bool(row.online), first_seen=row.first_seen,
            last_seen=row.last_seen, depth=row.depth, oldest_age_s=row.oldest_age_s, quarantined=row.quarantined,
            disk_pct=row.disk_pct, clock_synced=None if row.clock_synced is None else bool(row.clock_synced),
            clock_offset_ms=row.clock_offset_ms, settled=row.hi or 0, missing=missing[row.name],
            unheard=max(0, row.seq_hi - (row.hi or 0)), stale=row.code or "", stale_since=row.since,
        )
        for row in rows
    ]  # fmt: skip
