"""Rollouts read from their rows, and what a page, the scheduler and the director need beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, func, select

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import schema
from cloud_sync.central.enrolment.tables import enrolled
from cloud_sync.central.rollout import declining, tables
from cloud_sync.central.rollout.plan import Candidate, Member
from cloud_sync.central.rollout.terms import OPEN, REASON, TARGET, Plan, Reason, RolloutState
from cloud_sync.central.rollout.wanted import BoxFacts, Release, fits
from cloud_sync.updates.terms import Audience, Target
from cloud_sync.wire.words import ContentState

_rollout, _wave, _member, _state = tables.rollout, tables.wave, tables.member, tables.content_state

_BACK = 12
"""Rollouts of one name that a box which failed on each of them looks back over."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """One rollout. Times are UTC milliseconds."""

    id: int
    target: Target
    plan: Plan
    state: RolloutState
    wave: int
    pause_after: bool
    watched_from: int
    reason: Reason
    started_by: str
    started_at: int
    ended_at: int | None


@dataclass(frozen=True, slots=True)
class Wave:
    """One wave of a rollout. ``held_at``: since when it has had its success."""

    number: int
    started_at: int | None
    held_at: int | None
    ended_at: int | None


def one(connection: Connection, number: int, *, lock: bool = False) -> Rollout:
    """A rollout; ``lock`` when it will be changed in this transaction.

    Raises:
        Misuse: there is none of this number.
    """
    query = select(_rollout).where(_rollout.c.id == number)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise Misuse(
            "rollout.unknown",
            Bilingual(f"没有编号为 {number} 的发布", f"There is no rollout {number}"),
            Bilingual("查看发布列表", "Look at the list of rollouts"),
        )
    return _read(row)


def listed(connection: Connection, most: int | None = None, *states: RolloutState) -> list[Rollout]:
    """Rollouts, newest first; of these states if any are given."""
    query = select(_rollout).order_by(_rollout.c.id.desc()).limit(most)
    if states:
        query = query.where(_rollout.c.state.in_(states))
    return [_read(row) for row in connection.execute(query)]


def waves(connection: Connection, number: int) -> list[Wave]:
    """The waves of a rollout in order."""
    query = select(_wave).where(_wave.c.rollout == number).order_by(_wave.c.number)
    return [Wave(row.number, row.started_at, row.held_at, row.ended_at) for row in connection.execute(query)]


def members(connection: Connection, rollout: Rollout) -> list[Member]:
    """Who is in a rollout and how far each has come, by wave and name."""
    begun = {wave.number: wave.started_at for wave in waves(connection, rollout.id)}
    box, born = schema.box, tables.born
    mine = (_state.c.box == _member.c.box) & (_state.c.sha256 == rollout.target.sha256)
    query = (
        select(_member, _state.c.state, _state.c.heard_at, box.c.online, born.c.at.label("came_at"))
        .select_from(_member)
        .join(box, box.c.name == _member.c.box)
        .outerjoin(born, born.c.box == _member.c.box)
        .outerjoin(_state, mine & present(_state))
        .where(_member.c.rollout == rollout.id)
        .order_by(_member.c.wave, _member.c.box)
    )
    return [
        Member(
            box=row.box, wave=row.wave, online=bool(row.online),
            state=None if row.state is None else ContentState(row.state),
            since=_latest(begun[row.wave], row.heard_at, row.came_at), accepted=bool(row.accepted),
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def _latest(begun: int | None, *others: int | None) -> int | None:
    return None if begun is None else max(begun, *(other or 0 for other in others))


def present(table: Table) -> ColumnElement[bool]:
    """The row is of the disk that the box has now; for a query that has ``box_born`` joined."""
    return func.coalesce(tables.born.c.stream, table.c.stream) == table.c.stream


def boxes(connection: Connection) -> list[BoxFacts]:
    """All boxes, as far as what they shall run depends on them."""
    groups = _sets(connection, select(tables.group.c.box, tables.group.c.name))
    judged = _sets(connection, select(tables.machine.c.box, tables.machine.c.modality))
    states: dict[str, dict[str, ContentState]] = {}
    query = select(_state.c.box, _state.c.sha256, _state.c.state).outerjoin(
        tables.born, tables.born.c.box == _state.c.box
    )
    for row in connection.execute(query.where(present(_state))):
        states.setdefault(row.box, {})[row.sha256] = ContentState(row.state)
    names = connection.scalars(select(schema.box.c.name).order_by(schema.box.c.name))
    revoked = set(connection.scalars(select(enrolled.c.box).where(enrolled.c.revoked_at.is_not(None))))
    declined = declining.declines(connection)
    return [
        BoxFacts(
            name, groups.get(name, frozenset()), judged.get(name, frozenset()), states.get(name, {}),
            name in revoked, declined.get(name, {}),
        )
        for name in names
    ]  # fmt: skip


def running(connection: Connection) -> set[tuple[str, str]]:
    """Boxes, each with the sha256 of what judges there beside what shipped, by their own words."""
    runs = tables.content_runs
    query = select(runs.c.box, runs.c.sha256).outerjoin(tables.born, tables.born.c.box == runs.c.box)
    found = connection.execute(query.where(runs.c.sha256.is_not(None)).where(present(runs)))
    return {(row.box, row.sha256) for row in found}


def candidates(connection: Connection, audience: Audience) -> list[Candidate]:
    """The boxes that a release is for, with the machines that they judge."""
    machine = tables.machine
    machines = select(machine.c.box, machine.c.modality + "/" + machine.c.manufacturer)
    if audience.modalities:
        machines = machines.where(machine.c.modality.in_(audience.modalities))
    kinds = _sets(connection, machines)
    online = set(connection.scalars(select(schema.box.c.name).where(schema.box.c.online == 1)))
    return [
        Candidate(box.name, box.name in online, kinds.get(box.name, frozenset()))
        for box in boxes(connection)
        if not box.revoked and fits(audience, box.groups, box.modalities)
    ]


def _sets(connection: Connection, query: Select[Any]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for key, value in connection.execute(query):
        found.setdefault(key, set()).add(value)
    return {key: frozenset(values) for key, values in found.items()}


def releases(connection: Connection) -> list[Release]:
    """The rollouts that decide what boxes run: of each name those of the newest releases."""
    order = (_rollout.c.release.desc(), _rollout.c.id.desc())
    place = func.row_number().over(partition_by=_rollout.c.name, order_by=order).label("place")
    ranked = select(_rollout.c.id, place).subquery()
    newest = select(ranked.c.id).where(ranked.c.place <= _BACK)
    found = [_read(row) for row in connection.execute(select(_rollout).where(_rollout.c.id.in_(newest)))]
    turns: dict[int, dict[str, int]] = {one.id: {} for one in found if one.state in OPEN}
    for row in connection.execute(select(_member).where(_member.c.rollout.in_(turns))):
        turns[row.rollout][row.box] = row.wave
    return [Release(one.id, one.target, one.plan, one.state, one.wave, turns.get(one.id, {})) for one in found]


def _read(row: Row[Any]) -> Rollout:
    return Rollout(
        id=row.id, target=TARGET.validate_json(row.target), plan=Plan.model_validate_json(row.plan),
        state=RolloutState(row.state), wave=row.wave, pause_after=bool(row.pause_after),
        watched_from=row.watched_from, reason=REASON.validate_json(row.reason), started_by=row.started_by,
        started_at=row.started_at, ended_at=row.ended_at,
    )  # fmt: skip
