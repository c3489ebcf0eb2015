"""Bytes to messages and back, for input that anybody may have written.

A payload is first read by a strict JSON reader (size, depth, duplicate keys, NaN, numbers nobody can hold,
text that no database takes), then by the model. Errors say where and why, and never quote what was sent.
"""

from __future__ import annotations

import json
import math
import re
from typing import TypeVar

from pydantic import ValidationError

from cloud_sync.wire.control import Chunk
from cloud_sync.wire.messages import EVENT_TYPES, Event, OtherEvent
from cloud_sync.wire.words import Wire

MAX_BYTES = 128 * 1024
"""AWS IoT's limit, the smallest among the brokers considered (fleet-sync.md 6.1)."""
MAX_DEPTH = 16
MAX_DIGITS = 32
"""Of one number. Longer ones cost quadratic time and no reader keeps them exactly."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
M = TypeVar("M", bound=Wire)


class WireError(ValueError):
    """A payload that is not a message. ``code`` is stable; ``detail`` holds nothing of the content."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[type[WireError], tuple[str, str]]:
        return type(self), (self.code, self.detail)


def encode(message: Wire) -> bytes:
    """The message as UTF-8 JSON. Raises WireError ``size`` when it is over 128 KiB."""
    payload = message.model_dump_json().encode()
    if len(payload) > MAX_BYTES:
        raise WireError("size", f"{len(payload)} bytes, at most {MAX_BYTES}")
    return payload


def decode(payload: bytes, model: type[M]) -> M:
    """The message in ``payload``. Raises WireError."""
    check_json(payload)
    return _validated(payload, model)


def decode_event(payload: bytes) -> Event:
    """The event in ``payload``, as the class of its type; OtherEvent for a newer type. Raises WireError."""
    tree = check_json(payload)
    kind = tree.get("type") if isinstance(tree, dict) else None
    return _validated(payload, EVENT_TYPES.get(str(kind), OtherEvent))


def join_chunk(chunk: Chunk, content: bytes) -> bytes:
    """``dn/chunk``: what it says of the piece, a line feed, the piece. Raises WireError ``size``."""
    payload = chunk.model_dump_json().encode() + b"\n" + content
    if len(payload) > MAX_BYTES:
        raise WireError("size", f"{len(payload)} bytes, at most {MAX_BYTES}")
    return payload


def split_chunk(payload: bytes) -> tuple[Chunk, bytes]:
    """The two parts of a ``dn/chunk``. Raises WireError."""
    said, feed, content = payload.partition(b"\n")
    if not feed or len(payload) > MAX_BYTES:
        raise WireError("size" if feed else "json")
    return decode(said, Chunk), content


def check_json(payload: bytes) -> object:
    """The plain JSON value, if it is one that everybody reads alike.

    Raises WireError: ``size``, ``utf8``, ``json``, ``depth``, ``number``, ``duplicate_key`` or ``text``.
    """
    tree = _parse(payload)
    if isinstance(tree, WireError):
        raise tree
    _walk(tree)
    return tree


# Errors are made inside an ``except`` and raised outside of it: as ``__context__`` the parser's own error
# would keep what was sent, for anybody who prints it.


def _validated(payload: bytes, model: type[M]) -> M:
    try:
        return model.model_validate_json(payload, strict=True)
    except ValidationError as error:
        places = _places(error)
    raise WireError("schema", places)


def _parse(payload: bytes) -> object:
    if len(payload) > MAX_BYTES:
        return WireError("size", f"{len(payload)} bytes, at most {MAX_BYTES}")
    try:
        tree: object = json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_pairs,
            parse_int=_integer,
            parse_float=_real,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        return WireError("utf8", f"at byte {error.start}")
    except json.JSONDecodeError as error:
        return WireError("json", f"at character {error.pos}")
    except RecursionError:
        return WireError("depth", f"at most {MAX_DEPTH} levels")
    return tree


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise WireError("duplicate_key")
    return found


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise WireError("number", "too many digits")
    return int(digits)


def _real(digits: str) -> float:
    value = float(digits)
    if len(digits) > MAX_DIGITS or not math.isfinite(value):
        raise WireError("number", "too many digits or too large")
    return value


def _constant(name: str) -> float:
    raise WireError("number", "NaN and Infinity are not JSON")


def _walk(tree: object) -> None:
    """Depth and text, without recursion."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, str):
            if _UNSTORABLE.search(node):
                raise WireError("text", "NUL character or lone surrogate")
        elif isinstance(node, dict | list):
            if depth > MAX_DEPTH:
                raise WireError("depth", f"at most {MAX_DEPTH} levels")
            if isinstance(node, dict):
                waiting.extend((key, depth) for key in node)
            inner = node.values() if isinstance(node, dict) else node
            waiting.extend((child, depth + 1) for child in inner)


def _places(error: ValidationError) -> str:
    """Where it is wrong and how, from field names and positions only: ``data.findings.0.level: missing``."""
    known = [f"{'.'.join(map(str, item['loc']))}: {item['type']}" for item in error.errors(include_input=False)]
    return "; ".join(known[:3])[:256]
