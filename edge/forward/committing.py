"""Storage commitment, relayed (PS3.4 J.3): the archive is asked by N-ACTION once it has the images, and the device
hears what it says by N-EVENT-REPORT. The box itself never commits."""

from __future__ import annotations

import threading
from functools import partial

import structlog
from pydicom.uid import generate_uid
from pynetdicom import evt
from sqlalchemy import Connection

from capture.dicom.calling import called
from capture.dicom.settings import Callee
from capture.dicom.uids import COMMITMENT, EXPLICIT_LE, IMPLICIT_LE
from capture.errors import Retry
from edge.clock import now_ms
from edge.forward import answer, commitments
from edge.forward.commitments import Asked
from edge.forward.messages import read, status_of
from edge.forward.patience import NO_CONTEXT, SUCCESS, Outcome, Patience, Sent, answered
from edge.forward.settings import Destination, ForwardSettings
from edge.store.database import Database

log = structlog.get_logger()
INSTANCE = "1.2.840.10008.1.20.1.1"
"""Storage Commitment Push Model SOP Instance (PS3.4 J.3.5)."""
_KINDS = ((COMMITMENT, IMPLICIT_LE), (COMMITMENT, EXPLICIT_LE))
_REQUEST = 1
_LINGER_S = 2.0
"""An archive that answers at once does so on the same association."""
_NO_SUCH_TRANSACTION = 0x0115
TOO_OLD = "too old"
"""Code of what was given up for its age."""


class Asking:
    """Requests to the archive."""

    def __init__(self, archive: Destination, settings: ForwardSettings, patience: Patience, db: Database) -> None:
        self._archive, self._settings, self._patience, self._db = archive, settings, patience, db
        self._again_ms = round(settings.ask_again_s * 1000)

    def step(self) -> bool | None:
        """One request. True: the archive took it; False: it did not; None: nothing is due."""
        waiting = self._db.read(lambda c: commitments.to_ask(c, now_ms()))
        for asked in waiting:
            if _age_h(asked) > self._settings.give_up_hours:
                self._db.write(partial(_give_up, asked))
                _say(Sent(asked.id, "refused", TOO_OLD), self._archive.name)
            elif self._waits_for_images(asked):
                again = now_ms() + round(self._settings.retry_s * 1000)
                self._db.write(partial(_set, asked, next_at=again))
            else:
                return self._ask(asked)
        return None

    def _waits_for_images(self, asked: Asked) -> bool:
        request = read(asked.content)
        wanted = () if request is None else answer.instances(request)
        if now_ms() - asked.received_at > self._again_ms:  # they took another way, if they come at all
            wanted = ()
        return self._db.read(lambda c: commitments.is_on_its_way(c, self._archive.name, asked, wanted))

    def _ask(self, asked: Asked) -> bool:
        # Before it is sent: the answer may be here sooner than we go on.
        transaction_uid = str(generate_uid(prefix=None))
        next_at = now_ms() + self._again_ms
        self._db.write(
            partial(_set, asked, state="asked", transaction_uid=transaction_uid, next_at=next_at, code=None)
        )
        sent = self._send(asked, transaction_uid)
        self._db.write(lambda c: commitments.note_asking(c, asked, sent, self._patience, now_ms()))
        _say(sent, self._archive.name)
        return sent.outcome != "later"

    def _send(self, asked: Asked, transaction_uid: str) -> Sent:
        request = read(asked.content)
        if request is None:
            return Sent(asked.id, "refused", "unreadable")
        reported = threading.Event()

        def on_report(event: evt.Event) -> tuple[int, None]:
            report = event.event_information
            known = self._db.write(lambda c: commitments.take_report(c, report, now_ms()))
            reported.set()
            return (SUCCESS if known else _NO_SUCH_TRANSACTION), None

        try:
            with called(self._archive, _KINDS, on_report=on_report) as association:
                what = answer.request(request, transaction_uid)
                status = status_of(association.send_n_action(what, _REQUEST, COMMITMENT, INSTANCE)[0])
                if status == SUCCESS:
                    reported.wait(_LINGER_S)
                return answered(asked.id, status)
        except Retry as error:
            outcome: Outcome = "refused" if error.code == NO_CONTEXT else "later"
            return Sent(asked.id, outcome, error.code, alone=True)


class Telling:
    """Answers to one device."""

    def __init__(self, device: Callee, settings: ForwardSettings, patience: Patience, db: Database) -> None:
        self._device, self._settings, self._patience, self._db = device, settings, patience, db

    def step(self) -> bool | None:
        """One answer. True: the device took it; False: it did not; None: nothing is due."""
        waiting = self._db.read(lambda c: commitments.to_tell(c, self._device.ae_title, now_ms()))
        for asked in waiting:
            if _age_h(asked) > 2 * self._settings.give_up_hours:  # as long again as the archive was given
                self._db.write(partial(_set, asked, state="refused", code=TOO_OLD))
                continue
            sent = self._send(asked)
            self._db.write(partial(self._note, asked, sent))
            _say(sent, self._device.ae_title)
            return sent.outcome != "later"
        return None

    def _note(self, asked: Asked, sent: Sent, connection: Connection) -> None:
        commitments.note_telling(connection, asked, sent, self._patience, now_ms())

    def _send(self, asked: Asked) -> Sent:
        request = read(asked.content)
        if request is None or asked.answer is None:
            return Sent(asked.id, "refused", "unreadable")
        kind, what = answer.event(request, answer.from_text(asked.answer))
        try:
            with called(self._device, _KINDS, as_scp_of=COMMITMENT) as association:
                said = association.send_n_event_report(what, kind, COMMITMENT, INSTANCE)
                return answered(asked.id, status_of(said[0]))
        except Retry as error:
            return Sent(asked.id, "later", error.code, alone=True)


def _age_h(asked: Asked) -> float:
    return (now_ms() - asked.received_at) / 3_600_000


def _give_up(asked: Asked, connection: Connection) -> None:
    commitments.give_up(connection, asked, TOO_OLD, now_ms())


def _set(asked: Asked, connection: Connection, **columns: object) -> None:
    commitments.set_row(connection, asked.id, **columns, updated_at=now_ms())


def _say(sent: Sent, where: str) -> None:
    if sent.outcome == "later":
        log.warning("forward.waiting", where=where, count=1)
    elif sent.outcome == "refused":
        log.warning("forward.refused", where=where, code=sent.code)
