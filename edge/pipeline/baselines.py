"""What a verdict teaches the baselines of its device."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, select

from edge.pipeline.work import Outcome
from edge.store import baselines
from edge.store.cases import SETS, Case
from edge.store.schema import case as case_row
from models.baseline import alike, lessons, teaches
from models.measurement import Measurements

log = structlog.get_logger()


def learn(connection: Connection, case: Case, outcome: Outcome, now: int) -> None:
    """In the transaction of a verdict: its numbers enter the baselines, in the place of an earlier verdict's."""
    if outcome.kept is not None:
        return  # a slice is compared with its series
    device_id = connection.scalar(select(case_row.c.device_id).where(case_row.c.id == case.id))
    if device_id is None:
        return
    facts, read = Measurements(outcome.facts), outcome.acquisition
    taught = lessons(facts, case.kind in SETS) if teaches(outcome.verdict, facts) else {}
    to = alike(read.exam, read.technique, read.device)
    for measure in baselines.learn(connection, device_id, case.id, to, taught, now):
        log.warning("baseline.drifted", device=outcome.circumstances.device_key, measure=measure)
