"""All that goes on: what intake puts into queues, and a loop for each peer, none of which waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from capture.arrival import Arrival
from edge.clock import now_ms
from edge.forward import commitments, steps, wish
from edge.forward.committing import Asking, Telling
from edge.forward.forwarding import Forwarding
from edge.forward.messages import read
from edge.forward.patience import Patience
from edge.forward.queue import Queue
from edge.forward.settings import ForwardSettings
from edge.forward.status import drop_former
from edge.forward.steps import Steps
from edge.pausing import pause
from edge.pipeline.patience import patiently
from edge.store.blobs import Blobs
from edge.store.database import Database

_LOOK_S = 1.0
Step = Callable[[], bool | None]


class Onward:
    """Everything that is passed on. ``wishes``: where a person asks to have what was refused tried again."""

    def __init__(self, settings: ForwardSettings, db: Database, blobs: Blobs, wishes: Path) -> None:
        self._settings, self._db, self._wishes = settings, db, wishes
        self._patience = Patience(settings.retry_s, settings.tries)
        self._queue = Queue(settings.destinations, self._patience)
        self._steps: list[Step] = [Forwarding(one, self._queue, db, blobs).step for one in settings.destinations]
        if settings.ris is not None:
            self._steps.append(Steps(settings.ris, self._patience, db).step)
        archive = settings.committing
        if archive is not None:
            self._steps.append(Asking(archive, settings, self._patience, db).step)
            self._steps += [Telling(one, settings, self._patience, db).step for one in settings.devices]

    def admit(self, connection: Connection, arrival: Arrival, path: Path, now: int) -> None:
        """What came goes into its queues, in the transaction that takes it in."""
        if arrival.kind == "dicom":
            self._queue.admit(connection, arrival, now)
        elif arrival.kind == "mpps" and self._settings.ris is not None:
            with suppress(FileNotFoundError):  # the disk lost it
                steps.admit(connection, arrival, path.read_bytes(), now)
        elif (arrival.kind, arrival.calling_ae) in self._settings.relayed:
            with suppress(FileNotFoundError):
                self._commitment(connection, arrival, path.read_bytes(), now)

    @staticmethod
    def _commitment(connection: Connection, arrival: Arrival, content: bytes, now: int) -> None:
        if arrival.kind == "commitment":
            commitments.admit(connection, arrival, content, now)
            return
        report = read(content)
        if report is not None:
            commitments.take_report(connection, report, now)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; what is on its way is finished."""
        await self._db.awrite(lambda c: drop_former(c, self._settings, now_ms()))
        if not self._steps:
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._heed(stop))
            for step in self._steps:
                tasks.create_task(self._serve(step, stop))

    async def _serve(self, step: Step, stop: asyncio.Event) -> None:
        failures = 0
        while not stop.is_set():
            moved = await patiently(step, stop)
            failures = failures + 1 if moved is False else 0
            wait_s = self._patience.pause_s(failures) if failures else (0.0 if moved else _LOOK_S)
            await pause(stop, wait_s)

    async def _heed(self, stop: asyncio.Event) -> None:
        """What a person wished."""
        while not stop.is_set():
            if wish.is_there(self._wishes):
                await patiently(partial(self._db.write, partial(wish.grant, now=now_ms())), stop)
                self._wishes.unlink(missing_ok=True)
            await pause(stop, _LOOK_S)
