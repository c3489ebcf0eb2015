"""Hash chain for audit rows: a row changed, removed or put between breaks every link after it.

By hand, because the whole of it is one hash per row. The chain has no key: it shows carelessness and quiet
edits of single rows, and together with a head noted elsewhere also a rewritten or shortened tail.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Fields = Mapping[str, str | int | None]
START = "0" * 64
"""What the first row follows."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a walk along the chain found. ``broken_at``: number (from 0) of the first row that does not fit."""

    rows: int
    head: str
    broken_at: int | None


def link(previous: str, fields: Fields) -> str:
    """SHA-256 over the link before and the row's fields in canonical JSON."""
    canonical = json.dumps(dict(fields), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{canonical}".encode()).hexdigest()


def check(rows: Iterable[tuple[Fields, str]]) -> Checked:
    """Walk rows in order, each with the link stored beside it, up to the first that does not fit."""
    head, count = START, 0
    for fields, stored in rows:
        if link(head, fields) != stored:
            return Checked(count, head, count)
        head, count = stored, count + 1
    return Checked(count, head, None)
