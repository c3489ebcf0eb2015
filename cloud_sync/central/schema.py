"""The centre's tables, for SQLite and PostgreSQL alike. Times are UTC milliseconds. No patient is named in any.

What a box sent is kept byte for byte in ``event.payload``; the other tables are what pages ask for.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from cloud_sync.central.columns import Id, numbers, texts

metadata = MetaData()
box = Table(
    "box",
    metadata,
    Column("name", Text, primary_key=True),
    *texts("site", "agent", "boot", "boot_before", empty=True),
    Column("online", Integer, nullable=False, server_default="0"),
    *numbers("first_seen", "last_seen"),
    *texts("stream", empty=True),
    Column("seq_hi", BigInteger, nullable=False, server_default="0"),
    Column("depth", BigInteger, nullable=False, server_default="0"),
    Column("oldest_age_s", Float, nullable=False, server_default="0"),
    Column("quarantined", BigInteger, nullable=False, server_default="0"),
    Column("disk_pct", Float),
    Column("clock_synced", Integer),
    Column("clock_offset_ms", BigInteger),
)
"""``seq_hi`` and what follows are the box's own words: its last birth or metrics.

``boot_before``: the boot before the present one; its return means that two boxes use one name.
``clock_offset_ms``: the box's clock minus the centre's.
"""

stream = Table(
    "stream",
    metadata,
    *texts("box", "stream"),
    *numbers("hi", "low_water", "first_seen"),
    UniqueConstraint("box", "stream"),
)
"""``hi``: highest number settled; ``low_water``: every number up to it is settled. Gaps are what lies between."""

event = Table(
    "event",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("box", "stream"),
    *numbers("seq"),
    *texts("type", "time"),
    *numbers("received_at"),
    *texts("sha256"),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("box", "stream", "seq", name="once"),
    Index("event_received", "received_at"),
)
"""Every durable fact, once. The unique key is what makes at-least-once delivery exactly-once in effect."""

result = Table(
    "result",
    metadata,
    Column("event_id", Id, ForeignKey("event.id"), primary_key=True),
    *texts("box"),
    Column("study", Text),
    Column("instance", Text),
    Column("manufacturer", Text),
    Column("model", Text),
    Column("serial", Text),
    Column("station", Text),
    Column("institution", Text),
    Column("ae", Text),
    Column("modality", Text),
    Column("body_part", Text),
    Column("view", Text),
    Column("laterality", Text),
    Column("acquired", Text),
    *numbers("received"),
    Column("grade", Text),
    Column("score", Float),
    Column("latency_ms", Float),
    *texts("mode"),
    Column("not_assessed", Integer, nullable=False),
    Index("result_received", "received"),
    Index("result_box", "box", "received"),
)
"""One verdict, in columns. ``received``: when the box had the image."""

finding = Table(
    "finding",
    metadata,
    Column("id", Id, primary_key=True),
    Column("event_id", Id, ForeignKey("event.id"), nullable=False),
    *texts("rule", "level", "severity", "group_"),
    Column("deduct", Float, nullable=False),
    *texts("title_zh", "title_en"),
    Index("finding_event", "event_id"),
    Index("finding_rule", "rule"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("box"),
    Column("stream", Text),
    Column("seq", BigInteger),
    *numbers("received_at"),
    *texts("code", "detail", "sha256"),
    Column("bytes", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("box", "sha256", name="kept_once"),
    Index("dead_letter_seq", "box", "stream", "seq"),
)
"""What could not be read, kept for people. A number that is here is settled: it is no gap."""

alarm = Table(
    "integrity_alarm",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("box", "kind"),
    *texts("stream", empty=True),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    *texts("sha256", empty=True),
    *numbers("raised_at"),
    UniqueConstraint("box", "kind", "stream", "seq", "sha256", name="raised_once"),
    CheckConstraint("kind in ('content', 'source', 'clone')", name="known_kind"),
)
"""``content``: one key, two contents; the first is kept. ``source``: an event in another box's name.
``clone``: two boxes use one name."""

account = Table(
    "account",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    *texts("role", "secret_hash"),
    Column("failed_attempts", Integer, nullable=False, server_default="0"),
    Column("locked_until", BigInteger),
    *numbers("created_at"),
    CheckConstraint("role in ('qc-group', 'admin')", name="known_role"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account_id", Id, ForeignKey("account.id"), nullable=False),
    *numbers("expires_at"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    *numbers("at"),
    *texts("account", "action", "subject", "chain"),
)
"""Who logged in, who downloaded, who made accounts; a hash chain (cloud_sync.kit.chain)."""
