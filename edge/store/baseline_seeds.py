"""Baselines that a device is given until it has learned its own: rows that a pack or a sister room brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from edge.store.schema import baseline_group, baseline_seed, device
from models.baseline import PARTS, Alike, Known, Seed
from models.circumstances import Baseline


def give(connection: Connection, device_id: int, seeds: Sequence[Seed], now: int) -> None:
    """Give a device baselines; those that it was given before for the same measures go."""
    measures = {one.baseline.measure for one in seeds}
    connection.execute(
        baseline_seed.delete().where(baseline_seed.c.device_id == device_id, baseline_seed.c.measure.in_(measures))
    )
    newest = select(baseline_group.c.software).where(baseline_group.c.device_id == device_id)
    software = connection.scalar(newest.order_by(baseline_group.c.id.desc()).limit(1)) or ""
    for one in seeds:
        base = one.baseline
        values = asdict(one.alike) | {"software": one.alike.software or software, "measure": base.measure}
        values |= {"median": base.median, "mad": base.mad, "numbers": base.count, "producer": base.producer}
        connection.execute(
            baseline_seed.insert().values(device_id=device_id, source=one.source, seeded_at=now, **values)
        )


def of_device(connection: Connection, device_id: int) -> tuple[Seed, ...]:
    """What a device was given."""
    query = select(baseline_seed).where(baseline_seed.c.device_id == device_id).order_by(baseline_seed.c.id)
    return tuple(Seed(alike_of(row), _given(row), row.source) for row in connection.execute(query))


def kept(connection: Connection, which: ColumnElement[bool]) -> tuple[Known, ...]:
    """What the devices were given that ``which`` (a condition on ``device``) picks."""
    query = select(baseline_seed, device.c.key).join(device, device.c.id == baseline_seed.c.device_id)
    return tuple(Known(row.key, alike_of(row), _given(row)) for row in connection.execute(query.where(which)))


def bind(connection: Connection, device_id: int, software: str) -> None:
    """A seed is of the software that the device had: the first one that comes. A new one is learned."""
    unbound = baseline_seed.update().where(baseline_seed.c.device_id == device_id, baseline_seed.c.software == "")
    connection.execute(unbound.values(software=software))


def alike_of(row: Any) -> Alike:
    """What a row of a baseline, learned or given, is compared with."""
    return Alike(**{part: getattr(row, part) for part in PARTS})


def baseline_of(row: Any) -> Baseline:
    """The numbers of such a row."""
    return Baseline(row.measure, row.median, row.mad, row.numbers, producer=row.producer)


def _given(row: Any) -> Baseline:
    return replace(baseline_of(row), seeded=True)
