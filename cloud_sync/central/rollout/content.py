"""What one box runs, what it was asked to run and how that went, and what its site changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from cloud_sync.central import schema
from cloud_sync.central.rollout import declining, desired, tables
from cloud_sync.central.rollout.rows import present
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.words import ContentState
from models.measurement import Value
from models.rules.pack import RulePack
from models.rules.rule import Rule, value_of
from models.rules.schema import Bounded


@dataclass(frozen=True, slots=True)
class Runs:
    """What judges on a box under one name. No ``sha256``: what shipped with the program."""

    name: str
    version: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A release on a box. ``rollout``: its number, None when it came another way. Times are the box's clock."""

    name: str
    version: int
    sha256: str
    rollout: int | None
    state: ContentState
    at: int
    active_at: int | None
    error_code: str
    error_detail: str
    rollback_code: str
    rollback_detail: str
    gone: bool
    """Of a disk that the box no longer has."""
    declined: int = 0
    """How often the box said that it is not for it."""


@dataclass(frozen=True, slots=True)
class Content:
    """All of one box."""

    box: str
    site: str
    groups: tuple[str, ...]
    runs: tuple[Runs, ...]
    attempts: tuple[Attempt, ...]
    shall: tuple[tuple[Wanted, str], ...]
    """What it was told to run, with the rollout's number."""


@dataclass(frozen=True, slots=True)
class ChangedLimit:
    """A limit as a site has it, and as the pack has it. ``bounds``: smallest and largest that a site may set."""

    name: str
    value: Value
    standard: Value | None
    bounds: tuple[float, float] | None

    @property
    def outside(self) -> bool:
        """Beyond what the pack allows; a box refuses it."""
        if self.bounds is None or not isinstance(self.value, int | float):
            return False
        return not self.bounds[0] <= self.value <= self.bounds[1]


@dataclass(frozen=True, slots=True)
class Change:
    """What a site changed in one rule. ``rule``: as the pack in force has it, None when no pack has it."""

    box: str
    site: str
    layer: str
    subject: str
    id: str
    rule: Rule | None
    version: int | None
    """Of the pack in force at the centre."""
    runs: int | None
    """Version of that pack on the box, where it has said so."""
    limits: tuple[ChangedLimit, ...]
    enabled: bool | None
    severity: str | None
    role: str
    at: int
    removed: bool


def of(connection: Connection, box: str) -> Content | None:
    """What one box runs; None for a box that has never spoken."""
    row = connection.execute(select(schema.box.c.site).where(schema.box.c.name == box)).first()
    if row is None:
        return None
    group, runs = tables.group, tables.content_runs
    groups = connection.scalars(select(group.c.name).where(group.c.box == box).order_by(group.c.name))
    running = connection.execute(select(runs).where(runs.c.box == box).order_by(runs.c.name))
    due = desired.of(connection, [box])
    return Content(
        box, row.site, tuple(groups), tuple(Runs(one.name, one.version, one.sha256) for one in running),
        tuple(_attempts(connection, box)),
        tuple((one, declining.number_of(one.rollout)) for one in (due[0].said.kb if due else ())),
    )  # fmt: skip


def changes(connection: Connection, packs: Sequence[RulePack], box: str = "", most: int = 500) -> list[Change]:
    """What sites changed, newest first; of one box if one is named. ``packs``: those in force at the centre."""
    table = tables.override
    query = select(table, schema.box.c.site).join(schema.box, schema.box.c.name == table.c.box)
    query = query.outerjoin(tables.born, tables.born.c.box == table.c.box).where(present(table))
    if box:
        query = query.where(table.c.box == box)
    rules = {rule.spec.id: (pack, rule) for pack in packs for rule in pack.rules}
    running = {(row.box, row.name): row.version for row in connection.execute(select(tables.content_runs))}
    found = []
    for row in connection.execute(query.order_by(table.c.removed, table.c.at.desc()).limit(most)):
        pack, rule = rules.get(row.rule, (None, None))
        found.append(
            Change(
                box=row.box, site=row.site, layer=row.layer, subject=row.subject, id=row.rule, rule=rule,
                version=pack.version if pack else None,
                runs=running.get((row.box, pack.name)) if pack else None,
                limits=tuple(_limit(name, value, rule) for name, value in json.loads(row.limits)),
                enabled=None if row.enabled is None else bool(row.enabled), severity=row.severity, role=row.role,
                at=row.at, removed=bool(row.removed),
            )
        )  # fmt: skip
    return found


def _attempts(connection: Connection, box: str) -> list[Attempt]:
    state, born, rollout = tables.content_state, tables.born, tables.rollout
    declined = declining.declines(connection).get(box, {})
    query = (
        select(state, born.c.stream.label("present"), rollout.c.id.label("known"))
        .outerjoin(born, born.c.box == state.c.box)
        .outerjoin(rollout, rollout.c.sha256 == state.c.sha256)
        .where(state.c.box == box)
        .order_by(state.c.heard_at.desc(), rollout.c.id)
    )
    found: Mapping[str, Attempt] = {
        row.sha256: Attempt(
            row.name, row.version, row.sha256, row.known, ContentState(row.state), row.at, row.active_at,
            row.error_code, row.error_detail, row.rollback_code, row.rollback_detail,
            gone=row.present not in (None, row.stream),
            declined=declined[row.sha256].times if row.sha256 in declined else 0,
        )
        for row in connection.execute(query)
    }  # fmt: skip
    return list(found.values())


def _limit(name: str, value: Value, rule: Rule | None) -> ChangedLimit:
    given = rule.spec.limit.get(name) if rule else None
    if given is None:
        return ChangedLimit(name, value, None, None)
    bounds = (given.min, given.max) if isinstance(given, Bounded) else None
    return ChangedLimit(name, value, value_of(given), bounds)
