"""Alerts: one row for each verdict; its id is the SSE event id."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam

from edge.pipeline.alerting import Alert
from edge.store.schema import alert

_ANSWERED = alert.update().where(alert.c.case_id == bindparam("of_case"), alert.c.acknowledged_at.is_(None))
_ADD = alert.insert().returning(alert.c.id)


def add_alert(connection: Connection, case_id: str, verdict_id: int, made: Alert, now: int) -> int:
    """Store one; return its id. What an earlier verdict on the case asked for is answered by this one."""
    connection.execute(_ANSWERED, {"of_case": case_id, "acknowledged_at": now})
    row = {
        "case_id": case_id,
        "verdict_id": verdict_id,
        "level": made.level,
        "needs_acknowledgement": int(made.needs_acknowledgement),
        "dedupe_key": made.dedupe_key,
        "created_at": now,
        "expires_at": made.expires_at,
    }
    return int(connection.scalars(_ADD, row).one())
