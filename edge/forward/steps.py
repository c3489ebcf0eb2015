"""Performed procedure steps to the RIS (PS3.4 F.7), in the order in which a device told of each; none is lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from pydicom.dataset import FileDataset
from pynetdicom.association import Association
from sqlalchemy import Connection, exists, select
from sqlalchemy.dialects.sqlite import insert

from capture.arrival import Arrival
from capture.dicom.calling import called
from capture.dicom.settings import Callee
from capture.dicom.uids import IMPLICIT_LE, PERFORMED_STEP
from capture.errors import Retry
from edge.clock import now_ms
from edge.forward.messages import read, status_of
from edge.forward.patience import Patience, Sent, answered, due
from edge.store.database import Database
from edge.store.schema import relayed_step

log = structlog.get_logger()
RIS = "ris"
"""Name of its queue in the log and on pages; no destination needs it: theirs are of images."""
MOST = 32
_ALREADY_THERE = 0x0111
_ONLY_AT_BEGINNING = ("ScheduledStepAttributesSequence", "PerformedProcedureStepStartDate")
"""PS3.4 table F.7.2-1: N-CREATE needs them, N-SET must not have them."""
_earlier = relayed_step.alias("earlier")


@dataclass(frozen=True, slots=True)
class Message:
    """One N-CREATE or N-SET that waits."""

    id: str
    step_uid: str
    content: bytes
    attempts: int


def admit(connection: Connection, arrival: Arrival, content: bytes, now: int) -> None:
    """Keep what a device said. The very same once more, as when its answer was lost, is not told twice."""
    message = read(content)
    step_uid = "" if message is None else str(message.file_meta.get("MediaStorageSOPInstanceUID") or "")
    newest = (
        select(relayed_step.c.sha256)
        .where(relayed_step.c.step_uid == step_uid)
        .order_by(relayed_step.c.id.desc())
        .limit(1)
    )
    if connection.scalar(newest) == arrival.digest:
        return
    row: dict[str, object] = {"id": arrival.id, "step_uid": step_uid, "sha256": arrival.digest, "content": content}
    row |= {"state": "waiting", "next_at": now, "updated_at": now}
    connection.execute(insert(relayed_step).values(row).on_conflict_do_nothing())


class Steps:
    """The queue to the RIS."""

    def __init__(self, ris: Callee, patience: Patience, db: Database) -> None:
        self._ris, self._patience, self._db = ris, patience, db

    def step(self) -> bool | None:
        """One association. True: it took something; False: it is away; None: nothing is due."""
        waiting = self._db.read(lambda c: _due(c, now_ms()))
        if not waiting:
            return None
        by_id = {one.id: one for one in waiting}
        away = True
        for sent in _send(self._ris, waiting):
            self._db.write(partial(self._note, by_id[sent.id], sent))
            away &= sent.outcome == "later" and not sent.alone
        if away:
            log.warning("forward.waiting", where=RIS, count=len(waiting))
        return not away

    def _note(self, message: Message, sent: Sent, connection: Connection) -> None:
        row = self._patience.row(sent, message.attempts, now_ms())
        if sent.outcome == "sent":
            row["content"] = None
        connection.execute(relayed_step.update().where(relayed_step.c.id == message.id).values(row))
        if sent.outcome == "refused":
            log.warning("forward.refused", where=RIS, code=sent.code)


def _due(connection: Connection, now: int) -> list[Message]:
    """Of each step the first that waits: what follows makes no sense to the RIS before it."""
    before = exists().where(
        _earlier.c.step_uid == relayed_step.c.step_uid,
        _earlier.c.state == "waiting",
        _earlier.c.id < relayed_step.c.id,
    )
    query = (
        select(relayed_step.c.id, relayed_step.c.step_uid, relayed_step.c.content, relayed_step.c.attempts)
        .where(relayed_step.c.state == "waiting", due(relayed_step, now), ~before)
        .order_by(relayed_step.c.id)
        .limit(MOST)
    )
    return [Message(*row) for row in connection.execute(query)]


def _send(ris: Callee, waiting: Sequence[Message]) -> Iterator[Sent]:
    messages: dict[str, FileDataset] = {}
    for one in waiting:
        message = read(one.content)
        if message is None:
            yield Sent(one.id, "refused", "unreadable")
        else:
            messages[one.id] = message
    if not messages:
        return
    syntaxes = {str(message.file_meta.TransferSyntaxUID) for message in messages.values()} | {IMPLICIT_LE}
    try:
        with called(ris, [(PERFORMED_STEP, syntax) for syntax in syntaxes]) as association:
            for id_, message in messages.items():
                if not association.is_established:
                    return
                yield _tell(association, id_, message)
    except Retry as error:
        yield from (Sent(id_, "later", error.code) for id_ in messages)


def _tell(association: Association, id_: str, message: FileDataset) -> Sent:
    step_uid = str(message.file_meta.MediaStorageSOPInstanceUID)
    begins = any(keyword in message for keyword in _ONLY_AT_BEGINNING)
    tell = association.send_n_create if begins else association.send_n_set
    status = status_of(tell(message, PERFORMED_STEP, step_uid)[0])
    if begins and status == _ALREADY_THERE:  # it was told, and its answer lost
        return Sent(id_, "sent", f"{status:04X}")
    return answered(id_, status)
