"""Who may enrol, what was issued, what was taken back. Times are UTC milliseconds. Tokens are kept only as a
hash."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Table, Text, UniqueConstraint

from cloud_sync.central.columns import Id, numbers, texts
from cloud_sync.central.schema import metadata

token = Table(
    "enrolment_token",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    *texts("box", "site", "serial", "made_by"),
    *numbers("made_at", "expires_at"),
    Column("used_at", BigInteger),
    Column("used_key", Text),
)
"""``serial``: the number on the type plate that the box must have. ``used_key``: SHA-256 of the public key
(SPKI) that it was used for; that key is answered again, another never."""

enrolled = Table(
    "enrolled_box",
    metadata,
    Column("box", Text, primary_key=True),
    *texts("site", "serial"),
    *numbers("enrolled_at"),
    Column("revoked_at", BigInteger),
    Column("reason", Text),
    *texts("note", empty=True),
    Column("listed_at", BigInteger),
    Column("kicked_at", BigInteger),
    Index("enrolled_serial", "serial"),
)
"""``listed_at``: when the broker was given the revocation list that has this box. ``kicked_at``: when its
session was last ended for it."""

certificate = Table(
    "box_certificate",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("number", "authority", "box", "key", "pem"),
    *numbers("issued_at", "not_before", "not_after"),
    Column("renews", Id),
    Column("confirmed_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("reason", Text),
    UniqueConstraint("authority", "number", name="certificate_number"),
    UniqueConstraint("renews", name="one_successor"),
    Index("certificate_box", "box"),
)
"""``number``: the certificate's serial number in hexadecimal; ``authority`` and ``key``: SHA-256 of public keys
(SPKI). ``renews``: the certificate that this one takes the place of; ``confirmed_at``: when it was first
used."""

alarm = Table(
    "enrolment_alarm",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("box", "kind"),
    *texts("key", empty=True),
    *numbers("raised_at"),
    UniqueConstraint("box", "kind", "key", name="alarm_once"),
    CheckConstraint("kind in ('token', 'serial', 'renewal', 'revoked')", name="known_enrolment_alarm"),
)
"""``token``: used a second time with another key. ``serial``: used on another machine. ``renewal``: one
certificate renewed for two keys, which is a copied box. ``revoked``: a box that was taken out still speaks."""
