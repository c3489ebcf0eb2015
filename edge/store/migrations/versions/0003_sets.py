"""Series and studies: sets of images, what belongs to them, and what a device says is still to come."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("case_", sa.Column("sop_class", sa.Text(), nullable=True))
    op.add_column("case_", sa.Column("association", sa.Text(), nullable=True))
    op.add_column("case_", sa.Column("association_ended_at", sa.Integer(), nullable=True))
    op.create_index("case_association", "case_", ["association"])
    op.add_column("acquisition", sa.Column("patient_id_issuer", sa.Text(), nullable=True))
    # Timers live in the rows of the sets themselves.
    op.drop_column("exam", "due_at")
    op.drop_column("exam", "state")
    _sets()
    _words_of_the_device()


def _sets() -> None:
    op.create_table(
        "image_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("exam_id", sa.Integer(), nullable=True),
        sa.Column("device_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Text(), nullable=True),
        sa.Column("calling_ae", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.Integer(), nullable=False),
        sa.Column("last_image_at", sa.Integer(), nullable=False),
        sa.Column("changes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("misled_by", sa.Text(), nullable=True),
        sa.CheckConstraint("level in ('series','study')", name="known_level"),
        sa.ForeignKeyConstraint(["exam_id"], ["exam.id"]),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"]),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("case_id"),
        sa.UniqueConstraint("level", "uid"),
        sqlite_strict=True,
    )
    op.create_index("image_set_exam", "image_set", ["exam_id"])
    op.create_index("image_set_device", "image_set", ["device_id"])
    op.create_table(
        "set_member",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("excluded", sa.Text(), nullable=True),
        sa.Column("record_sha256", sa.Text(), nullable=True),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=True),
        sa.Column("dose_report", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_.id"]),
        sa.ForeignKeyConstraint(["set_id"], ["image_set.id"]),
        sa.PrimaryKeyConstraint("case_id"),
        sqlite_strict=True,
    )
    op.create_index("set_member_set", "set_member", ["set_id"])
    op.create_index("set_member_record", "set_member", ["record_sha256"])


def _words_of_the_device() -> None:
    op.create_table(
        "performed_step",
        sa.Column("uid", sa.Text(), nullable=False),
        sa.Column("study_uid", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Integer(), nullable=False),
        sa.CheckConstraint("state in ('in_progress','completed','discontinued')", name="known_step"),
        sa.PrimaryKeyConstraint("uid"),
        sqlite_strict=True,
    )
    op.create_index("performed_step_study", "performed_step", ["study_uid"])
    op.create_table(
        "announced",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("source_uid", sa.Text(), nullable=False),
        sa.Column("series_uid", sa.Text(), nullable=True),
        sa.Column("instances", sa.Text(), nullable=False),
        sa.Column("announced_at", sa.Integer(), nullable=False),
        sa.CheckConstraint("evidence in ('mpps','commitment')", name="known_evidence"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("evidence", "source_uid", "series_uid"),
        sqlite_strict=True,
    )
    op.create_index("announced_series", "announced", ["series_uid"])
