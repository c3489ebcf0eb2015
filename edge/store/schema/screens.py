"""What people said of fields that were read off a console's screen."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, PrimaryKeyConstraint, Text

from edge.store.schema.base import table

confirmed_field = table(
    "confirmed_field",
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("keyword", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("account_id", Integer, ForeignKey("account.id"), nullable=False),
    Column("at", Integer, nullable=False),
    PrimaryKeyConstraint("case_id", "keyword"),
)
"""The latest word on a field; who changed which one before is in the audit log. ``text`` may be an identity."""
