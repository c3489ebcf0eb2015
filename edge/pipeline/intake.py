"""Intake: from the spool to a blob and a row. A crash after any step is mended by repeating it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from capture.arrival import Arrival
from capture.spool import Spool
from edge.clock import now_ms
from edge.metrics import Metrics
from edge.pipeline.patience import patiently
from edge.store import cases
from edge.store.blobs import Blobs
from edge.store.cases import TakenIn
from edge.store.database import Database

_POLL_S = 0.05
_BATCH = 32
# A file system stamps a folder with a coarse clock: a change in the same tick as the last look shows no new time.
_COARSE_NS = 100_000_000
_LOOK_ANYWAY_S = 1.0


class Intake:
    """Takes in what waits, in batches of one transaction, and says so to ``taken``."""

    def __init__(
        self,
        spool: Spool,
        db: Database,
        blobs: Blobs,
        metrics: Metrics,
        taken: Callable[[Sequence[TakenIn]], None],
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._spool = spool
        self._db = db
        self._blobs = blobs
        self._metrics = metrics
        self._taken = taken
        self._at = at
        self._looked_at = 0
        self._looked = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; a batch that has begun is finished."""
        while not stop.is_set():
            taken = await patiently(self._step, stop) if self._changed() else None
            if taken:
                self._taken(taken)
            else:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _POLL_S)

    def _changed(self) -> bool:
        """A look at the folder's time costs microseconds; a look at its entries does not."""
        changed_at = self._spool.new.stat().st_mtime_ns
        overdue = time.monotonic() - self._looked > _LOOK_ANYWAY_S
        return overdue or changed_at != self._looked_at

    def _step(self) -> list[TakenIn]:
        before = self._spool.new.stat().st_mtime_ns
        waiting = self._spool.pending(_BATCH)
        present = [arrival for arrival in waiting if self._link(arrival)]
        self._at("intake.linked")
        now = now_ms()
        taken = (
            self._db.write(lambda c: [cases.take_in(c, arrival, now) for arrival in present]) if present else []
        )
        self._at("intake.committed")
        for arrival in present:
            self._spool.acknowledge(arrival)
            self._at("intake.acknowledged")
            self._metrics.stage("intake", max(0, now - arrival.received_at))
        if not waiting:
            self._looked = time.monotonic()
            self._looked_at = before if time.time_ns() - before > _COARSE_NS else 0
        return taken

    def _link(self, arrival: Arrival) -> bool:
        try:
            self._blobs.link_file(self._spool.path(arrival), arrival.sha256)
        except FileNotFoundError:
            return self._without_bytes(arrival)
        return True

    def _without_bytes(self, arrival: Arrival) -> bool:
        """A power cut can bring the sidecar of an entry back that was acknowledged: its case is there already."""
        if self._blobs.has(arrival.sha256):
            return True
        self._spool.set_aside(arrival, "spool.incomplete", "the bytes are missing")
        return False
