"""Requests for storage commitment: rows that say how far each is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from capture.arrival import Arrival
from edge.forward import answer
from edge.forward.messages import read
from edge.forward.patience import NO_CONTEXT, Patience, Sent, due
from edge.store.schema import case, commitment, forward

_IN = 500
_MAY_PASS = (f"{answer.PROCESSING_FAILURE:04X}", NO_CONTEXT)
"""Refusals of the archive that are worth another try: it stumbled, or is set up wrongly."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    id: str
    calling_ae: str
    received_at: int
    content: bytes
    answer: str | None
    attempts: int


def admit(connection: Connection, arrival: Arrival, content: bytes, now: int) -> None:
    """Keep a device's request; one that is no request is only seen."""
    asked = read(content)
    whole = asked is not None and answer.is_whole(asked)
    row: dict[str, object] = {
        "id": arrival.id,
        "calling_ae": arrival.calling_ae,
        "received_at": arrival.received_at,
    }
    row |= {"content": content, "state": "waiting" if whole else "refused", "next_at": now, "updated_at": now}
    row["code"] = None if whole else "unreadable"
    connection.execute(insert(commitment).values(row).on_conflict_do_nothing())


def take_report(connection: Connection, report: Dataset, now: int) -> bool:
    """What the archive says. False: of nothing that it was asked. Only it was ever told the transaction."""
    asked = connection.execute(
        select(commitment.c.id, commitment.c.content).where(
            commitment.c.transaction_uid == str(report.get("TransactionUID") or ""),
            commitment.c.state.in_(("asked", "waiting")),  # waiting: its answer to the question was lost
        )
    ).first()
    request = None if asked is None else read(asked.content)
    if asked is None or request is None:
        return False
    said = answer.answer(request, report).text()
    row = {"state": "answered", "answer": said, "attempts": 0, "next_at": now, "code": None, "updated_at": now}
    connection.execute(commitment.update().where(commitment.c.id == asked.id).values(row))
    return True


def to_ask(connection: Connection, now: int) -> list[Asked]:
    """What is due to go to the archive: for the first time, or again since it said nothing."""
    return _due(connection, now, commitment.c.state.in_(("waiting", "asked")))


def to_tell(connection: Connection, calling_ae: str, now: int) -> list[Asked]:
    """Answers that are due to go to this device."""
    return _due(connection, now, (commitment.c.state == "answered") & (commitment.c.calling_ae == calling_ae))


def _due(connection: Connection, now: int, which: Any) -> list[Asked]:
    c = commitment.c
    query = select(c.id, c.calling_ae, c.received_at, c.content, c.answer, c.attempts)
    query = query.where(which, due(commitment, now)).order_by(c.id).limit(32)
    return [Asked(*row) for row in connection.execute(query)]


def is_on_its_way(connection: Connection, archive: str, asked: Asked, wanted: tuple[str, ...]) -> bool:
    """Whether the archive still gets images of the request: it is asked after them.

    Those of ``wanted`` that did not go there yet may wait under another AE title, or took another way.
    """
    came = select(case.c.calling_ae).join(forward, forward.c.case_id == case.c.id).distinct()
    still = came.where(forward.c.destination == archive, forward.c.state == "waiting", case.c.id < asked.id)
    devices = set(connection.scalars(still))
    if asked.calling_ae in devices or not devices:
        return bool(devices)
    gone = 0
    for start in range(0, len(wanted), _IN):
        its = forward.c.sop_uid.in_(wanted[start : start + _IN])
        query = select(func.count(forward.c.sop_uid.distinct()))
        gone += connection.scalar(query.where(its, _ended(archive))) or 0
    return gone < len(wanted)


def _ended(archive: str) -> Any:
    return (forward.c.destination == archive) & (forward.c.state != "waiting")


def set_row(connection: Connection, id_: str, **columns: object) -> None:
    """Change one row."""
    connection.execute(commitment.update().where(commitment.c.id == id_).values(columns))


def note_asking(connection: Connection, asked: Asked, sent: Sent, patience: Patience, now: int) -> None:
    """What became of asking the archive, unless its report came in between."""
    if sent.outcome == "sent":
        return
    row = patience.row(sent, asked.attempts, now)
    if row["state"] == "refused" or (sent.outcome == "refused" and sent.code not in _MAY_PASS):
        give_up(connection, asked, sent.code, now)
    else:
        _change(connection, asked, "asked", row)


def note_telling(connection: Connection, asked: Asked, sent: Sent, patience: Patience, now: int) -> None:
    """What became of telling the device."""
    row = patience.row(sent, asked.attempts, now)
    if sent.outcome == "sent":
        row |= {"state": "told", "content": None}
    elif row["state"] == "waiting":
        row["state"] = "answered"
    _change(connection, asked, "answered", row)


def give_up(connection: Connection, asked: Asked, why: str, now: int) -> None:
    """The archive will not commit: the device is told that nothing is kept (PS3.4 J.3.3, event type 2)."""
    request = read(asked.content)
    row: dict[str, object] = {"state": "refused", "code": why, "updated_at": now}
    if request is not None:
        said = answer.none_kept(request, why).text()
        row |= {"state": "answered", "answer": said, "attempts": 0, "next_at": now}
    connection.execute(
        commitment.update()
        .where(commitment.c.id == asked.id, commitment.c.state.in_(("waiting", "asked")))
        .values(row)
    )


def _change(connection: Connection, asked: Asked, state: str, row: dict[str, Any]) -> None:
    its = (commitment.c.id == asked.id) & (commitment.c.state == state)
    connection.execute(commitment.update().where(its).values(row))
