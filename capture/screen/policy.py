"""Policy: when a reading is used without a person's look. Measured, and measured again by a test.

``python -m tests.benchmarks.screen_reading`` prints what it accepts and how much of that is wrong. Base rule:
design capture-ocr.md, 5 (both readers or confidence, and the taught format). Names are an open vocabulary of which
both readers have the same notions (淼 read as 森 by both, by one at 0.987), so a name needs both readers, sure of
each Chinese character, and the first sure of each mark, which they confuse (``^ ' -``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from capture.screen.format import value
from capture.screen.ocr.engine import Reading
from capture.screen.reading import FieldReading, FieldState
from capture.screen.template import ScreenField
from capture.screen.tokens import plain

SURE = 0.95
"""Confidence at which the first reader needs no second."""
_NAME_SURE = 0.97
"""For a Chinese character of a name: of one reader; the other has at least the next."""
_NAME_LEAST = 0.85
_MARK_SURE = 0.9
_DOUBT = 0.3
"""Below this the reader saw something else, which the field's characters do not allow."""
_MARKS = frozenset("^'-")

Reason = Literal["", "readers_differ", "format", "range", "unsteady", "empty"]


def decide(field: ScreenField, first: Sequence[Reading], second: Sequence[Reading]) -> FieldReading:
    """``first`` and ``second``: one reading for each frame that differs from the one before it; one is enough."""
    a, b = first[0], second[0]
    found = value(field, a.text)
    reason = _reason(field, found, first, second)
    states: dict[Reason, FieldState] = {"": "accepted", "readers_differ": "to_check", "unsteady": "to_check"}
    return FieldReading(
        keyword=field.keyword,
        text=a.text if found is None else found,
        state=states.get(reason, "refused"),
        confidence=a.confidence,
        second=_shown(field, b),
        reason=reason,
        second_confidence=b.confidence,
    )


def _reason(field: ScreenField, found: str | None, first: Sequence[Reading], second: Sequence[Reading]) -> Reason:
    if not any(one.text for one in first):
        return "empty"
    if len({plain(_shown(field, one)) for one in first}) > 1:
        return "unsteady"
    if found is None:
        return "format"
    if not _in_range(field, found):
        return "range"
    return "" if all(_trusted(field, a, b) for a, b in zip(first, second, strict=True)) else "readers_differ"


def _trusted(field: ScreenField, a: Reading, b: Reading) -> bool:
    agree = plain(_shown(field, a)) == plain(_shown(field, b))
    if a.confidence < _DOUBT:
        return False
    if field.kind == "text" and not field.format.shapes:
        return max(a.confidence, b.confidence) >= SURE if agree else a.confidence >= SURE
    if field.kind != "name":
        return agree or a.confidence >= SURE
    least, most = sorted((a.least(_is_chinese), b.least(_is_chinese)))
    sure = least >= _NAME_LEAST and most >= _NAME_SURE
    return agree and sure and a.least(_MARKS.__contains__) >= _MARK_SURE


def _in_range(field: ScreenField, found: str) -> bool:
    if field.kind != "number" or field.format.shapes:
        return True
    number = float(found)
    return (field.low is None or number >= field.low) and (field.high is None or number <= field.high)


def _shown(field: ScreenField, reading: Reading) -> str:
    """The value where it has the taught format, else the text as read."""
    found = value(field, reading.text)
    return reading.text if found is None else found


def _is_chinese(character: str) -> bool:
    return character >= "\u2e80"
