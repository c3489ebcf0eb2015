"""Tables of authoring: drafts with every edit, what was done with them and why, and replays.

What was released is not here: the signed repository itself says that.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from cloud_sync.central.columns import Id, numbers, texts
from cloud_sync.central.schema import metadata

draft = Table(
    "pack_draft",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("pack", "kind", "author"),
    *numbers("created_at"),
    *texts("state"),
    Column("edit", Integer, nullable=False),
    *texts("base"),
    *numbers("base_version"),
    *texts("note", "submitted_by", empty=True),
    Column("submitted_at", BigInteger),
    *texts("sha256", "proposal", empty=True),
    CheckConstraint("state in ('editing', 'submitted', 'published', 'withdrawn')", name="known_draft_state"),
    Index("draft_pack", "pack"),
)
"""``edit``: number of the edit that it stands at. ``base``: hash of the release it began from; "": what ships.
``note``, ``sha256``, ``proposal``: what was submitted, with why, and the repository's number of the proposal."""

edit = Table(
    "pack_edit",
    metadata,
    Column("draft", Id, ForeignKey("pack_draft.id"), nullable=False),
    Column("number", Integer, nullable=False),
    *numbers("at"),
    *texts("account", "what", "pack_toml", "rules_toml", "cases_toml"),
    UniqueConstraint("draft", "number", name="edit_once"),
)
"""The whole text after each edit, so that going back is a number."""

deed = Table(
    "pack_deed",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("pack"),
    Column("draft", Id, ForeignKey("pack_draft.id"), nullable=False),
    *numbers("at"),
    *texts("account", "action"),
    *numbers("version"),
    *texts("why", empty=True),
    Index("deed_pack", "pack"),
)
"""The history of a pack: who did what, when and why. The same deeds stand in the audit's chain."""

replay = Table(
    "pack_replay",
    metadata,
    Column("id", Id, primary_key=True),
    Column("draft", Id, ForeignKey("pack_draft.id"), nullable=False),
    Column("edit", Integer, nullable=False),
    *texts("account"),
    *numbers("at"),
    *texts("sites", "boxes"),
    Column("most", Integer, nullable=False),
    *texts("state"),
    Column("done", Integer, nullable=False, server_default="0"),
    Column("total", Integer, nullable=False, server_default="0"),
    *texts("report", empty=True),
    CheckConstraint("state in ('waiting', 'running', 'done', 'failed')", name="known_replay_state"),
    Index("replay_draft", "draft"),
)
"""One try of a draft on history. ``sites``, ``boxes``: JSON lists, empty: all; ``report``: JSON when done."""
