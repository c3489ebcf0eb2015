"""P-DATA-TF PDUs of one association as messages: a command, then perhaps a data set (PS3.8 9.3.5, PS3.7 6.3.1)."""

from __future__ import annotations

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


class Messages:
    """Any cutting of messages into fragments and of fragments into PDUs is read; nothing is kept in memory."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self._left = 0

    def command(self) -> tuple[int, bytes] | None:
        """Context and bytes of the next command set; None once the peer asks for release."""
        command, context_id = bytearray(), -1
        while True:
            fragment = self.fragment()
            if fragment is None:
                return None
            of, control, length = fragment
            if not control & COMMAND or context_id not in (-1, of):
                raise Ended("message.out_of_order", INVALID_PARAMETER)
            if len(command) + length > MAX_COMMAND:
                raise Ended("command.too_long", INVALID_PARAMETER)
            context_id = of
            command += self.wire.take(length)
            if control & LAST:
                return context_id, bytes(command)

    def data_set(self, context_id: int) -> DataSet:
        """The data set that follows a command."""
        return DataSet(self, context_id)

    def fragment(self) -> tuple[int, int, int] | None:
        """Of the next one presentation context, message control header, and bytes that are still on the wire.

        Those are to be read before another. None once the peer asks for release.
        """
        left = self._left
        while left == 0:
            kind, left = self.wire.unpack(HEADER)
            if kind == RELEASE_RQ:
                return None
            if kind != P_DATA_TF:
                raise _unexpected(kind)
        if left < PDV_HEADER.size:
            raise Ended("pdv.malformed", INVALID_PARAMETER)
        length, context_id, control = self.wire.unpack(PDV_HEADER)
        self._left = left - _LENGTH_FIELD - length
        if length < 2 or self._left < 0:
            raise Ended("pdv.malformed", INVALID_PARAMETER)
        return context_id, control, length - 2


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
            if fragment is None or fragment[0] != self._context_id or fragment[1] & COMMAND:
                raise Ended("message.out_of_order", UNEXPECTED_PDU)
            _, control, self._left = fragment
            self._is_last = bool(control & LAST)
        count = self._messages.wire.readinto(room[: self._left])
        self._left -= count
        return count


def _unexpected(kind: int) -> Ended:
    if kind == ABORT:
        return Ended("aborted.by_peer")
    return Ended("pdu.unexpected", UNEXPECTED_PDU if kind in KNOWN else UNRECOGNIZED_PDU)
