"""Who did what: rows in a hash chain, written in the transaction of the deed itself."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Row, insert, select

from cloud_sync.kit.chain import START, Checked, Fields, check, link
from edge.store.schema import account, audit


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed, ready to show. ``who`` is the account's display name, "" for the box itself."""

    at: int
    who: str
    action: str
    subject: str
    detail: str


def add(
    connection: Connection, at: int, account_id: int | None, action: str, subject: str, detail: str = ""
) -> None:
    """Append a row. ``subject`` is a case id or an account name, never a patient's identity."""
    head = connection.scalar(select(audit.c.chain).order_by(audit.c.id.desc()).limit(1)) or START
    row = {"at": at, "account_id": account_id, "action": action, "subject": subject, "detail": detail}
    connection.execute(insert(audit).values(**row, chain=link(head, row)))


def verify(connection: Connection) -> Checked:
    """Walk the whole chain; ``broken_at`` counts rows from 0."""
    rows = connection.execute(select(audit).order_by(audit.c.id))
    return check((_fields(row), row.chain) for row in rows)


def of_subject(connection: Connection, subject: str, limit: int = 100) -> tuple[Entry, ...]:
    """The latest deeds on one case or account, newest first."""
    query = (
        select(audit, account.c.display_name)
        .outerjoin(account, account.c.id == audit.c.account_id)
        .where(audit.c.subject == subject)
        .order_by(audit.c.id.desc())
        .limit(limit)
    )
    return tuple(
        Entry(row.at, row.display_name or "", row.action, row.subject, row.detail)
        for row in connection.execute(query)
    )


def _fields(row: Row[tuple[object, ...]]) -> Fields:
    return {name: getattr(row, name) for name in ("at", "account_id", "action", "subject", "detail")}
