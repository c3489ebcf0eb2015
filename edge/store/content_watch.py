"""How images came out under a release, and before it: the numbers that its probation is judged by.

Spans are of verdict ids, not of time: nobody sets that clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, and_, func, or_, select

from edge.store.schema import alert, case, finding, verdict
from edge.store.verdicts import timings_of

_LOUD = ("warning", "critical")
_WEEK_MS = 7 * 24 * 3600 * 1000
_MOST = 2000
_IN_A_WORKER = ("read", "measure", "rules")
_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Numbers:
    """Images and what became of them."""

    images: int
    alerts: int
    """Those whose alert was a warning or worse."""
    errors: int
    """Those with a rule that lacked a measure because the measure failed."""
    p95_ms: float
    """Of the time in a worker; 0 of no image."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What a release in shadow would have changed."""

    images: int
    grades: int
    """Images that it grades otherwise."""
    alerts: int
    """Images that it finds a fault in, and the active content none."""
    cases: tuple[str, ...]
    """Some of those graded otherwise."""


def latest(connection: Connection) -> int:
    """The number of the last verdict; 0 before the first."""
    return connection.scalar(select(func.max(verdict.c.id))) or 0


def since(connection: Connection, after: int, sha256: str | None = None) -> Numbers:
    """Of images after a verdict; those that this very pack or network spoke of, if one is given."""
    spoke = None if sha256 is None else ("sha256", sha256)
    return _numbers(connection, _images(spoke).where(verdict.c.id > after))


def week_before(connection: Connection, upto: int, name: str | None = None) -> Numbers:
    """Of the week that ended with a verdict; those that content of this name spoke of, if one is given."""
    ended = connection.scalar(select(verdict.c.created_at).where(verdict.c.id == upto)) or 0
    spoke = None if name is None else ("name", name)
    return _numbers(
        connection, _images(spoke).where(verdict.c.id <= upto, verdict.c.created_at >= ended - _WEEK_MS)
    )


def begun(connection: Connection) -> frozenset[str]:
    """Cases that a worker has begun with and that have not ended, those that an agent left in the middle included.

    Not what waits for another try: there the worker came to an end, and the disk did not give the bytes.
    """
    left = and_(case.c.state == "held", case.c.attempts > 0)
    return frozenset(connection.scalars(select(case.c.id).where(or_(case.c.state == "judging", left))))


def in_shadow(connection: Connection, after: int) -> int:
    """Verdicts that the content in shadow gave after a verdict."""
    return connection.scalar(select(func.count()).where(verdict.c.mode == "shadow", verdict.c.id > after)) or 0


def differences(connection: Connection, after: int) -> Differences:
    """Each shadow verdict after ``after`` beside the active one of the same image."""
    shadow = verdict.alias("shadow")
    faults = select(func.count()).where(finding.c.verdict_id == verdict.c.id).correlate(verdict).scalar_subquery()
    more = select(func.count()).where(finding.c.verdict_id == shadow.c.id).correlate(shadow).scalar_subquery()
    query = (
        select(verdict.c.case_id, verdict.c.grade, shadow.c.grade.label("other"), faults.label("faults"),
               more.label("more"))
        .join(shadow, and_(shadow.c.case_id == verdict.c.case_id, shadow.c.mode == "shadow"))
        .where(verdict.c.mode == "active", shadow.c.id > after, verdict.c.id > after)
        .limit(_MOST)
    )  # fmt: skip
    rows = connection.execute(query).all()
    otherwise = [row.case_id for row in rows if row.grade != row.other]
    louder = sum(row.more > 0 and row.faults == 0 for row in rows)
    return Differences(len(rows), len(otherwise), louder, tuple(otherwise[:_EXAMPLES]))


def _images(spoke: tuple[str, str] | None) -> Select[tuple[str, str, str]]:
    """Newest first. A set is judged by its own clock, an object that nobody could read by nobody.

    ``spoke``: the name or the hash of a pack or network that spoke of them.
    """
    query = (
        select(verdict.c.timings, verdict.c.not_assessed, alert.c.level)
        .join(alert, alert.c.verdict_id == verdict.c.id)
        .join(case, case.c.id == verdict.c.case_id)
        .where(verdict.c.mode == "active", case.c.kind.in_(("dicom", "frame")), verdict.c.packs != "[]")
        .order_by(verdict.c.id.desc())
        .limit(_MOST)
    )
    if spoke is None:
        return query
    said = '%"{}":"{}"%'.format(*spoke)
    return query.where(verdict.c.packs.like(said) | verdict.c.bundles.like(said))


def _numbers(connection: Connection, query: Select[tuple[str, str, str]]) -> Numbers:
    rows = connection.execute(query).all()
    times = sorted(map(_worked_ms, rows))
    return Numbers(
        images=len(rows),
        alerts=sum(row.level in _LOUD for row in rows),
        errors=sum('"failed"' in row.not_assessed for row in rows),
        p95_ms=times[min(len(times) - 1, int(0.95 * len(times)))] if times else 0.0,
    )


def _worked_ms(row: Row[tuple[str, str, str]]) -> float:
    return sum(part.ms for part in timings_of(row.timings) if part.stage in _IN_A_WORKER)
