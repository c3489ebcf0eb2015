"""Whether a text says who the patient is: names, numbers and dates in whatever way a screen writes them.

OCR mistakes letters for digits and loses strokes, so equality is not asked for: like shapes count as one, and one
character in five may be wrong. What is found here stops a picture, so too often is the right side to err on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache

_ALIKE = str.maketrans("OQDILSZBG", "000115286")
_LEAST_LATIN = 3
"""Letters of a name's part: shorter ones are in half of all words."""
_LEAST_CJK = 2
_DATE = re.compile(r"(\d{4})\D?(\d{2})\D?(\d{2})")
_MOST = 64
"""Characters of a value that are looked for."""


@cache
def plain(text: str) -> str:
    """Letters and digits only, in one case and width, like shapes made equal."""
    folded = unicodedata.normalize("NFKD", text).upper()
    return "".join(c for c in folded if c.isalnum()).translate(_ALIKE)


def forms(values: Iterable[str]) -> frozenset[str]:
    """What to look for of names, numbers and dates: each whole, its parts, and a date in other orders."""
    return frozenset(form for value in values for form in _forms(value) if _telling(form))


def says(text: str, wanted: Iterable[str]) -> bool:
    """Whether one of ``wanted`` (of :func:`forms`) can be made out in a text."""
    shown = plain(text)
    return any(_distance(form, shown) <= _allowed(form) for form in wanted)


def _forms(value: str) -> Iterable[str]:
    value = value[:_MOST]
    yield plain(value)
    for group in value.split("="):
        parts = [plain(part) for part in re.split(r"[\^\s,;/]+", group) if part]
        yield from parts
        if 1 < len(parts) <= 4:
            yield "".join(parts)
            yield "".join(reversed(parts))
    if found := _DATE.fullmatch(value.strip()):
        year, month, day = found.groups()
        yield from (plain(one) for one in (year + month + day, day + month + year, month + day + year))


def _telling(form: str) -> bool:
    return len(form) >= (_LEAST_LATIN if form.isascii() else _LEAST_CJK)


def _allowed(form: str) -> int:
    """Characters that may be wrong: of a Chinese name, each is a third of it."""
    return len(form) // (5 if form.isascii() else 3)


def _distance(form: str, shown: str) -> int:
    """Least edits that make ``form`` out of any part of ``shown`` (Sellers 1980)."""
    row = [0] * (len(shown) + 1)
    for number, wanted in enumerate(form, start=1):
        above, row = row, [number] * (len(shown) + 1)
        for at, seen in enumerate(shown, start=1):
            row[at] = min(above[at - 1] + (wanted != seen), above[at] + 1, row[at - 1] + 1)
    return min(row)
