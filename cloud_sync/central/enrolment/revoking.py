"""Taking a box out, and who is out. What follows (list, broker, live session) is the warden's."""

from __future__ import annotations

from collections.abc import Set

from sqlalchemy import Connection, or_, select

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts
from cloud_sync.central.enrolment import tables
from cloud_sync.central.enrolment.ca import Withdrawn

FOR_PEOPLE = ("lost", "key_compromise", "clone", "out_of_service")
"""Reasons that a person gives."""


def revoked(connection: Connection, boxes: Set[str]) -> set[str]:
    """Those of ``boxes`` that were taken out: nothing is taken in from them, and nothing given to them."""
    table = tables.enrolled
    query = select(table.c.box).where(table.c.box.in_(boxes), table.c.revoked_at.is_not(None))
    return set(connection.scalars(query)) if boxes else set()


def revoke(connection: Connection, box: str, reason: str, note: str, now: int, by: str) -> None:
    """Take a box out with all its certificates. Once is enough; a second time changes nothing.

    Raises:
        Misuse: no such box is enrolled, or the reason is none.
    """
    table = tables.enrolled
    row = connection.execute(select(table).where(table.c.box == box)).first()
    if row is None or reason not in FOR_PEOPLE:
        raise Misuse(
            "enrol.no_box",
            Bilingual("没有这台已注册的盒子，或吊销原因无效", "No such box is enrolled, or the reason is none"),
            Bilingual("原因：" + ", ".join(FOR_PEOPLE), "Reasons: " + ", ".join(FOR_PEOPLE)),
        )
    if row.revoked_at is not None:
        return
    connection.execute(
        table.update()
        .where(table.c.box == box)
        .values(revoked_at=now, reason=reason, note=note[:256], listed_at=None, kicked_at=None)
    )
    withdraw(connection, box, reason, now)
    unused = tables.token
    connection.execute(
        unused.update().where(unused.c.box == box, unused.c.used_at.is_(None)).values(expires_at=now)
    )
    accounts.note(connection, now, by, "box.revoked", f"{box} {reason}")


def withdraw(connection: Connection, box: str, reason: str, now: int) -> None:
    """Take back the certificates of a box."""
    table = tables.certificate
    these = (table.c.box == box) & table.c.revoked_at.is_(None)
    connection.execute(table.update().where(these).values(revoked_at=now, reason=reason))


def listing(connection: Connection, authority: str, since: int) -> list[Withdrawn]:
    """What the list of one authority names: certificates taken back that were still valid at ``since``, and
    those that may have been by a clock that is behind."""
    table = tables.certificate
    query = select(table.c.number, table.c.revoked_at, table.c.reason).where(
        table.c.authority == authority, table.c.revoked_at.is_not(None), table.c.not_after > since
    )
    return [Withdrawn(row.number, row.revoked_at, row.reason) for row in connection.execute(query)]


def unlisted(connection: Connection) -> set[str]:
    """Boxes that were taken out and that the broker was not told of yet."""
    table = tables.enrolled
    return set(
        connection.scalars(select(table.c.box).where(table.c.revoked_at.is_not(None), table.c.listed_at.is_(None)))
    )


def to_kick(connection: Connection, heard: Set[str]) -> list[str]:
    """Boxes that are out and may still hold a session: those never kicked, and those that speak all the same."""
    table = tables.enrolled
    out = table.c.revoked_at.is_not(None) & table.c.listed_at.is_not(None)
    query = select(table.c.box).where(out, or_(table.c.kicked_at.is_(None), table.c.box.in_(heard)))
    return sorted(connection.scalars(query))
