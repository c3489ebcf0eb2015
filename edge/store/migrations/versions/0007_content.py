"""Signed content: releases, slots, their history and faults."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_STATES = (
    "assigned", "staged", "verified", "tested", "shadow", "probation", "committed",
    "superseded", "cancelled", "rejected", "failed_verify", "failed_selftest", "rolled_back",
)  # fmt: skip


def upgrade() -> None:
    _release()
    op.create_table(
        "content_slot",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=True),
        sa.Column("previous", sa.Integer(), nullable=True),
        sa.Column("highest", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["active"], ["content_release.id"]),
        sa.ForeignKeyConstraint(["previous"], ["content_release.id"]),
        sa.PrimaryKeyConstraint("name"),
        sqlite_strict=True,
    )
    op.create_table(
        "content_step",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), server_default="", nullable=False),
        sa.Column("detail", sa.Text(), server_default="", nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["release_id"], ["content_release.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("content_step_release", "content_step", ["release_id"])
    op.create_table(
        "content_fault",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.CheckConstraint("kind in ('boot', 'worker')", name="known_content_fault"),
        sa.ForeignKeyConstraint(["release_id"], ["content_release.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("content_fault_release", "content_fault", ["release_id", "kind"])


def _release() -> None:
    numbers = (
        "version",
        "length",
        "shadow_images",
        "probation_images",
        "probation_s",
        "assigned_at",
        "changed_at",
    )
    texts = ("name", "path", "sha256", "state")
    said = ("rollout", "error_code", "error_detail", "rollback_code", "rollback_detail")
    op.create_table(
        "content_release",
        sa.Column("id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in numbers),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in said),
        *(sa.Column(name, sa.Integer(), server_default="0", nullable=False) for name in ("tries", "watched_ms")),
        *(sa.Column(name, sa.Integer(), nullable=True) for name in ("active_at", "release", "from_verdict")),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ("about", "report")),
        sa.CheckConstraint(f"state in ({', '.join(map(repr, _STATES))})", name="known_content_state"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("content_release_name", "content_release", ["name"])
    op.create_index(
        "one_on_its_way",
        "content_release",
        ["name"],
        unique=True,
        sqlite_where=sa.text("state in ('assigned', 'staged', 'verified', 'tested', 'shadow')"),
    )
