"""P-DATA-TF PDUs of one association as messages: a command, then perhaps a data set (PS3.8 9.3.5, PS3.7 6.3.1)."""

from __future__ import annotations

from typing import NamedTuple

from capture.dicom.dimse import MAX_COMMAND
from capture.dicom.pdu import (
    ABORT,
    COMMAND,
    HEADER,
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


class Fragment(NamedTuple):
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
            fragment = self.fragment()
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

    def data_set(self, context_id: int) -> DataSet:
        """The data set that follows a command."""
        return DataSet(self, context_id)

    def readinto(self, room: memoryview) -> int:
        """Some bytes of the fragment at hand, at least one; how many."""
        return self._wire.readinto(room)

    def fragment(self) -> Fragment | None:
        """The next one, whose bytes are to be read before another; None once the peer asks for release."""
        while self._left == 0:
            if not self._next_pdu():
                return None
        if self._left < PDV_HEADER.size:
            raise Ended("pdv.malformed", INVALID_PARAMETER)
        length, context_id, control = self._wire.unpack(PDV_HEADER)
        if not 2 <= length <= self._left - _LENGTH_FIELD:
            raise Ended("pdv.malformed", INVALID_PARAMETER)
        self._left -= _LENGTH_FIELD + length
        return Fragment(context_id, bool(control & COMMAND), bool(control & LAST), length - 2)

    def _next_pdu(self) -> bool:
        """Read a PDU header; False for a release request."""
        kind, length = self._wire.unpack(HEADER)
        if kind == P_DATA_TF:
            self._left = length
            return True
        if kind == RELEASE_RQ:
            return False
        if kind == ABORT:
            raise Ended("aborted.by_peer")
        raise Ended("pdu.unexpected", UNEXPECTED_PDU if kind in KNOWN else UNRECOGNIZED_PDU)


class DataSet:
    """A data set as it comes, read like a file."""

    def __init__(self, messages: Messages, context_id: int) -> None:
        self._messages, self._context_id = messages, context_id
        self._left, self._is_last = 0, False

    def readinto(self, room: memoryview, /) -> int:
        """Some bytes, or 0 after the last. Raises Ended."""
        while self._left == 0:
            if self._is_last:
                return 0
            fragment = self._messages.fragment()
            if fragment is None or fragment.is_command or fragment.context_id != self._context_id:
                raise Ended("message.out_of_order", UNEXPECTED_PDU)
            self._left, self._is_last = fragment.length, fragment.is_last
        count = self._messages.readinto(room[: self._left])
        self._left -= count
        return count
