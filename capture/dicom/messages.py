"""P-DATA-TF PDUs of one association as messages: a command, then perhaps a data set (PS3.8 9.3.5, PS3.7 6.3.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from capture.dicom.dimse import MAX_COMMAND
from capture.dicom.pdu import (
    ABORT,
    COMMAND,
    INVALID_PARAMETER,
    KNOWN,
    LAST,
    P_DATA_TF,
    PDV_HEADER,
    RELEASE_RQ,
    UNEXPECTED_PDU,
    UNRECOGNIZED_PDU,
    Ended,
)
from capture.dicom.wire import Wire

_LENGTH_FIELD = 4
"""Item-length does not count itself."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Header of one presentation data value; its ``length`` bytes are still on the wire."""

    context_id: int
    is_command: bool
    is_last: bool
    length: int


class Messages:
    """Any cutting of messages into fragments and of fragments into PDUs is read; nothing is kept in memory."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._left = 0

    def command(self) -> tuple[int, bytes] | None:
        """Context and bytes of the next command set; None once the peer asks for release."""
        command, context_id = bytearray(), -1
        while True:
            fragment = self._fragment()
            if fragment is None:
                return None
            if not fragment.is_command or context_id not in (-1, fragment.context_id):
                raise Ended("message.out_of_order", INVALID_PARAMETER)
            if len(command) + fragment.length > MAX_COMMAND:
                raise Ended("command.too_long", INVALID_PARAMETER)
            context_id = fragment.context_id
            command += self._wire.take(fragment.length)
            if fragment.is_last:
                return context_id, bytes(command)

    def data_set(self, context_id: int) -> Iterator[memoryview]:
        """The data set that follows a command, as it comes; each view is valid until the next one is asked for."""
        while True:
            fragment = self._fragment()
            if fragment is None or fragment.is_command or fragment.context_id != context_id:
                raise Ended("message.out_of_order", UNEXPECTED_PDU)
            yield from self._wire.chunks(fragment.length)
            if fragment.is_last:
                return

    def _fragment(self) -> Fragment | None:
        while self._left == 0:
            if not self._next_pdu():
                return None
        if self._left < PDV_HEADER.size:
            raise Ended("pdv.malformed", INVALID_PARAMETER)
        length, context_id, control = PDV_HEADER.unpack(self._wire.take(PDV_HEADER.size))
        if not 2 <= length <= self._left - _LENGTH_FIELD:
            raise Ended("pdv.malformed", INVALID_PARAMETER)
        self._left -= _LENGTH_FIELD + length
        return Fragment(context_id, bool(control & COMMAND), bool(control & LAST), length - 2)

    def _next_pdu(self) -> bool:
        """Read a PDU header; False for a release request."""
        kind, length = self._wire.header()
        if kind == P_DATA_TF:
            self._left = length
            return True
        if kind == RELEASE_RQ:
            return False
        if kind == ABORT:
            raise Ended("aborted.by_peer")
        raise Ended("pdu.unexpected", UNEXPECTED_PDU if kind in KNOWN else UNRECOGNIZED_PDU)
