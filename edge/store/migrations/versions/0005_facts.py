"""Facts: one row for each verdict instead of one for each measurement."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MOVE = """
INSERT INTO facts (verdict_id, content)
SELECT verdict_id, json_group_object(name, json(CASE WHEN value IS NULL
    THEN json_object('reason', reason, 'detail', coalesce(detail, ''))
    ELSE json_object('value', json(value), 'unit', unit, 'producer', producer, 'confidence', confidence,
        'regions', (SELECT json_group_array(json_array(
            json_extract(each.value, '$.left'), json_extract(each.value, '$.top'),
            json_extract(each.value, '$.right'), json_extract(each.value, '$.bottom')
        )) FROM json_each(regions) AS each))
    END))
FROM (SELECT * FROM measurement ORDER BY verdict_id, name)
GROUP BY verdict_id
"""


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column("verdict_id", sa.Integer(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["verdict_id"], ["verdict.id"]),
        sa.PrimaryKeyConstraint("verdict_id"),
        sqlite_strict=True,
    )
    op.execute(_MOVE)
    op.drop_table("measurement")
