"""A message on ``up/event`` is either an event that may be stored, or a refusal with its reason. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cloud_sync.wire.codec import MAX_BYTES, WireError, check_json, decode_event
from cloud_sync.wire.messages import Event

_STREAM = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")
_SEQ_MOST = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Accepted:
    """An event that speaks for the box whose topic it came on."""

    box: str
    event: Event
    sha256: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """A message that can never be stored. ``stream`` and ``seq`` are None when it does not even say those."""

    box: str
    code: str
    detail: str
    sha256: str
    payload: bytes
    size: int
    stream: str | None
    seq: int | None


def judge(box: str, payload: bytes, user: Mapping[str, str]) -> Accepted | Refused:
    """Read one message of ``box`` (the name in its topic). ``user``: the MQTT 5 user properties."""
    sha256 = hashlib.sha256(payload).hexdigest()
    try:
        event = decode_event(payload)
        if event.box != box:
            raise WireError("source", "the event is in another box's name")
    except WireError as error:
        stream, seq = _place(payload, user)
        return Refused(box, error.code, error.detail, sha256, payload[:MAX_BYTES], len(payload), stream, seq)
    return Accepted(box, event, sha256, payload)


def _place(payload: bytes, user: Mapping[str, str]) -> tuple[str | None, int | None]:
    """Where in its stream a refused message belongs, so that the box can be told: from the payload if it
    is JSON, else from the user properties that repeat it."""
    try:
        tree = check_json(payload)
    except WireError:
        tree = None
    if isinstance(tree, dict) and "stream" in tree and "seq" in tree:
        stream, seq = tree["stream"], tree["seq"]
    else:
        stream, seq = user.get("stream"), _number(user.get("seq", ""))
    if not isinstance(stream, str) or not _STREAM.fullmatch(stream):
        return None, None
    if isinstance(seq, bool) or not isinstance(seq, int) or not 1 <= seq <= _SEQ_MOST:
        return None, None
    return stream, seq


def _number(digits: str) -> int | None:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 16 else None
