"""Who may do what, and who did what."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Text

from edge.store.schema.base import table

account = table(
    "account",
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("failed_attempts", Integer, nullable=False, server_default="0"),
    Column("locked_until", Integer),
    Column("disabled_at", Integer),
    Column("created_at", Integer, nullable=False),
    CheckConstraint("role in ('technologist','qc-lead','engineer')", name="known_role"),
)

session = table(
    "session",
    Column("token_hash", Text, primary_key=True),
    Column("account_id", Integer, ForeignKey("account.id"), nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_seen", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("address", Text, nullable=False),
)

audit = table(
    "audit",
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("account_id", Integer),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("chain", Text, nullable=False),
)
"""Who did what, in a hash chain: a row changed or removed later breaks every ``chain`` after it."""
