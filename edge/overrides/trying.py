"""What a change would have made of the images that this box judged last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from edge.store.facts import facts_of
from edge.store.schema import verdict
from models.measurement import Measurements
from models.rules.evaluate import evaluate
from models.rules.pack import RuleSet
from models.rules.verdict import Verdict

LAST = 200
"""Images to look at: a day of a busy room, and about a second."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The facts of one image."""

    case_id: str
    facts: Measurements


@dataclass(frozen=True, slots=True)
class Changed:
    """A case whose grade would be another."""

    case_id: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Tried:
    """``before`` and ``after``: findings of the rule."""

    count: int
    before: int
    after: int
    changed: tuple[Changed, ...]


def latest(connection: Connection, most: int = LAST) -> tuple[Judged, ...]:
    """The facts of the newest active verdicts that still have theirs, newest first."""
    query = (
        select(verdict.c.id, verdict.c.case_id)
        .where(verdict.c.mode == "active", verdict.c.grade.is_not(None))
        .order_by(verdict.c.id.desc())
        .limit(most)
    )
    of_verdict = {row.id: row.case_id for row in connection.execute(query)}
    newest = sorted(facts_of(connection, list(of_verdict)).items(), reverse=True)
    return tuple(Judged(of_verdict[number], Measurements(known)) for number, known in newest)


def tried(images: Iterable[Judged], now: RuleSet, then: RuleSet, rule: str) -> Tried:
    """Judge the images by both. Marks (who drew what where) are not needed for a grade."""
    pairs = [(one, evaluate(one.facts, now, {}), evaluate(one.facts, then, {})) for one in images]
    return Tried(
        count=len(pairs),
        before=sum(_speaks(before, rule) for _, before, _ in pairs),
        after=sum(_speaks(after, rule) for _, _, after in pairs),
        changed=tuple(
            Changed(one.case_id, before.grade, after.grade)
            for one, before, after in pairs
            if before.grade != after.grade
        ),
    )


def _speaks(verdict: Verdict, rule: str) -> bool:
    return any(found.rule_id == rule for found in verdict.findings)
