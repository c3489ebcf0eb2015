"""Protocol data units of the DICOM upper layer (PS3.8 section 9.3): headers, and those without much inside."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ASSOCIATE_RQ, ASSOCIATE_AC, ASSOCIATE_RJ = 0x01, 0x02, 0x03
P_DATA_TF, RELEASE_RQ, RELEASE_RP, ABORT = 0x04, 0x05, 0x06, 0x07
KNOWN = frozenset(range(ASSOCIATE_RQ, ABORT + 1))

HEADER = struct.Struct(">BxI")
"""PDU-type, reserved, PDU-length: the first six bytes of every PDU."""
PDV_HEADER = struct.Struct(">IBB")
"""Item-length, presentation-context-ID (PS3.8 9.3.5.1), message control header (annex E.2)."""
COMMAND, LAST = 0x01, 0x02
"""Bits of the message control header."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21), and our own word for the log."""

    result: int
    source: int
    reason: int
    why: str


CONGESTION = Refusal(2, 3, 1, "limit.associations")
VERSION = Refusal(1, 2, 2, "protocol.version")
APPLICATION_CONTEXT = Refusal(1, 1, 2, "application.context")
CALLING_AE = Refusal(1, 1, 3, "calling_ae.unknown")
CALLED_AE = Refusal(1, 1, 7, "called_ae.unknown")


@dataclass(frozen=True, slots=True)
class Abort:
    """Source and reason of an A-ABORT (PS3.8 table 9-26)."""

    source: int
    reason: int


BY_US = Abort(0, 0)
UNRECOGNIZED_PDU = Abort(2, 1)
UNEXPECTED_PDU = Abort(2, 2)
INVALID_PARAMETER = Abort(2, 6)


class Ended(Exception):
    """The association is over. ``why`` goes to the log; ``abort`` is told to the peer, if it can still hear."""

    def __init__(self, why: str, abort: Abort | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.abort = abort


def reject(refusal: Refusal) -> bytes:
    """A-ASSOCIATE-RJ, PS3.8 9.3.4."""
    return HEADER.pack(ASSOCIATE_RJ, 4) + bytes((0, refusal.result, refusal.source, refusal.reason))


def release_response() -> bytes:
    """A-RELEASE-RP, PS3.8 9.3.7."""
    return HEADER.pack(RELEASE_RP, 4) + bytes(4)


def abort(sent: Abort) -> bytes:
    """A-ABORT, PS3.8 9.3.8."""
    return HEADER.pack(ABORT, 4) + bytes((0, 0, sent.source, sent.reason))


def command_pdus(context_id: int, command: bytes, peer_max: int) -> bytes:
    """One command as P-DATA-TF PDUs (PS3.8 9.3.5), no longer than the peer takes (0: no limit, D.1.1)."""
    step = max(peer_max - PDV_HEADER.size, 1) if peer_max else len(command)
    out = bytearray()
    for start in range(0, len(command), step):
        part = command[start : start + step]
        control = COMMAND | (LAST if start + step >= len(command) else 0)
        out += HEADER.pack(P_DATA_TF, len(part) + PDV_HEADER.size)
        out += PDV_HEADER.pack(len(part) + 2, context_id, control) + part
    return bytes(out)
