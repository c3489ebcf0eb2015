"""What a replay came to, counted as it goes on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pydantic import TypeAdapter

from cloud_sync.central.authoring.replay import Outcome, Replayed, Said

_EXAMPLES = 25


@dataclass(frozen=True, slots=True)
class Example:
    """One result that would have come out otherwise."""

    event_id: int
    box: str
    received: int
    grade_before: str
    grade_after: str
    score_before: float | None
    score_after: float | None
    gained: tuple[Said, ...]
    lost: tuple[Said, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class RuleTally:
    """How often one rule warned or failed, before and after; ``gained`` and ``lost`` count results."""

    rule: str
    title_zh: str
    title_en: str
    before: int
    after: int
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Report:
    """A finished replay. ``read`` results are: beside the pack's scope, replayed exactly, or in part."""

    read: int
    beside: int
    exact: int
    in_part: int
    lacking: tuple[tuple[str, int], ...]
    """Why in part: facts that no message had, with how many results each; most first."""
    before: dict[str, int]
    after: dict[str, int]
    """Results by grade."""
    moves: tuple[tuple[str, str, int], ...]
    """From grade, to grade, results; of those whose grade changes."""
    changed: int
    """Results with another grade, score or finding."""
    alerts_before: int
    alerts_after: int
    rules: tuple[RuleTally, ...]
    examples: tuple[Example, ...]
    """Changed grades first, then the newest."""

    @property
    def concerned(self) -> int:
        """Results of images that the pack speaks of."""
        return self.exact + self.in_part

    @property
    def alert_rates(self) -> tuple[float, float]:
        """Per cent of the results concerned, before and after."""
        of = max(1, self.concerned)
        return 100 * self.alerts_before / of, 100 * self.alerts_after / of


REPORT: TypeAdapter[Report] = TypeAdapter(Report)
"""A report as JSON and back."""


class Tally:
    """Counts while a replay runs."""

    def __init__(self) -> None:
        self._read = self._beside = self._exact = self._in_part = self._changed = 0
        self._alerts = [0, 0]
        self._lacking: Counter[str] = Counter()
        self._grades: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        self._moves: Counter[tuple[str, str]] = Counter()
        self._rules: dict[str, list[int]] = {}
        self._titles: dict[str, Said] = {}
        self._examples: list[Example] = []

    def add(self, event_id: int, box: str, received: int, found: Replayed | None) -> None:
        """One result; None: the pack does not speak of it."""
        self._read += 1
        if found is None:
            self._beside += 1
            return
        if found.uncertain:
            self._in_part += 1
            self._lacking.update(found.uncertain)
        else:
            self._exact += 1
        for side, outcome in enumerate((found.before, found.after)):
            self._grades[side][outcome.grade] += 1
            self._alerts[side] += outcome.alerts
            self._count(outcome.findings, side)
        self._count(found.gained, 2)
        self._count(found.lost, 3)
        self._compare(event_id, box, received, found)

    def report(self) -> Report:
        """What was counted so far."""
        rules = (
            RuleTally(rule, self._titles[rule].title_zh, self._titles[rule].title_en, *counts)
            for rule, counts in self._rules.items()
            if counts[2] or counts[3]
        )
        ranked = tuple(sorted(rules, key=lambda one: (-one.gained - one.lost, one.rule)))
        moved = [one for one in self._examples if one.grade_before != one.grade_after]
        others = [one for one in self._examples if one.grade_before == one.grade_after]
        return Report(
            self._read, self._beside, self._exact, self._in_part, tuple(self._lacking.most_common(20)),
            dict(self._grades[0]), dict(self._grades[1]),
            tuple((before, after, count) for (before, after), count in self._moves.most_common()),
            self._changed, self._alerts[0], self._alerts[1], ranked,
            tuple([*moved, *others][:_EXAMPLES]),
        )  # fmt: skip

    def _count(self, findings: tuple[Said, ...], column: int) -> None:
        for one in findings:
            self._rules.setdefault(one.rule, [0, 0, 0, 0])[column] += 1
            self._titles[one.rule] = one

    def _compare(self, event_id: int, box: str, received: int, found: Replayed) -> None:
        before, after = found.before, found.after
        if _same(before, after):
            return
        self._changed += 1
        moved = before.grade != after.grade
        if moved:
            self._moves[before.grade, after.grade] += 1
        if moved or len(self._examples) < _EXAMPLES:
            self._examples.append(
                Example(
                    event_id, box, received, before.grade, after.grade, before.score, after.score, found.gained,
                    found.lost, not found.uncertain,
                )
            )  # fmt: skip


def _same(before: Outcome, after: Outcome) -> bool:
    return (before.grade, before.score) == (after.grade, after.score) and set(before.findings) == set(
        after.findings
    )
