"""What was judged and decided."""

from __future__ import annotations

from sqlalchemy import REAL, CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint

from edge.store.schema.base import table

verdict = table(
    "verdict",
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("mode", Text, nullable=False),
    Column("grade", Text),
    Column("score", REAL),
    Column("packs", Text, nullable=False),
    Column("bundles", Text, nullable=False, server_default="[]"),
    Column("passed", Text, nullable=False),
    Column("not_assessed", Text, nullable=False),
    Column("timings", Text, nullable=False),
    Column("marks", Text),
    Column("replaces", Integer, ForeignKey("verdict.id")),
    Column("created_at", Integer, nullable=False),
    Index("verdict_case", "case_id", "mode"),
    Index("one_first_verdict", "case_id", "mode", unique=True, sqlite_where=Column("replaces").is_(None)),
)
"""``marks``: what to draw over the picture; goes with the picture."""

facts = table(
    "facts",
    Column("verdict_id", Integer, ForeignKey("verdict.id"), primary_key=True),
    Column("content", Text, nullable=False),
)
"""``content``: JSON, an object by name; see :mod:`edge.store.facts`. Those of a slice go with its image."""

finding = table(
    "finding",
    Column("id", Integer, primary_key=True),
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("group_", Text, nullable=False),
    Column("deduct", REAL, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("advice_zh", Text, nullable=False),
    Column("advice_en", Text, nullable=False),
    Column("detail", Text, nullable=False),
    UniqueConstraint("verdict_id", "rule_id"),
)
"""``detail``: JSON with evidence, limits, layer, pack, source, evidence_label, codes, regions."""

alert = table(
    "alert",
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False, unique=True),
    Column("level", Text, nullable=False),
    Column("needs_acknowledgement", Integer, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer),
    Column("acknowledged_at", Integer),
    Column("acknowledged_by", Integer, ForeignKey("account.id")),
    Index("alert_open", "acknowledged_at", "created_at"),
    Index("alert_case", "case_id"),
)
"""One per verdict, also for good images (level ``good``): the console shows what went well, too.

``id`` is the SSE event id, so Last-Event-ID replays what a page missed.
"""

decision = table(
    "decision",
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False),
    Column("account_id", Integer, ForeignKey("account.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("reason_code", Text),
    Column("comment", Text),
    Column("undone_at", Integer),
    Column("created_at", Integer, nullable=False),
    CheckConstraint("action in ('accept','repeat','override')", name="known_action"),
    Index("decision_case", "case_id"),
)
"""What a person decided. The latest one that is not undone counts."""
