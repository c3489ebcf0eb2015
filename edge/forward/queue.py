"""The queue of each destination: rows that are written with the case itself, so that no crash loses one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, select

from capture.arrival import Arrival
from edge.forward.patience import Patience, Sent, due
from edge.forward.settings import Destination
from edge.store.schema import case, forward


@dataclass(frozen=True, slots=True)
class Waiting:
    """One image of a queue."""

    case_id: str
    sha256: str
    attempts: int


class Queue:
    """All destinations' queues in the database."""

    def __init__(self, destinations: Sequence[Destination], patience: Patience) -> None:
        self._destinations = tuple(destinations)
        self._patience = patience

    def admit(self, connection: Connection, arrival: Arrival, now: int) -> None:
        """Put a new image into the queues that its device's images go to."""
        for one in self._destinations:
            if not one.devices or arrival.calling_ae in one.devices:
                row = {"case_id": arrival.id, "state": "waiting", "next_at": now, "updated_at": now}
                connection.execute(forward.insert().values(destination=one.name, **row))

    def due(self, connection: Connection, destination: str, now: int, most: int) -> list[Waiting]:
        """The oldest that are due."""
        query = (
            select(forward.c.case_id, case.c.sha256, forward.c.attempts)
            .join(case, case.c.id == forward.c.case_id)
            .where(forward.c.destination == destination, forward.c.state == "waiting", due(forward, now))
            .order_by(forward.c.case_id)
            .limit(most)
        )
        return [Waiting(*row) for row in connection.execute(query)]

    def note(
        self, connection: Connection, destination: str, waiting: Waiting, sent: Sent | None, now: int
    ) -> None:
        """Keep what became of it. None: it is none of those that go there."""
        its = and_(forward.c.destination == destination, forward.c.case_id == waiting.case_id)
        if sent is None:
            connection.execute(forward.delete().where(its))
            return
        row = self._patience.row(sent, waiting.attempts, now) | {"sop_uid": sent.sop_uid}
        connection.execute(forward.update().where(its).values(row))


def waits(case_id: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a destination still needs the image: its file must stay."""
    return exists().where(forward.c.case_id == case_id, forward.c.state == "waiting")
