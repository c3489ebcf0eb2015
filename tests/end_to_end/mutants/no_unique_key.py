"""A centre without the unique key over box, stream and number."""

from __future__ import annotations

from sqlalchemy import UniqueConstraint

from cloud_sync.central import schema


def mutate() -> None:
    """Take the constraint away before the tables are made."""
    table = schema.event
    for constraint in list(table.constraints):
        if isinstance(constraint, UniqueConstraint):
            table.constraints.discard(constraint)
