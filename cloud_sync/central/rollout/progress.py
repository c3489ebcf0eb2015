"""A rollout as pages and the command line show it: waves, boxes, what was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from cloud_sync.central import schema
from cloud_sync.central.rollout import declining, rows, tables
from cloud_sync.central.rollout.declining import Declined
from cloud_sync.central.rollout.plan import FAILURES, Member, Standing, Tally, needed, tally
from cloud_sync.central.rollout.rows import Rollout, Wave
from cloud_sync.central.rollout.terms import ACTIVE, OPEN, REASON, Reason, RolloutState

_state = tables.content_state


@dataclass(frozen=True, slots=True)
class WaveProgress:
    """One wave. ``needed``: how many of its boxes must report; ``upto``: boxes in it and before it."""

    wave: Wave
    tally: Tally
    needed: int
    upto: int


@dataclass(frozen=True, slots=True)
class BoxProgress:
    """One box of a rollout. ``at``: when the centre heard of its state. Two errors: why it failed, why the way
    back did."""

    member: Member
    standing: Standing
    site: str
    at: int | None
    error_code: str
    error_detail: str
    rollback_code: str
    rollback_detail: str
    declined: Declined | None = None
    again_at: int | None = None
    """When it is asked again, if it declined and the rollout still asks."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done."""

    at: int
    who: str
    deed: str
    why: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Progress:
    """All of a rollout. ``still_active``: boxes that run it although it was cancelled, nothing newer to come."""

    rollout: Rollout
    waves: tuple[WaveProgress, ...]
    boxes: tuple[BoxProgress, ...]
    total: Tally
    still_active: int
    said: str
    """What whoever changed it last said why."""


def of(connection: Connection, one: Rollout, now: int) -> Progress:
    """How far a rollout has come."""
    members = rows.members(connection, one)
    waves, upto = [], 0
    for wave in rows.waves(connection, one.id):
        counted = tally(one.plan, [member for member in members if member.wave == wave.number], now)
        upto += counted.members
        waves.append(WaveProgress(wave, counted, needed(one.plan, wave.number, counted), upto))
    return Progress(
        one, tuple(waves), tuple(_boxes(connection, one, members, now)), tally(one.plan, members, now),
        _still_active(connection, one, members), _said(connection, one.id),
    )  # fmt: skip


def _said(connection: Connection, number: int) -> str:
    table = tables.step
    query = select(table.c.why).where(table.c.rollout == number).order_by(table.c.id.desc()).limit(1)
    return connection.scalar(query) or ""


def steps(connection: Connection, number: int) -> list[Step]:
    """What was done to a rollout, newest first."""
    table = tables.step
    query = select(table).where(table.c.rollout == number).order_by(table.c.id.desc())
    return [
        Step(row.at, row.who, row.deed, row.why, REASON.validate_json(row.reason))
        for row in connection.execute(query)
    ]


def _boxes(connection: Connection, one: Rollout, members: Sequence[Member], now: int) -> list[BoxProgress]:
    """What failed first, then what is at work, then the rest."""
    said = {row.box: row for row in connection.execute(select(_state).where(_state.c.sha256 == one.target.sha256))}
    declined = declining.declines(connection)
    asks = one.state in (*OPEN, RolloutState.COMPLETED) and one.state is not RolloutState.PAUSED
    sites = {row.name: row.site for row in connection.execute(select(schema.box.c.name, schema.box.c.site))}
    found = []
    for member in members:
        row = said.get(member.box) if member.state else None
        standing = member.standing(one.plan, now)
        refused = declined.get(member.box, {}).get(one.target.sha256)
        again = refused.again_at(one.plan) if asks and refused and standing is Standing.DECLINED else None
        found.append(
            BoxProgress(
                member, standing, sites.get(member.box, ""), row.heard_at if row else None,
                row.error_code if row else "", row.error_detail if row else "",
                row.rollback_code if row else "", row.rollback_detail if row else "", refused, again,
            )
        )  # fmt: skip
    return sorted(found, key=lambda box: (_ORDER.index(box.standing), box.member.wave, box.member.box))


_ORDER = (
    *FAILURES, Standing.ACCEPTED, Standing.WORKING, Standing.KEPT, Standing.DECLINED, Standing.UNREACHED,
    Standing.LATER,
)  # fmt: skip


def _still_active(connection: Connection, one: Rollout, members: Sequence[Member]) -> int:
    if one.state is not RolloutState.CANCELLED:
        return 0
    newer = any(
        other.target.release > one.target.release and other.state in (*OPEN, RolloutState.COMPLETED)
        for other in rows.listed(connection)
        if other.target.name == one.target.name
    )
    return 0 if newer else sum(member.state in ACTIVE for member in members)
