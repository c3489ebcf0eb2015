"""The set of releases that each box shall run, as rows with a number that counts up whenever the set changes."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, case, func, select

from cloud_sync.central.rollout import rows, tables
from cloud_sync.central.rollout.wanted import newest_first, wanted
from cloud_sync.wire.control import Desired, Wanted

_table = tables.desired
_KB: TypeAdapter[tuple[Wanted, ...]] = TypeAdapter(tuple[Wanted, ...])


@dataclass(frozen=True, slots=True)
class Due:
    """What a box is to be told. ``turn``: later than all that changed before."""

    box: str
    turn: int
    said: Desired


@dataclass(frozen=True, slots=True)
class _Set:
    kb: str
    groups: str


def refresh(connection: Connection, now: int) -> int:
    """Bring every box's set up to date with the rollouts and the boxes' states; how many changed.

    In the transaction of whatever changed a rollout, so that no crash leaves the two apart. ``now``: UTC
    milliseconds; a number is never below the time in seconds, so that a centre with a new database is obeyed.
    """
    connection.execute(select(tables.rollout.c.id).order_by(tables.rollout.c.id).with_for_update())
    before = _kept(connection)
    changed = {
        box: one for box, one in _present(connection, now).items() if box not in before or before[box][1] != one
    }
    turn = connection.scalar(select(func.max(_table.c.turn))) or 0
    for step, (box, one) in enumerate(sorted(changed.items()), 1):
        rev = max(now // 1000, before[box][0] + 1 if box in before else 1)
        values = {"kb": one.kb, "groups": one.groups, "turn": turn + step, "rev": rev}
        if box in before:
            connection.execute(_table.update().where(_table.c.box == box).values(values))
        else:
            connection.execute(_table.insert().values(box=box, **values))
    return len(changed)


def stale(connection: Connection, now: int) -> bool:
    """Whether ``refresh`` would change something. Only reads."""
    before = _kept(connection)
    return any(box not in before or before[box][1] != one for box, one in _present(connection, now).items())


def _present(connection: Connection, now: int) -> dict[str, _Set]:
    releases = newest_first(rows.releases(connection))
    return {
        box.name: _Set(
            _KB.dump_json(wanted(box, releases, now)).decode(), json.dumps(sorted(box.groups), ensure_ascii=False)
        )
        for box in rows.boxes(connection)
    }


def _kept(connection: Connection) -> dict[str, tuple[int, _Set]]:
    return {row.box: (row.rev, _Set(row.kb, row.groups)) for row in connection.execute(select(_table))}


def again(connection: Connection, boxes: Collection[str], now: int) -> None:
    """Say the same to these boxes under a new number: whoever hears one looks at what is signed."""
    turn = connection.scalar(select(func.max(_table.c.turn))) or 0
    for step, box in enumerate(sorted(boxes), 1):
        later = case((_table.c.rev < now // 1000, now // 1000), else_=_table.c.rev + 1)
        connection.execute(_table.update().where(_table.c.box == box).values(rev=later, turn=turn + step))


def since(connection: Connection, turn: int, most: int) -> list[Due]:
    """What changed after a turn, oldest first, not more than ``most``."""
    query = select(_table).where(_table.c.turn > turn).order_by(_table.c.turn).limit(most)
    return [_due(row) for row in connection.execute(query)]


def of(connection: Connection, boxes: list[str]) -> list[Due]:
    """What these boxes shall run."""
    return [_due(row) for row in connection.execute(select(_table).where(_table.c.box.in_(boxes)))]


def _due(row: Row[Any]) -> Due:
    said = Desired(
        rev=row.rev, t=0, kb=_KB.validate_json(row.kb), groups=tuple(json.loads(row.groups)),
    )  # fmt: skip
    return Due(row.box, row.turn, said)
