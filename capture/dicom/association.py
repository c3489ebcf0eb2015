"""One association from its first PDU to its last (PS3.8 9.2, as acceptor)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from capture.dicom import associate, dimse
from capture.dicom.diary import Diary
from capture.dicom.messages import Messages
from capture.dicom.negotiation import Answer, Negotiator
from capture.dicom.pdu import (
    ASSOCIATE_RQ,
    BY_US,
    HEADER,
    INVALID_PARAMETER,
    KNOWN,
    UNEXPECTED_PDU,
    UNRECOGNIZED_PDU,
    Ended,
    Refusal,
    abort,
    command_pdus,
    reject,
    release_response,
)
from capture.dicom.peers import refusal, stores_class
from capture.dicom.settings import DicomSettings
from capture.dicom.store import Origin, Stored, drain, note_release, part10_header, store
from capture.dicom.telling import Relayed, hear, tells
from capture.dicom.wire import Wire
from capture.errors import Retry
from capture.spool import Spool


class Association:
    """Serves one peer until it releases, aborts, is lost, or breaks the protocol. Never raises."""

    def __init__(
        self,
        wire: Wire,
        address: str,
        settings: DicomSettings,
        negotiator: Negotiator,
        spool: Spool,
        at: Callable[[str], None],
        diary: Diary,
        relayed: Relayed = frozenset(),
    ) -> None:
        self._wire, self._settings, self._spool, self._at = wire, settings, spool, at
        self._log, self._relayed = diary, relayed
        self._negotiator = negotiator
        self._address = address
        self._messages = Messages(wire)
        self._contexts: Mapping[int, associate.Context] = {}
        self._calling_ae = self._called_ae = ""
        self._peer_max = 0
        self._origin = Origin("", address, "")
        self._count = self._bytes = 0

    def serve(self) -> None:
        """The whole life; one ``association.ended`` or ``association.refused`` in the log."""
        began = time.monotonic()
        try:
            if not self._establish():
                return
            while self._exchange():
                pass
            self._wire.send(release_response())
            why = "released"
            self._note_release()
        except Ended as ended:
            why = ended.why
            self._abort(ended)
            if why == "connection.closed" and not self._calling_ae:
                return  # a health check
        self._log.info(
            "association.ended",
            calling_ae=self._calling_ae, called_ae=self._called_ae, peer=self._address, reason=why,
            count=self._count, bytes=self._bytes, ms=round((time.monotonic() - began) * 1000),
        )  # fmt: skip

    def refuse(self, why: Refusal) -> None:
        """Hear the request, so that the answer is understood, and reject it."""
        try:
            self._hear_request()
            self._reject(why)
        except Ended as ended:
            self._abort(ended)

    def _establish(self) -> bool:
        answer = self._hear_request()
        no = refusal(self._settings, answer.request, self._address)
        if no is not None:
            self._reject(no)
            return False
        self._contexts, self._peer_max = answer.contexts, answer.request.max_pdu
        self._origin = Origin(self._calling_ae, self._address, os.urandom(8).hex())
        self._wire.send(answer.accept)
        return True

    def _hear_request(self) -> Answer:
        self._wire.expect(self._settings.first_pdu_timeout_s - (time.monotonic() - self._wire.since))
        kind, length = self._wire.unpack(HEADER)
        if kind != ASSOCIATE_RQ:
            raise Ended("pdu.unexpected", UNEXPECTED_PDU if kind in KNOWN else UNRECOGNIZED_PDU)
        if length > associate.MAX_REQUEST:
            raise Ended("associate.too_long", INVALID_PARAMETER)
        answer = self._negotiator.answer(self._wire.take(length))
        self._calling_ae, self._called_ae = answer.request.calling_ae, answer.request.called_ae
        return answer

    def _exchange(self) -> bool:
        """One message; False once the peer asks for release."""
        self._wire.expect(self._settings.idle_timeout_s, idle=True)
        heard = self._messages.command()
        if heard is None:
            return False
        context_id, raw = heard
        self._wire.expect(self._settings.stall_timeout_s)
        context = self._contexts.get(context_id)
        if context is None:
            raise Ended("context.unknown", INVALID_PARAMETER)
        command = dimse.decode(raw)
        if command.field == dimse.C_CANCEL_RQ:  # nothing that we do can be cancelled
            return True
        if command.field & dimse.RESPONSE:
            raise Ended("message.out_of_order", UNEXPECTED_PDU)
        command, status = self._perform(context, command)
        self._wire.send(command_pdus(context_id, dimse.encode_response(command, status), self._peer_max))
        self._at("listener.answered")
        return True

    def _perform(self, context: associate.Context, command: dimse.Command) -> tuple[dimse.Command, int]:
        """The command as it is to be answered, and the status."""
        if command.field == dimse.C_STORE_RQ:
            stored = self._store(context, command)
            self._tell(stored)
            return command, stored.status
        if tells(command):
            data_set = self._messages.data_set(context.id)
            return hear(command, data_set, context, self._origin, self._spool, self._relayed)
        if command.has_data_set:
            self._drain(context)
        return command, dimse.SUCCESS if command.field == dimse.C_ECHO_RQ else dimse.UNRECOGNIZED_OPERATION

    def _store(self, context: associate.Context, command: dimse.Command) -> Stored:
        if not command.has_data_set:
            return Stored(dimse.CANNOT_UNDERSTAND, None, "data_set.missing")
        if not stores_class(self._settings, command.sop_class.decode("ascii", "replace")):
            self._drain(context)
            return Stored(dimse.CLASS_NOT_SUPPORTED, None, "class.not_supported")
        if not command.sop_instance:
            self._drain(context)
            return Stored(dimse.INVALID_INSTANCE, None, "instance.missing")
        header = part10_header(command.sop_class, command.sop_instance, context.transfer_syntax, self._calling_ae)
        sop_class = command.sop_class.decode("ascii", "replace")
        data_set = self._messages.data_set(context.id)
        return store(self._spool, self._origin, header, data_set, sop_class=sop_class)

    def _note_release(self) -> None:
        if self._count:
            try:
                note_release(self._spool, self._origin)
            except Retry as error:
                self._log.error("spool.low", code=error.code)

    def _drain(self, context: associate.Context) -> None:
        drain(self._messages.data_set(context.id))

    def _tell(self, stored: Stored) -> None:
        who = {"calling_ae": self._calling_ae, "peer": self._address}
        if stored.arrival is not None:
            self._count += 1
            self._bytes += stored.arrival.size
            self._log.info("instance.stored", case=stored.arrival.id, bytes=stored.arrival.size, **who)
            return
        self._log.warning("instance.refused", status=f"{stored.status:04X}", reason=stored.code, **who)
        if stored.code.startswith("spool."):
            self._log.error("spool.low", code=stored.code)

    def _reject(self, why: Refusal) -> None:
        self._wire.send(reject(why))
        self._log.warning(
            "association.refused",
            calling_ae=self._calling_ae, called_ae=self._called_ae, peer=self._address, reason=why.why,
        )  # fmt: skip

    def _abort(self, ended: Ended) -> None:
        sent = BY_US if ended.why == "stopping" else ended.abort
        if sent is not None:
            with suppress(Ended):
                self._wire.send(abort(sent))
