"""A-ASSOCIATE: reading the request (PS3.8 9.3.2), deciding per context, and writing the accept (9.3.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from capture.dicom.pdu import ASSOCIATE_AC, HEADER, INVALID_PARAMETER, Ended
from capture.dicom.uids import (
    APPLICATION_CONTEXT,
    COMMITMENT,
    EXPLICIT_LE,
    IMPLEMENTATION_CLASS,
    IMPLEMENTATION_VERSION,
    IMPLICIT_LE,
    is_uid,
)

MAX_REQUEST = 1 << 20
"""Bytes. 128 contexts with 60 transfer syntaxes of 64 characters each are half of it."""
_FIXED = struct.Struct(">H2x16s16s32s")
"""Protocol-version, called and calling AE title, reserved: PS3.8 table 9-11."""
_ITEM = struct.Struct(">BxH")

ACCEPTANCE, NO_ABSTRACT_SYNTAX, NO_TRANSFER_SYNTAX = 0, 3, 4
"""Result of a presentation context, PS3.8 table 9-18."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed presentation context, PS3.8 9.3.2.2."""

    id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """An A-ASSOCIATE-RQ. ``titles`` are bytes 11 to 74, which the accept sends back unchanged."""

    protocol_version: int
    called_ae: str
    calling_ae: str
    titles: bytes
    application_context: str
    proposals: tuple[Proposal, ...]
    max_pdu: int
    roles: tuple[tuple[str, int, int], ...]
    """SOP class, and whether the peer wants to be its SCU, its SCP (PS3.7 D.3.3.4)."""
    extended: tuple[str, ...]
    """SOP classes with extended negotiation (PS3.7 D.3.3.5)."""
    has_async_window: bool
    wants_identity_answer: bool


@dataclass(frozen=True, slots=True)
class Context:
    """What was answered to a proposal. Only an accepted context carries messages."""

    id: int
    abstract_syntax: str
    outcome: int
    transfer_syntax: str


def parse(body: bytes) -> Request:
    """The variable part of an A-ASSOCIATE-RQ, after the PDU header. Unknown items are ignored (PS3.8 9.3.1).

    Raises Ended with invalid-PDU-parameter-value when an item does not fit into the PDU.
    """
    if len(body) < _FIXED.size:
        raise Ended("associate.malformed", INVALID_PARAMETER)
    version, called, calling, _ = _FIXED.unpack_from(body)
    application_context = ""
    proposals: list[Proposal] = []
    user: list[tuple[int, bytes]] = []
    for kind, value in _items(body[_FIXED.size :]):
        if kind == 0x10:  # 9.3.2.1
            application_context = _uid(value)
        elif kind == 0x20:  # 9.3.2.2
            proposals.append(_proposal(value))
        elif kind == 0x50:  # 9.3.2.3
            user.extend(_items(value))
    return Request(
        protocol_version=version,
        called_ae=title(called),
        calling_ae=title(calling),
        titles=body[4 : _FIXED.size],
        application_context=application_context,
        proposals=tuple(proposals),
        max_pdu=max((int.from_bytes(value[:4], "big") for kind, value in user if kind == 0x51), default=0),
        roles=tuple(_role(value) for kind, value in user if kind == 0x54),
        extended=tuple(_sop_class(value)[0] for kind, value in user if kind == 0x56),
        has_async_window=any(kind == 0x53 for kind, _ in user),
        wants_identity_answer=any(kind == 0x58 and value[1:2] == b"\x01" for kind, value in user),
    )


def title(raw: bytes) -> str:
    """An AE title as people wrote it: blanks and NULs around it trimmed, anything unprintable shown as ``?``."""
    text = raw.split(b"\0", 1)[0].decode("latin-1").strip()
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)


def negotiate(proposal: Proposal, takes_class: bool) -> Context:
    """Explicit little endian if offered, then implicit, then the sender's own order; what comes is stored as sent.

    Preferring explicit keeps a scanner from recompressing, and private elements their VR.
    """
    offered = [uid for uid in proposal.transfer_syntaxes if is_uid(uid)]
    if not takes_class:
        return Context(proposal.id, proposal.abstract_syntax, NO_ABSTRACT_SYNTAX, IMPLICIT_LE)
    if not offered:
        return Context(proposal.id, proposal.abstract_syntax, NO_TRANSFER_SYNTAX, IMPLICIT_LE)
    chosen = next((uid for uid in (EXPLICIT_LE, IMPLICIT_LE) if uid in offered), offered[0])
    return Context(proposal.id, proposal.abstract_syntax, ACCEPTANCE, chosen)


def accept(request: Request, contexts: list[Context], max_pdu: int) -> bytes:
    """The A-ASSOCIATE-AC, PS3.8 9.3.3; user information as PS3.7 D.3.3 wants it answered."""
    body = struct.pack(">Hxx", 1) + request.titles + _item(0x10, APPLICATION_CONTEXT.encode())
    for context in contexts:  # 9.3.3.2
        head = struct.pack(">BxBx", context.id, context.outcome)
        body += _item(0x21, head + _item(0x40, context.transfer_syntax.encode()))
    user = _item(0x51, max_pdu.to_bytes(4, "big")) + _item(0x52, IMPLEMENTATION_CLASS.encode())
    if request.has_async_window:  # PS3.7 D.3.3.3: one operation at a time, though pipelined ones are read
        user += _item(0x53, struct.pack(">HH", 1, 1))
    for uid, as_scu, as_scp in request.roles:  # PS3.7 D.3.3.4: the peer may send, and an archive may report
        user += _item(0x54, _prefixed(uid) + bytes((as_scu, as_scp * (uid == COMMITMENT))))
    user += _item(0x55, IMPLEMENTATION_VERSION.encode())
    for uid in request.extended:  # PS3.4 B.3.1: level 2 (full), signatures unspecified, no element coercion
        user += _item(0x56, _prefixed(uid) + bytes((2, 0, 0, 0, 0, 0)))
    if request.wants_identity_answer:  # PS3.7 D.3.3.7.2: identity is noted, not judged
        user += _item(0x59, struct.pack(">H", 0))
    body += _item(0x50, user)
    return HEADER.pack(ASSOCIATE_AC, len(body)) + body


def _items(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Items and sub-items share one shape: type, reserved, length, value."""
    at = 0
    while at < len(body):
        if at + _ITEM.size > len(body):
            raise Ended("associate.malformed", INVALID_PARAMETER)
        kind, length = _ITEM.unpack_from(body, at)
        at += _ITEM.size
        if at + length > len(body):
            raise Ended("associate.malformed", INVALID_PARAMETER)
        yield kind, body[at : at + length]
        at += length


def _proposal(value: bytes) -> Proposal:
    if len(value) < 4:
        raise Ended("associate.malformed", INVALID_PARAMETER)
    abstract, syntaxes = "", []
    for kind, inner in _items(value[4:]):
        if kind == 0x30:  # 9.3.2.2.1
            abstract = _uid(inner)
        elif kind == 0x40:  # 9.3.2.2.2
            syntaxes.append(_uid(inner))
    return Proposal(value[0], abstract, tuple(syntaxes))


def _sop_class(value: bytes) -> tuple[str, bytes]:
    """SOP-class-UID with its length in front, and what follows it."""
    end = 2 + int.from_bytes(value[:2], "big")
    if end > len(value):
        raise Ended("associate.malformed", INVALID_PARAMETER)
    return _uid(value[2:end]), value[end:]


def _role(value: bytes) -> tuple[str, int, int]:
    uid, roles = _sop_class(value)
    as_scu, as_scp = (*roles[:2], 0, 0)[:2]
    return uid, as_scu & 1, as_scp & 1


def _uid(raw: bytes) -> str:
    return raw.rstrip(b"\0 ").decode("ascii", "replace")


def _prefixed(uid: str) -> bytes:
    raw = uid.encode("ascii", "replace")
    return len(raw).to_bytes(2, "big") + raw


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value
