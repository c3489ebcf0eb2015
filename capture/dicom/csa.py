"""Siemens' CSA header: named values in a private binary element (form as read by dcm2niix and nibabel: SV10)."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

_MOST = 256
"""Tags, and items of one; a header has about 80 and 6."""
_TAG = struct.Struct("<64si4siii")
_ITEM = struct.Struct("<4i")


def csa_numbers(raw: bytes, name: str) -> tuple[float, ...]:
    """Numbers of the tag of this name; () when it is not there, is no number, or the header is of another form."""
    try:
        texts = next((items for tag, items in _tags(raw) if tag == name), [])
        numbers = tuple(float(text) for text in texts)
    except (struct.error, ValueError):
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()


def _tags(raw: bytes) -> Iterator[tuple[str, list[str]]]:
    if raw[:4] != b"SV10":
        return
    (count,) = struct.unpack_from("<I", raw, 8)
    at = 16
    for _ in range(min(count, _MOST)):
        name, _vm, _vr, _type, items, _ = _TAG.unpack_from(raw, at)
        at += _TAG.size
        texts: list[str] = []
        for _ in range(min(items, _MOST)):
            _, length, _, _ = _ITEM.unpack_from(raw, at)
            at += _ITEM.size
            texts.append(_text(raw[at : at + max(length, 0)]))
            at += -(-max(length, 0) // 4) * 4
        yield _text(name), [text for text in texts if text]


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode("ascii", "ignore").strip()
