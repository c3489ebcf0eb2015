"""What devices say of the images they made: MPPS and requests for storage commitment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.dialects.sqlite import insert

from capture.dicom.told import Commitment, Step
from edge.store.schema import acquisition, announced, case, exam, image_set, performed_step, set_member
from models.sets.image_set import Level

_IN = 500
_FRESH_MS = 24 * 3600 * 1000
"""Commitment is asked for within a day."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was said of one set."""

    evidence: Literal["mpps", "commitment"]
    expected: int
    missing: bool
    """One of the images that were named has not come."""


def note_step(connection: Connection, step: Step, now: int) -> list[int]:
    """Keep what MPPS says; return the sets that it speaks of."""
    row = insert(performed_step).values(uid=step.uid, study_uid=step.study_uid, state=step.state, updated_at=now)
    changed = {
        # What has ended does not begin again: messages may come in another order than they were sent.
        "state": func.iif(performed_step.c.state == "in_progress", row.excluded.state, performed_step.c.state),
        "study_uid": func.coalesce(row.excluded.study_uid, performed_step.c.study_uid),
        "updated_at": now,
    }
    query = row.on_conflict_do_update(index_elements=["uid"], set_=changed).returning(performed_step.c.study_uid)
    study_uid = connection.execute(query).scalar_one()
    for series_uid, instances in step.series:
        _announce(connection, "mpps", step.uid, series_uid, instances, now)
    named = [series_uid for series_uid, _ in step.series]
    sets = connection.scalars(
        select(image_set.c.id)
        .outerjoin(exam, exam.c.id == image_set.c.exam_id)
        .where((exam.c.study_uid == study_uid) | (image_set.c.uid.in_(named) & (image_set.c.level == "series")))
    )
    return list(sets)


def note_commitment(connection: Connection, asked: Commitment, now: int) -> list[int]:
    """Keep a request for commitment; return the sets that it names images of."""
    _announce(connection, "commitment", asked.uid, None, asked.instances, now)
    found: set[int] = set()
    for part in _parts(asked.instances):
        query = (
            select(set_member.c.set_id)
            .join(acquisition, acquisition.c.case_id == set_member.c.case_id)
            .where(acquisition.c.sop_uid.in_(part))
        )
        found.update(connection.scalars(query.distinct()))
    return list(found)


def said_of(connection: Connection, level: Level, uid: str, set_id: int) -> Said | None:
    """The strongest word on a set, once the work on it has ended; None when nobody said anything."""
    named = _of_steps(connection, level, uid)
    if named:
        return Said("mpps", len(named), _arrived(connection, sorted(named)) < len(named))
    return _of_commitment(connection, set_id) if level == "series" else None


def _of_steps(connection: Connection, level: Level, uid: str) -> set[str]:
    """Images that MPPS names; none while one of the study's steps is still in progress."""
    of_it = announced.c.series_uid == uid if level == "series" else performed_step.c.study_uid == uid
    query = (
        select(performed_step.c.state, announced.c.instances)
        .outerjoin(announced, and_(announced.c.source_uid == performed_step.c.uid, announced.c.evidence == "mpps"))
        .where(of_it)
    )
    rows = connection.execute(query).all()
    if any(row.state == "in_progress" for row in rows):
        return set()
    return {one for row in rows for one in json.loads(row.instances or "[]")}


def _of_commitment(connection: Connection, set_id: int) -> Said | None:
    """A request that names every image of the series; the series that a missing one is of is not known."""
    newest = connection.scalar(
        select(func.max(announced.c.announced_at)).where(announced.c.evidence == "commitment")
    )
    if newest is None:
        return None
    query = select(announced.c.instances).where(
        announced.c.evidence == "commitment", announced.c.announced_at > newest - _FRESH_MS
    )
    images = (
        select(acquisition.c.sop_uid)
        .join(set_member, set_member.c.case_id == acquisition.c.case_id)
        .where(set_member.c.set_id == set_id, acquisition.c.sop_uid.is_not(None))
    )
    own = set(connection.scalars(images))
    for instances in connection.scalars(query):
        named = set(json.loads(instances))
        if own and own <= named and _arrived(connection, sorted(named)) == len(named):
            return Said("commitment", len(own), missing=False)
    return None


def _arrived(connection: Connection, instances: Sequence[str]) -> int:
    """How many of these images have come and could be read."""
    count = 0
    for part in _parts(instances):
        query = select(func.count(acquisition.c.sop_uid.distinct())).where(acquisition.c.sop_uid.in_(part))
        count += connection.scalar(query) or 0
    return count


def _announce(
    connection: Connection,
    evidence: str,
    source_uid: str,
    series_uid: str | None,
    instances: Sequence[str],
    now: int,
) -> None:
    connection.execute(
        announced.delete().where(
            announced.c.evidence == evidence,
            announced.c.source_uid == source_uid,
            announced.c.series_uid.is_not_distinct_from(series_uid),
        )
    )
    connection.execute(
        announced.insert().values(
            evidence=evidence,
            source_uid=source_uid,
            series_uid=series_uid,
            instances=json.dumps(sorted(set(instances))),
            announced_at=now,
        )
    )


def _parts(instances: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(instances), _IN):
        yield instances[start : start + _IN]


def release(connection: Connection, association: str, at: int) -> None:
    """The association was released: all that it brought is here."""
    connection.execute(case.update().where(case.c.association == association).values(association_ended_at=at))
