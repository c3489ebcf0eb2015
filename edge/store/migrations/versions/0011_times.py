"""Which time of a dynamic series an image is of, and of how many."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("set_member", sa.Column("time", sa.Integer(), nullable=True))
    op.add_column("set_member", sa.Column("times", sa.Integer(), nullable=True))
