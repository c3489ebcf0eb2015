"""What of a pack runs at the fleet, and which of its rules sites have changed for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from cloud_sync.central import schema
from cloud_sync.central.rollout import tables


@dataclass(frozen=True, slots=True)
class Running:
    """One version on some boxes. ``version`` 0: what shipped with their program."""

    version: int
    boxes: int


def running(connection: Connection) -> Mapping[str, tuple[Running, ...]]:
    """By pack, newest version first. A pack that no box ever said a word of is what shipped, everywhere."""
    runs = tables.content_runs
    number = func.count().label("number")
    version = func.coalesce(runs.c.version, 0)
    query = select(runs.c.name, version.label("version"), number).where(runs.c.sha256.is_not(None))
    told: dict[str, dict[int, int]] = {}
    for row in connection.execute(query.group_by(runs.c.name, version)):
        told.setdefault(row.name, {})[row.version] = row.number
    boxes = connection.scalar(select(func.count()).select_from(schema.box)) or 0
    found = {name: _filled(counts, boxes) for name, counts in told.items()}
    return _Fleet(found, boxes)


class _Fleet(dict[str, tuple[Running, ...]]):
    """Every name has an answer."""

    def __init__(self, found: Mapping[str, tuple[Running, ...]], boxes: int) -> None:
        super().__init__(found)
        self._boxes = boxes

    def __missing__(self, name: str) -> tuple[Running, ...]:
        return (Running(0, self._boxes),) if self._boxes else ()


def by_release(connection: Connection) -> Mapping[str, int]:
    """By sha256, on how many boxes a release judges."""
    runs = tables.content_runs
    query = select(runs.c.sha256, func.count().label("number")).where(runs.c.sha256.is_not(None))
    return {row.sha256: row.number for row in connection.execute(query.group_by(runs.c.sha256))}


def overridden(connection: Connection) -> Mapping[str, int]:
    """By rule, on how many boxes the site has changed it for itself."""
    table = tables.override
    query = select(table.c.rule, func.count(table.c.box.distinct()).label("number")).where(table.c.removed == 0)
    return {row.rule: row.number for row in connection.execute(query.group_by(table.c.rule))}


def _filled(counts: Mapping[int, int], boxes: int) -> tuple[Running, ...]:
    rest = boxes - sum(counts.values())
    found = [Running(version, number) for version, number in sorted(counts.items(), reverse=True)]
    return (*found, *([Running(0, rest)] if rest > 0 else []))
