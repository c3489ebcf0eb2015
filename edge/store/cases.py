"""Cases: one row for each arrival, and how far it has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, exists, func, or_, select

from capture.arrival import Arrival
from capture.errors import QcError
from capture.text import Bilingual
from edge.pipeline import states
from edge.store.schema import acquisition, alert, case

LONGEST_WAIT_S = 300
"""Between two tries of one case."""
LONGEST_QUIET_S = 3600
"""That a set may be waited for."""
SETS = ("series", "study")
"""``kind`` of a case that is a set of images."""
SLICES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")
"""CT and MR Image Storage: they come by the hundred and are quick to judge, so they are judged together."""
_TEXT = TypeAdapter(Bilingual)


@dataclass(frozen=True, slots=True)
class Case:
    """A claimed case: what dispatch needs to judge it."""

    arrival: Arrival
    attempts: int
    """Claims so far, this one included."""
    kind: str = "dicom"

    @property
    def id(self) -> str:
        """The arrival's id."""
        return self.arrival.id


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of an arrival: ``held``, ``duplicate`` (of ``same_as``) or ``known`` (taken in before)."""

    arrival: Arrival
    outcome: str
    same_as: str | None = None


# Statements of every image are made once: to make one costs SQLAlchemy several times what it costs to run it.
_INSERT = case.insert()
_KNOWN = select(case.c.id).where(case.c.id == bindparam("id"))
_EARLIER = select(case.c.id, case.c.state).where(case.c.sha256 == bindparam("sha256"), case.c.same_as.is_(None))
_OTHER_BYTES = (
    select(case.c.sha256)
    .join(acquisition, acquisition.c.case_id == case.c.id)
    .where(acquisition.c.sop_uid == bindparam("sop_uid"), case.c.sha256 != bindparam("sha256"))
    .distinct()
)


def take_in(connection: Connection, arrival: Arrival, now: int) -> TakenIn:
    """Insert a case for this arrival. Twice is harmless: an id that has a row already changes nothing.

    The same bytes once more make a ``duplicate`` row, answered with the earlier case's verdict. When that one
    was set aside, sending it again is a person's wish for another try, so it is held again.
    """
    if connection.scalar(_KNOWN, {"id": arrival.id}):
        return TakenIn(arrival, "known")
    earlier = connection.execute(_EARLIER, {"sha256": arrival.digest}).first()
    state: states.State = "held" if earlier is None else "duplicate"
    same_as = None if earlier is None else str(earlier.id)
    row = {
        "id": arrival.id,
        "sha256": arrival.digest,
        "size": arrival.size,
        "kind": arrival.kind,
        "source": arrival.source,
        "calling_ae": arrival.calling_ae,
        "peer": arrival.peer,
        "received_at": arrival.received_at,
        "sop_class": arrival.sop_class or None,
        "association": arrival.association or None,
        "state": state,
        "same_as": same_as,
        "updated_at": now,
    }
    connection.execute(_INSERT, row)
    if earlier is not None:
        # Its bytes are in the blob store again.
        connection.execute(case.update().where(case.c.id == same_as).values(pixels_gone_at=None))
        if earlier.state == "set_aside":
            states.move(connection, str(same_as), "set_aside", "held", now, attempts=0)
    return TakenIn(arrival, state, same_as)


def claim(connection: Connection, now: int, all_since: int | None = None) -> Case | None:
    """Take the oldest case that waits: held, or due for another try; or a set that is due.

    ``all_since``: everything received before this time is a case already; a set is not due before that is so.
    Due later than anybody waits means that the clock was put back since: that is due, too.
    """
    again = and_(case.c.state == "waiting_retry", _come(now, LONGEST_WAIT_S))
    image = and_(case.c.kind.not_in(SETS), or_(case.c.state == "held", again))
    ready = _come(now if all_since is None else min(now, all_since), LONGEST_QUIET_S)
    whole = and_(case.c.kind.in_(SETS), case.c.state.in_(("held", "waiting_retry")), ready, ~_unread(), ~_open())
    row = connection.execute(select(case).where(or_(image, whole)).order_by(case.c.id).limit(1)).first()
    return None if row is None else _taken(connection, row, now)


def claim_alike(connection: Connection, first: Case, now: int, most: int) -> list[Case]:
    """Slices that wait beside this one, from the same device, none of them tried before; at most ``most``."""
    if first.arrival.sop_class not in SLICES or first.attempts > 1:
        return []
    query = select(case).where(
        case.c.state == "held",
        case.c.attempts == 0,
        case.c.sop_class == first.arrival.sop_class,
        case.c.calling_ae == first.arrival.calling_ae,
    )
    return [_taken(connection, row, now) for row in connection.execute(query.order_by(case.c.id).limit(most))]


def _come(now: int, longest_s: int) -> ColumnElement[bool]:
    return or_(case.c.next_at <= now, case.c.next_at > now + longest_s * 1000)


_other = case.alias("other")


def _unread() -> ColumnElement[bool]:
    """Of a set: whether an image waits that its device sent before the set was due."""
    return exists().where(
        _other.c.state.in_(("held", "judging")),
        _other.c.kind.not_in(SETS),
        _other.c.calling_ae == case.c.calling_ae,
        _other.c.received_at <= case.c.next_at,
    )


def _open() -> ColumnElement[bool]:
    """Of a study: whether one of its series has no verdict yet."""
    return and_(
        case.c.kind == "study",
        exists().where(
            _other.c.state.in_(("held", "judging", "waiting_retry")),
            _other.c.kind == "series",
            _other.c.exam_id == case.c.exam_id,
        ),
    )


def _taken(connection: Connection, row: Row[Any], now: int) -> Case:
    # A set keeps its time: the images that must be read before it are those from before then.
    next_at = row.next_at if row.kind in SETS else None
    states.move(connection, row.id, row.state, "judging", now, attempts=row.attempts + 1, next_at=next_at)
    return Case(_arrival(row), row.attempts + 1, row.kind)


def release(connection: Connection, case_id: str, error: QcError, next_at: int, now: int) -> None:
    """It may work later: wait until ``next_at``."""
    states.move(connection, case_id, "judging", "waiting_retry", now, next_at=next_at, **_why(error))


def set_aside(connection: Connection, case_id: str, error: QcError, now: int) -> None:
    """A person must look; the row says why."""
    states.move(connection, case_id, "judging", "set_aside", now, **_why(error))


def why(row_reason: str | None) -> Bilingual | None:
    """The text in ``case_.reason`` or ``case_.hint``, which hold both languages as JSON."""
    return None if row_reason is None else _TEXT.validate_json(row_reason)


def other_hashes(connection: Connection, sop_uid: str | None, digest: str) -> list[str]:
    """Hashes under which this SOPInstanceUID is known beside this one."""
    if sop_uid is None:
        return []
    return list(connection.scalars(_OTHER_BYTES, {"sop_uid": sop_uid, "sha256": digest}))


def sha256_of(connection: Connection, case_id: str) -> str:
    """Content hash of a case that is there: its place in the blob store."""
    return str(connection.execute(select(case.c.sha256).where(case.c.id == case_id)).scalar_one())


def waiting(connection: Connection) -> int:
    """How many cases have no verdict yet; a set that waits for more of its images is none of them."""
    query = select(func.count()).where(
        case.c.state.in_(("held", "judging", "waiting_retry")),
        or_(case.c.kind.not_in(SETS), case.c.state != "held"),
    )
    return connection.scalar(query) or 0


def latest_alerts(connection: Connection, case_ids: Sequence[str]) -> list[int]:
    """The newest alert of each of these cases, for announcing that their bytes came once more."""
    query = select(func.max(alert.c.id)).where(alert.c.case_id.in_(case_ids)).group_by(alert.c.case_id)
    return [int(found) for found in connection.scalars(query) if found is not None]


def _why(error: QcError) -> dict[str, object]:
    return {
        "reason_code": error.code,
        "reason": _TEXT.dump_json(error.text).decode(),
        "hint": _TEXT.dump_json(error.hint).decode(),
    }


def _arrival(row: Row[Any]) -> Arrival:
    return Arrival(
        id=row.id,
        digest=row.sha256,
        size=row.size,
        kind=row.kind,
        source=row.source,
        received_at=row.received_at,
        calling_ae=row.calling_ae,
        peer=row.peer,
        association=row.association or "",
        sop_class=row.sop_class or "",
    )
