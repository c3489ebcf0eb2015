"""Baselines as rows: learned from each accepted verdict, reset by a person, shown with their history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, update
from sqlalchemy.dialects.sqlite import insert

from edge.store import baseline_seeds
from edge.store.baseline_seeds import alike_of, baseline_of
from edge.store.schema import baseline, baseline_group, baseline_value, decision, device
from models.baseline import FIRST, LAST, LEAST, PARTS, RECENT, Alike, Known, Lesson, drift, drifted, learned
from models.circumstances import Baseline

_VERSION = ("software", "detector")
_PLACE = tuple(part for part in PARTS if part not in _VERSION)
_repeated = (
    select(decision.c.id)
    .where(
        decision.c.case_id == baseline_value.c.case_id,
        decision.c.action == "repeat",
        decision.c.undone_at.is_(None),
    )
    .correlate(baseline_value)
    .exists()
)
"""A person had it repeated: it was not accepted."""
_counts = and_(
    baseline_value.c.id > baseline.c.after_id, baseline_value.c.producer == baseline.c.producer, ~_repeated
)
"""Which numbers a baseline is made of, in a query over both."""
_of_it = and_(baseline.c.group_id == baseline_value.c.group_id, baseline.c.measure == baseline_value.c.measure)
_newest = baseline_group.alias("newest")
_software = (
    select(_newest.c.software)
    .where(_newest.c.device_id == baseline_group.c.device_id)
    .correlate(baseline_group)
    .order_by(_newest.c.id.desc())
    .limit(1)
    .scalar_subquery()
)
"""What the device has now, in a query over ``baseline_group``."""
_last = select(func.coalesce(func.max(baseline_value.c.id), 0)).scalar_subquery()
"""As ``after_id``: of all numbers so far none counts."""


@dataclass(frozen=True, slots=True)
class Row:
    """One baseline of a device as it stands."""

    alike: Alike
    measure: str
    baseline: Baseline
    drift: float | None
    drifted_at: int | None
    updated_at: int
    current: bool
    """Of the software that the device has now."""

    @property
    def ready(self) -> bool:
        """Whether anything is compared with it yet."""
        return self.baseline.count >= LEAST


@dataclass(frozen=True, slots=True)
class Point:
    """One number of the history."""

    case_id: str
    at: int
    value: float
    software: str
    detector: str
    counts: bool
    """It was neither reset away nor repeated, and measured as it is now."""


def kept(connection: Connection, which: ColumnElement[bool]) -> tuple[Known, ...]:
    """The baselines and seeds of the devices that ``which`` (a condition on ``device``) picks."""
    rows = connection.execute(_current().where(which)).all()
    learned_here = tuple(Known(row.device_key, alike_of(row), baseline_of(row)) for row in rows)
    return learned_here + baseline_seeds.kept(connection, which)


def sent_by(calling_ae: str) -> ColumnElement[bool]:
    """The devices that were last heard of by this AE title."""
    return device.c.calling_ae == calling_ae


def named(device_key: str) -> ColumnElement[bool]:
    """One device."""
    return device.c.key == device_key


def learn(
    connection: Connection, device_id: int, case_id: str, to: Alike, lessons: Mapping[str, Lesson], now: int
) -> tuple[str, ...]:
    """Enter the numbers of a verdict in the place of those of an earlier one; return what now drifts anew."""
    mine = baseline_value.c.case_id == case_id
    before = connection.execute(
        select(baseline_value.c.group_id, baseline_value.c.measure).where(
            mine, baseline_value.c.measure.not_in(lessons)
        )
    ).all()
    connection.execute(baseline_value.delete().where(mine, baseline_value.c.measure.not_in(lessons)))
    for group_id, measure in before:
        _renew(connection, group_id, measure, now)
    if not lessons:
        return ()
    group_id = _group(connection, device_id, to, now)
    for measure, lesson in lessons.items():
        _measured_by(connection, group_id, measure, lesson.producer, now)
        number = {"group_id": group_id} | asdict(lesson)
        row = insert(baseline_value).values(measure=measure, case_id=case_id, at=now, **number)
        connection.execute(row.on_conflict_do_update(index_elements=["case_id", "measure"], set_=number))
    return tuple(measure for measure in lessons if _renew(connection, group_id, measure, now))


def reset(connection: Connection, device_id: int, now: int, measure: str | None = None) -> int:
    """Learn a device anew from now on; the history stays. Returns how many baselines began again."""
    groups = select(baseline_group.c.id).where(baseline_group.c.device_id == device_id)
    which = and_(baseline.c.group_id.in_(groups), *([baseline.c.measure == measure] if measure else []))
    return connection.execute(update(baseline).where(which).values(after_id=_last, **_fresh(now))).rowcount


def of_device(connection: Connection, device_id: int) -> tuple[Row, ...]:
    """Every baseline of a device: what drifts first, then the one that learned last."""
    query = _current().where(baseline_group.c.device_id == device_id).add_columns(_software.label("has_now"))
    query = query.order_by(baseline.c.drifted_at.is_(None), baseline.c.updated_at.desc(), baseline.c.measure)
    return tuple(
        Row(
            alike_of(row),
            row.measure,
            baseline_of(row),
            row.drift,
            row.drifted_at,
            row.updated_at,
            row.software == row.has_now,
        )
        for row in connection.execute(query)
    )


def history(
    connection: Connection, device_id: int, to: Alike, measure: str, most: int = LAST
) -> tuple[Point, ...]:
    """The latest numbers of any software and detector, oldest first."""
    query = (
        select(baseline_value, baseline_group, _counts.label("counts"))
        .join(baseline_group, baseline_group.c.id == baseline_value.c.group_id)
        .join(baseline, _of_it)
        .where(
            baseline_group.c.device_id == device_id,
            baseline_value.c.measure == measure,
            *(baseline_group.c[part] == getattr(to, part) for part in _PLACE),
        )
        .order_by(baseline_value.c.id.desc())
        .limit(most)
    )
    return tuple(
        Point(row.case_id, row.at, row.value, row.software, row.detector, row.counts)
        for row in reversed(connection.execute(query).all())
    )


def drifting(connection: Connection) -> dict[int, tuple[str, ...]]:
    """By device: the measures that drift, with the software it has now."""
    query = (
        select(baseline_group.c.device_id, baseline.c.measure)
        .join(baseline, baseline.c.group_id == baseline_group.c.id)
        .where(baseline.c.drifted_at.is_not(None), baseline_group.c.software == _software)
        .distinct()
        .order_by(baseline.c.measure)
    )
    found: dict[int, tuple[str, ...]] = {}
    for device_id, measure in connection.execute(query):
        found[device_id] = (*found.get(device_id, ()), measure)
    return found


def _current() -> Select[Any]:
    return (
        select(baseline, baseline_group, device.c.key.label("device_key"))
        .join(baseline_group, baseline_group.c.id == baseline.c.group_id)
        .join(device, device.c.id == baseline_group.c.device_id)
    )


def _group(connection: Connection, device_id: int, to: Alike, now: int) -> int:
    parts = asdict(to)
    same = and_(
        baseline_group.c.device_id == device_id, *(baseline_group.c[part] == text for part, text in parts.items())
    )
    known = connection.scalar(select(baseline_group.c.id).where(same))
    if known is not None:
        return int(known)
    baseline_seeds.bind(connection, device_id, to.software)
    row = baseline_group.insert().values(device_id=device_id, first_at=now, **parts)
    return int(connection.scalars(row.returning(baseline_group.c.id)).one())


def _measured_by(connection: Connection, group_id: int, measure: str, producer: str, now: int) -> None:
    """Only what this producer measured counts from now on, in this version; one not named so far was this one."""
    this = and_(baseline.c.group_id == group_id, baseline.c.measure == measure)
    was = connection.scalar(select(baseline.c.producer).where(this))
    if was is None:
        row = {"group_id": group_id, "measure": measure, "producer": producer}
        connection.execute(insert(baseline).values(row | _fresh(now)))
    elif was != producer:
        connection.execute(update(baseline).where(this).values(producer=producer, **_fresh(now)))
    if was == "" and producer:
        numbers = and_(baseline_value.c.group_id == group_id, baseline_value.c.measure == measure)
        unnamed = and_(numbers, baseline_value.c.producer == "")
        connection.execute(update(baseline_value).where(unnamed).values(producer=producer))


def _fresh(now: int) -> dict[str, Any]:
    """Columns of a baseline without a number."""
    return {"numbers": 0, "median": 0.0, "mad": 0.0, "drift": None, "drifted_at": None, "updated_at": now}


def _renew(connection: Connection, group_id: int, measure: str, now: int) -> bool:
    """Work out a baseline afresh; True when a drift begins."""
    this = and_(baseline.c.group_id == group_id, baseline.c.measure == measure)
    since = connection.scalar(select(baseline.c.drifted_at).where(this))
    values = _values(connection, this)
    made = learned(measure, values[-LAST:])
    first = values[: min(LAST, max(0, len(values) - RECENT))]
    moved = drift(first, values[-RECENT:]) if len(first) >= FIRST else None
    drifts = drifted(moved, max(1, len(first)))
    now_known = {
        "numbers": made.count,
        "median": made.median,
        "mad": made.mad,
        "drift": moved,
        "drifted_at": (since or now) if drifts else None,
        "updated_at": now,
    }
    connection.execute(update(baseline).where(this).values(now_known))
    return drifts and since is None


def _values(connection: Connection, this: ColumnElement[bool]) -> list[float]:
    """The first and the latest that count, oldest first: no more than are needed."""
    query = select(baseline_value.c.id, baseline_value.c.value).join(baseline, _of_it).where(this, _counts)
    most = LAST + RECENT
    first = connection.execute(query.order_by(baseline_value.c.id).limit(most)).all()
    latest = connection.execute(query.order_by(baseline_value.c.id.desc()).limit(most)).all()
    by_id = {row.id: row.value for row in (*first, *latest)}
    return [by_id[one] for one in sorted(by_id)]
