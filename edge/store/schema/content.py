"""Signed content: what the centre assigned, how far each release came, and what stands in each name's slot."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, text

from edge.store.schema.base import table

STATES = (
    "assigned", "staged", "verified", "tested", "shadow", "probation", "committed",
    "superseded", "cancelled", "rejected", "failed_verify", "failed_selftest", "rolled_back",
)  # fmt: skip

content_release = table(
    "content_release",
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("length", Integer, nullable=False),
    Column("rollout", Text, nullable=False, server_default=""),
    Column("shadow_images", Integer, nullable=False),
    Column("probation_images", Integer, nullable=False),
    Column("probation_s", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("assigned_at", Integer, nullable=False),
    Column("changed_at", Integer, nullable=False),
    Column("active_at", Integer),
    Column("release", Integer),
    Column("about", Text),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("from_verdict", Integer),
    Column("watched_ms", Integer, nullable=False, server_default="0"),
    Column("report", Text),
    Column("error_code", Text, nullable=False, server_default=""),
    Column("error_detail", Text, nullable=False, server_default=""),
    Column("rollback_code", Text, nullable=False, server_default=""),
    Column("rollback_detail", Text, nullable=False, server_default=""),
    CheckConstraint(f"state in ({', '.join(map(repr, STATES))})", name="known_content_state"),
    Index("content_release_name", "name"),
    Index(
        "one_on_its_way",
        "name",
        unique=True,
        sqlite_where=text("state in ('assigned', 'staged', 'verified', 'tested', 'shadow')"),
    ),
)
"""One attempt at one release. ``release``: the signed counter, known once it is verified. ``about``: what the
package says of itself, in JSON. ``from_verdict``: the last verdict before it was in shadow or active;
``watched_ms``: how long it has been watched by a clock that nobody sets. Two errors: why it failed, and why the
way back did."""

content_slot = table(
    "content_slot",
    Column("name", Text, primary_key=True),
    Column("active", Integer, ForeignKey("content_release.id")),
    Column("previous", Integer, ForeignKey("content_release.id")),
    Column("highest", Integer, nullable=False, server_default="0"),
    Column("changed_at", Integer, nullable=False),
)
"""Under each name what judges and what did before; null is what shipped with the program, if anything did.
``highest``: the highest signed release counter that was ever active: nothing below it is taken any more."""

content_step = table(
    "content_step",
    Column("id", Integer, primary_key=True),
    Column("release_id", Integer, ForeignKey("content_release.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("code", Text, nullable=False, server_default=""),
    Column("detail", Text, nullable=False, server_default=""),
    Column("at", Integer, nullable=False),
    Index("content_step_release", "release_id"),
)
"""The history of each release."""

content_fault = table(
    "content_fault",
    Column("id", Integer, primary_key=True),
    Column("release_id", Integer, ForeignKey("content_release.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Integer, nullable=False),
    CheckConstraint("kind in ('boot', 'worker')", name="known_content_fault"),
    Index("content_fault_release", "release_id", "kind"),
)
"""What went wrong while a release was in shadow or in probation: the agent ended uncleanly, or a worker died of an
image that the content before could judge."""
