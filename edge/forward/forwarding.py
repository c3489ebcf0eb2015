"""Images to their destinations, oldest first."""

from __future__ import annotations

from functools import partial

import structlog
from sqlalchemy import Connection

from edge.clock import now_ms
from edge.forward.patience import Sent
from edge.forward.queue import Queue, Waiting
from edge.forward.sender import MOST, Image, look, send
from edge.forward.settings import Destination
from edge.store.blobs import Blobs
from edge.store.database import Database

log = structlog.get_logger()


class Forwarding:
    """One destination and its queue."""

    def __init__(self, destination: Destination, queue: Queue, db: Database, blobs: Blobs) -> None:
        self._destination, self._queue, self._db, self._blobs = destination, queue, db, blobs
        self._name = destination.name

    def step(self) -> bool | None:
        """One association. True: it took something; False: it is away; None: nothing is due."""
        waiting = self._db.read(lambda c: self._queue.due(c, self._name, now_ms(), MOST))
        if not waiting:
            return None
        by_id = {one.case_id: one for one in waiting}
        images = {one.case_id: look(self._blobs.path(one.sha256)) for one in waiting}
        wanted: dict[str, Image] = {}
        for case_id, image in images.items():
            if image is None:
                self._write(by_id[case_id], Sent(case_id, "refused", "unreadable"))
            elif self._destination.modalities and image.modality not in self._destination.modalities:
                self._write(by_id[case_id], None)
            else:
                wanted[case_id] = image
        if not wanted:
            return True
        away = True
        for sent in send(self._destination, wanted):
            self._write(by_id[sent.id], sent)
            away &= sent.outcome == "later" and not sent.alone
        if away:
            log.warning("forward.waiting", where=self._name, count=len(waiting))
        return not away

    def _write(self, waiting: Waiting, sent: Sent | None) -> None:
        self._db.write(partial(self._note, waiting, sent))

    def _note(self, waiting: Waiting, sent: Sent | None, connection: Connection) -> None:
        self._queue.note(connection, self._name, waiting, sent, now_ms())
        if sent is not None and sent.outcome == "refused":
            log.warning("forward.refused", where=self._name, case=waiting.case_id, code=sent.code)
