"""Intake: from the spool to a blob and a row. A crash after any step is mended by repeating it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection

from capture.arrival import Arrival
from capture.old_spool import read_sidecar
from capture.spool import Spool
from edge.clock import now_ms
from edge.metrics import Metrics
from edge.pausing import pause
from edge.pipeline import hearing
from edge.pipeline.patience import patiently
from edge.store import cases
from edge.store.blobs import Blobs
from edge.store.cases import TakenIn
from edge.store.database import Database
from edge.store.set_due import Quiet

_POLL_S = 0.05
_BATCH = 32
_LOOK_ANYWAY_S = 1.0


class Intake:
    """Takes in what waits, in batches of one transaction, and says so to ``taken``.

    ``admit`` hears of each new case in that transaction, and of all that is no image.
    """

    def __init__(
        self,
        spool: Spool,
        db: Database,
        blobs: Blobs,
        metrics: Metrics,
        quiet: Quiet,
        taken: Callable[[Sequence[TakenIn]], None],
        at: Callable[[str], None] = lambda step: None,
        admit: Callable[[Connection, Arrival, Path, int], None] = lambda connection, arrival, path, now: None,
    ) -> None:
        self._spool = spool
        self._db = db
        self._blobs = blobs
        self._metrics = metrics
        self._quiet = quiet
        self._taken = taken
        self._at = at
        self._admit = admit
        self._looked = 0.0
        self._seen_aside: set[str] = set()
        self.all_since = 0
        """UTC milliseconds: whatever was received before is a case. Sets are not due before that is so."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; a batch that has begun is finished."""
        while not stop.is_set():
            at = now_ms()
            changed = self._changed()
            if not changed:
                self.all_since = at
            taken = await patiently(self._step, stop) if changed else None
            if taken:
                self._taken(taken)
            else:
                await pause(stop, _POLL_S)

    def _changed(self) -> bool:
        """News are seen in microseconds; what was put aside is looked for now and then."""
        return time.monotonic() - self._looked > _LOOK_ANYWAY_S or self._spool.has_news()

    def _step(self) -> list[TakenIn]:
        at = now_ms()
        waiting = self._spool.pending(_BATCH)
        lost = [] if waiting else list(self._put_aside())
        objects = [arrival for arrival in waiting if arrival.kind not in hearing.KINDS]
        # What the disk lost or changed the spool has put aside: it is one of the lost, and dispatch says so.
        self._blobs.link_files([(self._spool.path(arrival), arrival.digest) for arrival in objects])
        self._at("intake.linked")
        taken = self._take_in([*waiting, *lost])
        self._at("intake.committed")
        self._spool.acknowledge(*waiting)
        self._at("intake.acknowledged")
        # The spool gives the oldest first.
        self.all_since = waiting[-1].received_at if waiting else at
        if not waiting:
            self._looked = time.monotonic()
        return taken

    def _take_in(self, arrivals: Sequence[Arrival]) -> list[TakenIn]:
        if not arrivals:
            return []
        now = now_ms()
        told = {one.id: hearing.hear(self._spool.path(one), one) for one in arrivals if one.kind in hearing.KINDS}
        taken = self._db.write(lambda connection: self._rows(connection, arrivals, told, now))
        for arrival in arrivals:
            self._metrics.stage("intake", max(0, now - arrival.received_at))
        return taken

    def _rows(
        self,
        connection: Connection,
        arrivals: Sequence[Arrival],
        told: Mapping[str, hearing.Told | None],
        now: int,
    ) -> list[TakenIn]:
        taken = []
        for one in arrivals:
            if one.id in told:
                hearing.take_note(connection, told[one.id], self._quiet, now)
                self._admit(connection, one, self._spool.path(one), now)
            else:
                taken.append(cases.take_in(connection, one, now))
                if taken[-1].outcome == "held":
                    self._admit(connection, one, self._spool.path(one), now)
        return taken

    def _put_aside(self) -> Iterator[Arrival]:
        """What the spool itself put aside: an object that was answered Success must not vanish in silence."""
        for sidecar in self._spool.aside.glob("*.json"):
            if sidecar.name in self._seen_aside or sidecar.name.endswith(".reason.json"):
                continue
            self._seen_aside.add(sidecar.name)
            arrival = read_sidecar(sidecar)
            if arrival is not None:  # doctor counts those that nobody can read
                yield arrival
