"""What pages and the command line show of enrolled boxes. Times are UTC milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, union_all

from cloud_sync.central import schema
from cloud_sync.central.enrolment import tables

_MOST = 100


@dataclass(frozen=True, slots=True)
class EnrolledRow:
    """One box and the newest of its certificates."""

    box: str
    site: str
    serial: str
    enrolled_at: int
    revoked_at: int | None
    reason: str | None
    note: str
    listed_at: int | None
    kicked_at: int | None
    number: str
    not_after: int
    certificates: int


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One certificate."""

    number: str
    issued_at: int
    not_after: int
    confirmed_at: int | None
    revoked_at: int | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token that nobody has used."""

    box: str
    site: str
    serial: str
    made_by: str
    expires_at: int


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """Something turned up twice."""

    box: str
    kind: str
    raised_at: int


def boxes(connection: Connection, box: str | None = None) -> list[EnrolledRow]:
    """All boxes by name, or one."""
    one, paper = tables.enrolled, tables.certificate
    newest = (
        select(paper.c.box, func.max(paper.c.id).label("id"), func.count().label("count"))
        .group_by(paper.c.box)
        .subquery()
    )
    query = (
        select(one, paper.c.number, paper.c.not_after, newest.c.count.label("certificates"))
        .join(newest, newest.c.box == one.c.box)
        .join(paper, paper.c.id == newest.c.id)
        .order_by(one.c.box)
    )
    if box is not None:
        query = query.where(one.c.box == box)
    return [EnrolledRow(**row) for row in connection.execute(query).mappings()]


def by_authority(connection: Connection, now: int) -> dict[str, int]:
    """How many boxes in service have a valid certificate of each authority, and none of a newer one."""
    one, paper = tables.enrolled, tables.certificate
    newest = select(func.max(paper.c.id)).where(paper.c.not_after > now).group_by(paper.c.box)
    query = (
        select(paper.c.authority, func.count())
        .join(one, one.c.box == paper.c.box)
        .where(paper.c.id.in_(newest), one.c.revoked_at.is_(None))
        .group_by(paper.c.authority)
    )
    return {authority: count for authority, count in connection.execute(query)}


def certificates(connection: Connection, box: str) -> list[CertificateRow]:
    """Those of one box, newest first."""
    table = tables.certificate
    names = ("number", "issued_at", "not_after", "confirmed_at", "revoked_at", "reason")
    query = select(*(table.c[name] for name in names)).where(table.c.box == box).order_by(table.c.id.desc())
    return [CertificateRow(**row) for row in connection.execute(query).mappings()]


def waiting(connection: Connection, now: int) -> list[TokenRow]:
    """Tokens that may still be used."""
    table = tables.token
    names = ("box", "site", "serial", "made_by", "expires_at")
    query = select(*(table.c[name] for name in names)).where(table.c.used_at.is_(None), table.c.expires_at > now)
    return [TokenRow(**row) for row in connection.execute(query.order_by(table.c.id.desc())).mappings()]


def alarms(connection: Connection, box: str | None = None) -> list[AlarmRow]:
    """What speaks for a copied box or a lost token, newest first; a second box of one name that the ingest saw
    too."""
    mine, seen = tables.alarm.c, schema.alarm.c
    both = union_all(
        select(mine.box, mine.kind, mine.raised_at),
        select(seen.box, seen.kind, seen.raised_at).where(seen.kind == "clone"),
    ).subquery()
    query = select(both).order_by(both.c.raised_at.desc()).limit(_MOST)
    if box is not None:
        query = query.where(both.c.box == box)
    return [AlarmRow(**row) for row in connection.execute(query).mappings()]
