"""What a site changed in rules for itself: its hospital, one device, one person."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, text

from edge.store.schema.base import table

site_override = table(
    "site_override",
    Column("id", Integer, primary_key=True),
    Column("layer", Text, nullable=False),
    Column("subject", Text, nullable=False, server_default=""),
    Column("rule", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("account_id", Integer, ForeignKey("account.id"), nullable=False),
    Column("at", Integer, nullable=False),
    Column("removed_by", Integer, ForeignKey("account.id")),
    Column("removed_at", Integer),
    CheckConstraint("layer in ('L4', 'L5', 'L6')", name="known_layer"),
    Index("override_in_force", "layer", "subject", "rule", unique=True, sqlite_where=text("removed_at is null")),
)
"""``subject``: the device's or person's key, "" for the hospital. ``change``: a rule pack's override in JSON
(models.rules.schema.OverrideSpec). One of each rule is in force at a time; those before stay as history."""
