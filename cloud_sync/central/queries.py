"""What pages, the command line and downloads ask of the results. Rows become frozen values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from cloud_sync.central import schema
from cloud_sync.central.enrolment import tables as enrolment

_result, _box = schema.result, schema.box
_device = func.coalesce(_result.c.station, _result.c.ae, _result.c.serial, "")

DIMENSIONS: dict[str, ColumnElement[Any]] = {
    "site": func.coalesce(func.nullif(_box.c.site, ""), _box.c.name),
    "box": _result.c.box,
    "device": _device,
    "modality": func.coalesce(_result.c.modality, ""),
    "grade": func.coalesce(_result.c.grade, ""),
}
"""What results can be counted by and filtered for."""
GRADES = ("jia", "yi", "bing", "fei", "")
"""Best first; "" is "not judged"."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which results; an empty text or None does not restrict. Times are UTC milliseconds, ``until`` excluded."""

    site: str = ""
    box: str = ""
    device: str = ""
    modality: str = ""
    grade: str = ""
    since: int | None = None
    until: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL. Results of a pack in shadow mode are shown to nobody, so they are not counted."""
        found: list[ColumnElement[bool]] = [_result.c.mode != "shadow"]
        for name, column in DIMENSIONS.items():
            wanted = getattr(self, name)
            if wanted:
                found.append(column == ("" if wanted == "none" else wanted))
        if self.since is not None:
            found.append(_result.c.received >= self.since)
        if self.until is not None:
            found.append(_result.c.received < self.until)
        return found


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is."""

    boxes: int
    online: int
    events: int
    results: int
    dead_letters: int
    alarms: int


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result in a table."""

    event_id: int
    box: str
    site: str
    device: str
    institution: str
    modality: str
    body_part: str
    view: str
    grade: str
    score: float | None
    received: int
    latency_ms: float | None
    findings: int
    not_assessed: int


@dataclass(frozen=True, slots=True)
class Count:
    """Results of one site, device, ...: by grade, in the order of GRADES."""

    key: str
    total: int
    by_grade: tuple[int, ...]
    mean_score: float | None

    @property
    def class_a_percent(self) -> float | None:
        """Share of grade jia among what was judged; None when nothing was."""
        judged = self.total - self.by_grade[-1]
        return 100 * self.by_grade[0] / judged if judged else None


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule warned or failed."""

    rule: str
    title_zh: str
    title_en: str
    severity: str
    count: int


def totals(connection: Connection) -> Totals:
    """How much there is altogether."""

    def number(table: Any, *conditions: ColumnElement[bool]) -> int:
        return connection.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    return Totals(
        boxes=number(_box), online=number(_box, _box.c.online == 1), events=number(schema.event),
        results=number(_result), dead_letters=number(schema.dead_letter),
        alarms=number(schema.alarm) + number(enrolment.alarm),
    )  # fmt: skip


def count_by(connection: Connection, dimension: str, chosen: Filter) -> list[Count]:
    """Results by one dimension, most first. Raises KeyError for an unknown dimension."""
    column = DIMENSIONS[dimension].label("key")
    grades = [
        func.sum(case((DIMENSIONS["grade"] == grade, 1), else_=0)).label(f"grade_{index}")
        for index, grade in enumerate(GRADES[:-1])
    ]
    total = func.count().label("total")
    query = _joined(select(column, total, func.avg(_result.c.score).label("mean"), *grades)).where(
        *chosen.conditions()
    )
    found = []
    for row in connection.execute(query.group_by(column).order_by(total.desc(), column)):
        known = tuple(int(getattr(row, f"grade_{index}")) for index in range(len(grades)))
        found.append(Count(row.key, row.total, (*known, row.total - sum(known)), row.mean))
    return found


def results(connection: Connection, chosen: Filter, limit: int, before: int | None = None) -> list[ResultRow]:
    """The newest results, at most ``limit``; ``before`` an event id, to page."""
    query = _rows().where(*chosen.conditions()).order_by(_result.c.event_id.desc()).limit(limit)
    if before is not None:
        query = query.where(_result.c.event_id < before)
    return [_row(row) for row in connection.execute(query)]


def every_result(connection: Connection, chosen: Filter) -> Iterator[ResultRow]:
    """All results, oldest first, without holding them in memory."""
    query = _rows().where(*chosen.conditions()).order_by(_result.c.event_id)
    for row in connection.execution_options(yield_per=500).execute(query):
        yield _row(row)


def payload(connection: Connection, event_id: int) -> bytes | None:
    """One result as the box sent it."""
    found = connection.scalar(select(schema.event.c.payload).where(schema.event.c.id == event_id))
    return None if found is None else bytes(found)


def frequent_rules(connection: Connection, chosen: Filter, limit: int = 10) -> list[RuleCount]:
    """Rules that warned or failed most often."""
    table = schema.finding
    number = func.count().label("number")
    query = (
        _joined(
            select(
                table.c.rule, func.max(table.c.title_zh).label("zh"), func.max(table.c.title_en).label("en"),
                func.max(table.c.severity).label("severity"), number,
            )
        )
        .join(table, table.c.event_id == _result.c.event_id)
        .where(*chosen.conditions())
        .group_by(table.c.rule)
        .order_by(number.desc(), table.c.rule)
        .limit(limit)
    )  # fmt: skip
    return [RuleCount(row.rule, row.zh, row.en, row.severity, row.number) for row in connection.execute(query)]


def choices(connection: Connection) -> dict[str, list[str]]:
    """The values there are to filter for."""
    found = {}
    for name, column in DIMENSIONS.items():
        values = connection.scalars(_joined(select(column)).distinct().order_by(column))
        found[name] = [value or "none" for value in values]
    return found


def _joined(query: Select[Any]) -> Select[Any]:
    return query.select_from(_result).join(_box, _box.c.name == _result.c.box)


def _rows() -> Select[Any]:
    number = (
        select(func.count())
        .where(schema.finding.c.event_id == _result.c.event_id)
        .correlate(_result)
        .scalar_subquery()
    )
    return _joined(
        select(
            _result, DIMENSIONS["site"].label("site"), _device.label("device"), number.label("findings"),
        )
    )  # fmt: skip


def _row(row: Row[Any]) -> ResultRow:
    return ResultRow(
        event_id=row.event_id, box=row.box, site=row.site, device=row.device, institution=row.institution or "",
        modality=row.modality or "", body_part=row.body_part or "", view=row.view or "", grade=row.grade or "",
        score=row.score, received=row.received, latency_ms=row.latency_ms, findings=row.findings,
        not_assessed=row.not_assessed,
    )  # fmt: skip
