"""Who measured each number, and each given baseline: those of a version that comes back count again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OF_IT = "b.group_id = baseline_value.group_id AND b.measure = baseline_value.measure"


def upgrade() -> None:
    for table in ("baseline_value", "baseline_seed"):
        op.add_column(table, sa.Column("producer", sa.Text(), nullable=False, server_default=""))
    # Who measured what counts no more was not kept: it was reset, or another one measured it.
    op.execute(
        "UPDATE baseline_value SET producer = coalesce((SELECT b.producer FROM baseline AS b "  # noqa: S608
        f"WHERE {_OF_IT} AND baseline_value.id > b.after_id), '')"
    )
