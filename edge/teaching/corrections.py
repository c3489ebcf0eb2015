"""Corrections: what people said on the case page, as proposals for the template. The engineer decides.

Only of values that are no person's: never a name, a number or a date that identifies somebody. A habit is proposed
when it was seen on three images or more and never the other way round; one that the draft has learnt is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from capture.screen import format
from capture.screen.reading import FieldReading
from capture.screen.template import Format, ScreenField
from capture.screen.tokens import plain
from edge.teaching.draft import Draft, DraftField, taught

LEAST = 3
"""Images on which the same was said."""
HabitKind = Literal["read_as", "choice", "pattern", "range"]


@dataclass(frozen=True, slots=True, repr=False)
class Said:
    """A person's word on one field of one image, and what the box had read."""

    keyword: str
    reading: FieldReading
    text: str


@dataclass(frozen=True, slots=True, repr=False)
class Habit:
    """read_as: ``read`` stands for ``texts[0]``. choice: ``texts`` are values it can have, too.

    pattern: values that do not look as taught. range: numbers outside the limits."""

    keyword: str
    kind: HabitKind
    read: str
    texts: tuple[str, ...]
    times: int

    @property
    def key(self) -> str:
        """Names it on the page."""
        return f"{self.kind}.{self.keyword}.{plain(self.read)}"


def habits(draft: Draft, said: Sequence[Said]) -> tuple[Habit, ...]:
    """What recurs in ``said`` (one entry for each image and field), the most frequent first."""
    of: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        of[one.keyword].append(one)
    found = [
        habit
        for field in draft.named
        if not field.identifying and field.kind not in ("name", "id")
        for habit in _of_field(draft, field, of[field.keyword])
    ]
    return tuple(sorted(found, key=lambda one: -one.times))


def _of_field(draft: Draft, field: DraftField, said: Sequence[Said]) -> Iterator[Habit]:
    now = taught(draft, field)
    right = [one for one in said if one.text and plain(one.text) == plain(one.reading.text)]
    if field.kind in ("choice", "text"):
        yield from _misread(field, now, said, {plain(one.text) for one in said})
    if field.kind == "choice":
        yield from _unknown_values(field, now, said)
    elif habit := _pattern(draft, field, now, [one for one in right if one.reading.reason == "format"]):
        yield habit
    if field.kind == "number" and (
        habit := _range(field, [one for one in right if one.reading.reason == "range"])
    ):
        yield habit


def _misread(field: DraftField, now: ScreenField, said: Sequence[Said], right: set[str]) -> Iterator[Habit]:
    """One text that always stood for another. What somebody ever said to be right is none."""
    stood_for: dict[str, list[Said]] = defaultdict(list)
    for one in said:
        if one.reading.text and plain(one.text) != plain(one.reading.text):
            stood_for[plain(one.reading.text)].append(one)
    for read, seen in stood_for.items():
        texts = {plain(one.text) for one in seen}
        known = {plain(one) for one in (*now.samples, *now.format.choices, *dict(field.read_as))}
        text = seen[0].text
        fits = format.value(now, format.whole(now.format, now.kind, text)) is not None
        if len(seen) >= LEAST and len(texts) == 1 and text and fits and read not in right | known:
            yield Habit(field.keyword, "read_as", seen[0].reading.text, (text,), len(seen))


def _unknown_values(field: DraftField, now: ScreenField, said: Sequence[Said]) -> Iterator[Habit]:
    times: dict[str, int] = defaultdict(int)
    for one in said:
        if one.text and plain(one.text) not in map(plain, now.format.choices):
            times[plain(one.text)] += 1
    for text, count in times.items():
        if count >= LEAST:
            yield Habit(field.keyword, "choice", text, (text,), count)


def _pattern(draft: Draft, field: DraftField, now: ScreenField, right: Sequence[Said]) -> Habit | None:
    """Values that were refused for their look, and were right: samples, if a format can be learnt of all."""
    lacking = [one for one in right if format.value(now, one.reading.text) is None]
    if len(lacking) < LEAST:
        return None
    texts = tuple(dict.fromkeys(one.reading.text for one in lacking))
    learnt = now.model_copy(update={"format": format.learn((*draft.samples(field), *texts), field.kind)})
    # A format of nothing accepts everything, and one of shapes has no limits: nothing was learnt.
    loose = learnt.format == Format() or (learnt.format.shapes and not now.format.shapes)
    if loose or any(format.value(learnt, one) is None for one in texts):
        return None
    return Habit(field.keyword, "pattern", "", texts, len(lacking))


def _range(field: DraftField, right: Sequence[Said]) -> Habit | None:
    low = float("-inf") if field.low is None else field.low
    high = float("inf") if field.high is None else field.high
    outside = [one.reading.text for one in right if not low <= float(one.reading.text) <= high]
    if len(outside) < LEAST:
        return None
    return Habit(field.keyword, "range", "", tuple(dict.fromkeys(outside)), len(outside))
