"""Who measured the numbers of a baseline: another producer, or another version of it, begins it anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("baseline", sa.Column("producer", sa.Text(), nullable=False, server_default=""))
    # A network of motion has its own level: what 1.0.0 said is not what the next one says.
    op.execute("UPDATE baseline SET producer = 'mr-motion/1' WHERE measure = 'mr.motion_score'")
