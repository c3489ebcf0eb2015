"""Networks: which ones were behind a verdict, and what to draw over the picture."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("verdict", sa.Column("bundles", sa.Text(), server_default="[]", nullable=False))
    op.add_column("verdict", sa.Column("marks", sa.Text(), nullable=True))
