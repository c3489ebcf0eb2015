"""What the centre is to hear."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Table, Text

from edge.store.schema.base import metadata

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("case_id", Text),
    Column("payload", LargeBinary, nullable=False),
    Column("boot", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer, nullable=False, server_default="0"),
    Column("acked_at", Integer),
    Column("reject_code", Text),
    Column("reject_detail", Text),
    CheckConstraint("state in ('pending','acked','quarantined')", name="known_state"),
    Index("outbox_pending", "state", "next_at", "seq"),
    Index("outbox_case", "case_id"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""Facts for the centre. ``seq`` is gap-free and never reused, so that the centre can prove completeness."""
