"""What is to go on: images to archives, what devices say to the RIS, what the archive keeps to the devices."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
)

from edge.store.schema.base import table

forward = table(
    "forward",
    Column("destination", Text, nullable=False),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer, nullable=False),
    Column("code", Text),
    Column("updated_at", Integer, nullable=False),
    Column("sop_uid", Text),
    CheckConstraint("state in ('waiting','sent','refused')", name="known_state"),
    PrimaryKeyConstraint("destination", "case_id"),
    Index("forward_due", "destination", "state", "next_at"),
    Index("forward_case", "case_id", "state"),
    Index("forward_sop", "destination", "sop_uid"),
)
"""One image on its way to one destination. ``code``: the last answer, a DICOM status or a word of ours.
``sop_uid``: known once it was tried."""

relayed_step = table(
    "relayed_step",
    Column("id", Text, primary_key=True),
    Column("step_uid", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer, nullable=False),
    Column("code", Text),
    Column("updated_at", Integer, nullable=False),
    CheckConstraint("state in ('waiting','sent','refused')", name="known_state"),
    Index("relayed_step_due", "state", "next_at"),
    Index("relayed_step_step", "step_uid", "id"),
)
"""One N-CREATE or N-SET of a performed procedure step on its way to the RIS, as the device sent it (``content``,
until it is sent). Its ``id`` is the arrival's: they sort by time."""

commitment = table(
    "commitment",
    Column("id", Text, primary_key=True),
    Column("calling_ae", Text, nullable=False),
    Column("received_at", Integer, nullable=False),
    Column("content", LargeBinary),
    Column("transaction_uid", Text),
    Column("answer", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer, nullable=False),
    Column("code", Text),
    Column("updated_at", Integer, nullable=False),
    CheckConstraint("state in ('waiting','asked','answered','told','refused')", name="known_state"),
    UniqueConstraint("transaction_uid"),
    Index("commitment_due", "state", "next_at"),
)
"""One request for storage commitment. ``transaction_uid``: ours, which only the archive was told. ``answer``: JSON
of what the archive keeps and what not. ``told``: the device knows it."""
