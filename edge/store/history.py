"""What became of the images of the past: the facts the box measured, and whether a person had them repeated."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from edge.store.cards import latest_verdict, standing_decision
from edge.store.facts import facts_of
from edge.store.schema import acquisition, case, decision, verdict
from models.measurement import Measurements
from models.refit import Past

SETTLED_MS = 24 * 3600 * 1000
"""An image that nobody has repeated within a day was accepted: most good images get no decision at all."""
_CHUNK = 200


def settled(connection: Connection, now: int, most: int) -> Iterator[Past]:
    """The latest ``most`` images that are decided, or a day old and not repeated. ``now``: UTC milliseconds."""
    query = (
        select(
            case.c.id,
            case.c.received_at,
            acquisition.c.patient_id,
            verdict.c.id.label("verdict_id"),
            decision.c.action,
            decision.c.reason_code,
        )
        .select_from(case)
        .join(verdict, verdict.c.id == latest_verdict)
        .join(acquisition, acquisition.c.case_id == case.c.id, isouter=True)
        .join(decision, decision.c.id == standing_decision, isouter=True)
        .where(verdict.c.grade.is_not(None), decision.c.id.is_not(None) | (case.c.received_at <= now - SETTLED_MS))
        .order_by(case.c.received_at.desc())
        .limit(most)
    )
    rows = connection.execute(query).all()
    for start in range(0, len(rows), _CHUNK):
        chunk = rows[start : start + _CHUNK]
        facts = facts_of(connection, [row.verdict_id for row in chunk])
        for row in chunk:
            repeated = row.action == "repeat"
            yield Past(
                row.patient_id or row.id,  # to count patients
                repeated,
                row.reason_code if repeated else None,
                Measurements(facts.get(row.verdict_id, ())),
            )
