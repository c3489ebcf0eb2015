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

metadata = MetaData()
# SQLite counts by itself only in a column of type INTEGER.
_Id = BigInteger().with_variant(Integer, "sqlite")

box = Table(
    "box",
    metadata,
    Column("name", Text, primary_key=True),
    Column("site", Text, nullable=False, server_default=""),
    Column("agent", Text, nullable=False, server_default=""),
    Column("boot", Text, nullable=False, server_default=""),
    Column("boot_before", Text, nullable=False, server_default=""),
    Column("online", Integer, nullable=False, server_default="0"),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("stream", Text, nullable=False, server_default=""),
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
    Column("box", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("hi", BigInteger, nullable=False),
    Column("low_water", BigInteger, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    UniqueConstraint("box", "stream"),
)
"""``hi``: highest number settled; ``low_water``: every number up to it is settled. Gaps are what lies between."""

event = Table(
    "event",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("box", Text, nullable=False),
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("box", "stream", "seq", name="once"),
    Index("event_received", "received_at"),
)
"""Every durable fact, once. The unique key is what makes at-least-once delivery exactly-once in effect."""

result = Table(
    "result",
    metadata,
    Column("event_id", _Id, ForeignKey("event.id"), primary_key=True),
    Column("box", Text, nullable=False),
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
    Column("received", BigInteger, nullable=False),
    Column("grade", Text),
    Column("score", Float),
    Column("latency_ms", Float),
    Column("mode", Text, nullable=False),
    Column("not_assessed", Integer, nullable=False),
    Index("result_received", "received"),
    Index("result_box", "box", "received"),
)
"""One verdict, in columns. ``received``: when the box had the image."""

finding = Table(
    "finding",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("event_id", _Id, ForeignKey("event.id"), nullable=False),
    Column("rule", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("group_", Text, nullable=False),
    Column("deduct", Float, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Index("finding_event", "event_id"),
    Index("finding_rule", "rule"),
)

dead_letter = Table(
    "dead_letter",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("box", Text, nullable=False),
    Column("stream", Text),
    Column("seq", BigInteger),
    Column("received_at", BigInteger, nullable=False),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    UniqueConstraint("box", "sha256", name="kept_once"),
    Index("dead_letter_seq", "box", "stream", "seq"),
)
"""What could not be read, kept for people. A number that is here is settled: it is no gap."""

alarm = Table(
    "integrity_alarm",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("box", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stream", Text, nullable=False, server_default=""),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("sha256", Text, nullable=False, server_default=""),
    Column("raised_at", BigInteger, nullable=False),
    UniqueConstraint("box", "kind", "stream", "seq", "sha256", name="raised_once"),
    CheckConstraint("kind in ('content', 'source', 'clone')", name="known_kind"),
)
"""``content``: one key, two contents; the first is kept. ``source``: an event in another box's name.
``clone``: two boxes use one name."""

account = Table(
    "account",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("failed_attempts", Integer, nullable=False, server_default="0"),
    Column("locked_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("role in ('qc-group', 'admin')", name="known_role"),
)

session = Table(
    "session",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("account_id", _Id, ForeignKey("account.id"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("account", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("chain", Text, nullable=False),
)
"""Who logged in, who downloaded, who made accounts; a hash chain (cloud_sync.kit.chain)."""
