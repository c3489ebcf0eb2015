"""What boxes say of content, overrides and decisions, into tables: in the event's own transaction.

Events of one box may come in any order (fresh ones pass the backlog), so the newest by stream and number counts;
streams are ULIDs, a later disk sorts later.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Row, Table, select

from cloud_sync.central.database import Database
from cloud_sync.central.rollout import declining, tables
from cloud_sync.central.rollout.terms import ACTIVE
from cloud_sync.wire.control import Birth
from cloud_sync.wire.messages import Data, DecisionData, KbStateData, OverrideData, ResultData
from cloud_sync.wire.words import ContentState

_MOST = 2**53 - 1
"""A version may be any integer on the wire; a column holds 64 bits."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One new event. ``at``: when the centre took it in, UTC milliseconds."""

    event_id: int
    box: str
    stream: str
    seq: int
    at: int
    data: Data

    @property
    def place(self) -> tuple[str, int]:
        return self.stream, self.seq


def keep(database: Database, connection: Connection, batch: Sequence[Heard]) -> None:
    """Store what rollouts and pages need of a batch of new events."""
    for one in sorted(batch, key=lambda one: one.place):
        if isinstance(one.data, KbStateData):
            _keep_state(connection, one, one.data)
            _keep_runs(connection, one, one.data)
        elif isinstance(one.data, OverrideData):
            _keep_override(connection, one, one.data)
        elif isinstance(one.data, DecisionData):
            _keep_decision(connection, one, one.data)
    _keep_machines(database, connection, batch)


def born(connection: Connection, box: str, birth: Birth, at: int | None) -> None:
    """A box has come. ``at``: UTC milliseconds; None for a birth that the broker had kept: nobody knows when."""
    mine = {"box": box}
    was = _find(connection, tables.born, mine)
    came = at if at is not None else was.at if was is not None else 0
    _put(connection, tables.born, mine, {"stream": birth.stream, "at": came}, was)
    _keep_stale(connection, box, birth, came)
    if birth.kb:  # else a program that does not say what it runs
        _say_runs(connection, box, birth)


def _keep_stale(connection: Connection, box: str, birth: Birth, at: int) -> None:
    mine, table = {"box": box}, tables.stale
    was = _find(connection, table, mine)
    if not birth.kb_stale:
        connection.execute(table.delete().where(table.c.box == box))
    elif was is None or was.code != birth.kb_stale:
        _put(connection, table, mine, {"code": birth.kb_stale, "since": at or birth.clock.wall}, was)


def _say_runs(connection: Connection, box: str, birth: Birth) -> None:
    """All that the box runs, but for what it has said after this birth."""
    table, place = tables.content_runs, (birth.stream, birth.seq_hi)
    rows = connection.execute(select(table).where(table.c.box == box)).all()
    later = {row.name for row in rows if (row.stream, row.seq) > place}
    connection.execute(table.delete().where(table.c.box == box, table.c.name.not_in(later)))
    said = {one.name: one for one in birth.kb if one.name not in later}
    for one in said.values():
        version = max(0, min(one.version, _MOST))
        values = {"version": version, "sha256": one.sha256, "stream": birth.stream, "seq": birth.seq_hi}
        _put(connection, table, {"box": box, "name": one.name}, values, None)


def _keep_state(connection: Connection, one: Heard, said: KbStateData) -> None:
    mine = {"box": one.box, "sha256": said.sha256}
    was = _find(connection, tables.content_state, mine)
    active_at = said.at if said.state in ACTIVE else None
    if was is not None and was.stream == one.stream and was.active_at is not None:
        active_at = was.active_at if active_at is None else min(active_at, was.active_at)
    values: dict[str, object] = {"active_at": active_at}
    if _newer(one, was):
        values |= {
            "name": said.name, "version": min(said.version, _MOST), "rollout": said.rollout, "state": said.state,
            "error_code": said.error_code, "error_detail": said.error_detail,
            "rollback_code": said.rollback_code, "rollback_detail": said.rollback_detail,
            "at": said.at, "heard_at": one.at, "stream": one.stream, "seq": one.seq,
        }  # fmt: skip
    elif was is not None and was.stream != one.stream:
        return  # of a disk that is gone
    _put(connection, tables.content_state, mine, values, was)
    if said.state is ContentState.REJECTED and "state" in values:
        declining.keep(connection, one.box, said.sha256, one.at)


def _keep_runs(connection: Connection, one: Heard, said: KbStateData) -> None:
    mine = {"box": one.box, "name": said.name}
    was = _find(connection, tables.content_runs, mine)
    if not _newer(one, was):
        return
    state = tables.content_state
    known = connection.scalar(select(state.c.version).where(state.c.box == one.box, state.c.sha256 == said.runs))
    version = min(said.version, _MOST) if said.runs == said.sha256 else known
    values = {"version": version, "sha256": said.runs, "stream": one.stream, "seq": one.seq}
    _put(connection, tables.content_runs, mine, values, was)


def _keep_override(connection: Connection, one: Heard, said: OverrideData) -> None:
    mine = {"box": one.box, "override": said.override}
    was = _find(connection, tables.override, mine)
    if not _newer(one, was):
        return
    values = {
        "layer": said.layer, "subject": said.subject, "rule": said.rule,
        "limits": json.dumps([[limit.name, limit.value] for limit in said.limits], ensure_ascii=False),
        "enabled": None if said.enabled is None else int(said.enabled), "severity": said.severity,
        "role": said.role, "at": said.at, "removed": int(said.removed), "stream": one.stream, "seq": one.seq,
    }  # fmt: skip
    _put(connection, tables.override, mine, values, was)


def _keep_decision(connection: Connection, one: Heard, said: DecisionData) -> None:
    connection.execute(
        tables.decision.insert().values(
            event_id=one.event_id, box=one.box, stream=one.stream, result_seq=said.result_seq,
            action=said.action, undone=int(said.undone),
        )
    )  # fmt: skip


def _keep_machines(database: Database, connection: Connection, batch: Sequence[Heard]) -> None:
    met = {
        (one.box, one.data.modality, one.data.device.manufacturer or "")
        for one in batch
        if isinstance(one.data, ResultData) and one.data.modality
    }
    if met:
        rows = [{"box": box, "modality": modality, "manufacturer": maker} for box, modality, maker in sorted(met)]
        connection.execute(database.insert_new(tables.machine).values(rows))


def _newer(one: Heard, was: Row[tuple[object, ...]] | None) -> bool:
    return was is None or one.place > (was.stream, was.seq)


def _find(connection: Connection, table: Table, mine: Mapping[str, str]) -> Row[tuple[object, ...]] | None:
    return connection.execute(select(table).where(*_keys(table, mine))).first()


def _put(
    connection: Connection, table: Table, mine: Mapping[str, str], values: Mapping[str, object],
    was: Row[tuple[object, ...]] | None,
) -> None:  # fmt: skip
    if was is None:
        connection.execute(table.insert().values(**mine, **values))
    else:
        connection.execute(table.update().where(*_keys(table, mine)).values(values))


def _keys(table: Table, mine: Mapping[str, str]) -> list[ColumnElement[bool]]:
    return [table.c[name] == value for name, value in mine.items()]
