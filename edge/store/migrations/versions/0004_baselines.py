"""Baselines: what each device's numbers usually are, and every number they are made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ALIKE = ("modality", "body_part", "view", "protocol", "technique", "software", "detector")


def upgrade() -> None:
    op.create_table(
        "baseline_group",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        *(sa.Column(part, sa.Text(), nullable=False) for part in _ALIKE),
        sa.Column("first_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("device_id", *_ALIKE),
        sqlite_strict=True,
    )
    op.create_table(
        "baseline_value",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("value", sa.REAL(), nullable=False),
        sa.Column("at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"]),
        sa.ForeignKeyConstraint(["group_id"], ["baseline_group.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id", "measure"),
        sqlite_strict=True,
    )
    op.create_index("baseline_value_order", "baseline_value", ["group_id", "measure", "id"])
    op.create_table(
        "baseline",
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("after_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.Column("median", sa.REAL(), nullable=False),
        sa.Column("mad", sa.REAL(), nullable=False),
        sa.Column("drift", sa.REAL(), nullable=True),
        sa.Column("drifted_at", sa.Integer(), nullable=True),
        sa.Column("updated_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["group_id"], ["baseline_group.id"]),
        sa.UniqueConstraint("group_id", "measure"),
        sqlite_strict=True,
    )
    op.create_table(
        "baseline_seed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        *(sa.Column(part, sa.Text(), nullable=False) for part in _ALIKE),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("numbers", sa.Integer(), nullable=False),
        sa.Column("median", sa.REAL(), nullable=False),
        sa.Column("mad", sa.REAL(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("seeded_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"]),
        sa.PrimaryKeyConstraint("id"),
        sqlite_strict=True,
    )
    op.create_index("baseline_seed_device", "baseline_seed", ["device_id"])
