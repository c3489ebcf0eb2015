"""The site's own changes of rules: kept with who, when and why; a change is never overwritten, only taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, Row, Select, select

from edge.store.schema import account, site_override
from models.content.overrides import SiteLayer
from models.rules.schema import OverrideSpec


@dataclass(frozen=True, slots=True)
class SiteOverride:
    """One change of one rule. ``by`` and ``removed_by`` are display names."""

    id: int
    layer: SiteLayer
    subject: str
    """Key of the device or person; "" for the hospital."""
    change: OverrideSpec
    note: str
    by: str
    at: int
    removed_by: str
    removed_at: int | None


def in_force(connection: Connection) -> tuple[SiteOverride, ...]:
    """What applies now, by layer, subject and rule."""
    table = site_override
    query = _all().where(table.c.removed_at.is_(None)).order_by(table.c.layer, table.c.subject, table.c.rule)
    return tuple(map(_read, connection.execute(query)))


def history(connection: Connection, most: int = 200) -> tuple[SiteOverride, ...]:
    """Everything that was ever changed, newest first."""
    query = _all().order_by(site_override.c.id.desc()).limit(most)
    return tuple(map(_read, connection.execute(query)))


def one(connection: Connection, override_id: int) -> SiteOverride | None:
    """A change by its number."""
    row = connection.execute(_all().where(site_override.c.id == override_id)).first()
    return None if row is None else _read(row)


def add(
    connection: Connection, layer: SiteLayer, subject: str, change: OverrideSpec, note: str, by: int, now: int
) -> tuple[int, tuple[int, ...]]:
    """Put a change in force in place of the one before; return its number and the numbers that it replaces."""
    table = site_override
    same = (table.c.layer == layer, table.c.subject == subject, table.c.rule == change.rule)
    before = connection.scalars(select(table.c.id).where(*same, table.c.removed_at.is_(None))).all()
    for old in before:
        remove(connection, old, by, now)
    row = {
        "layer": layer, "subject": subject, "rule": change.rule, "note": note, "account_id": by, "at": now,
        "change": change.model_dump_json(exclude_unset=True),
    }  # fmt: skip
    made = connection.execute(table.insert().values(**row).returning(table.c.id)).scalar_one()
    return int(made), tuple(before)


def remove(connection: Connection, override_id: int, by: int, now: int) -> bool:
    """Take a change back; whether it was in force."""
    table = site_override
    taken = table.update().where(table.c.id == override_id, table.c.removed_at.is_(None))
    return connection.execute(taken.values(removed_by=by, removed_at=now)).rowcount == 1


def _all() -> Select[tuple[object, ...]]:
    made, taken = account.alias("made"), account.alias("taken")
    return (
        select(site_override, made.c.display_name.label("by"), taken.c.display_name.label("taker"))
        .join(made, made.c.id == site_override.c.account_id)
        .outerjoin(taken, taken.c.id == site_override.c.removed_by)
    )


def _read(row: Row[tuple[object, ...]]) -> SiteOverride:
    return SiteOverride(
        id=row.id,
        layer=cast(SiteLayer, row.layer),
        subject=row.subject,
        change=OverrideSpec.model_validate_json(row.change),
        note=row.note,
        by=row.by,
        at=row.at,
        removed_by=row.taker or "",
        removed_at=row.removed_at,
    )
