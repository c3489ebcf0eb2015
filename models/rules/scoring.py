"""From findings to a score and a grade (design/image-qc.md, section 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from models.rules.schema import Group
from models.rules.verdict import Grade, Severity


class Weighed(Protocol):
    """What counts of a finding."""

    @property
    def group(self) -> str: ...
    @property
    def deduct(self) -> float: ...
    @property
    def severity(self) -> str: ...


CAPS: dict[Group, float] = {"position": 45, "exposure": 25, "artefact": 25, "mark": 25, "dose": 10}
"""Most points that one group of findings can take."""

_STEPS = ((90.0, Grade.JIA), (75.0, Grade.YI), (60.0, Grade.BING))


def score(findings: Sequence[Weighed]) -> float:
    """100 less what each finding takes, each group capped; one decimal."""
    taken = {group: sum(one.deduct for one in findings if one.group == group) for group in CAPS}
    return round(100 - sum(min(points, CAPS[group]) for group, points in taken.items()), 1)


def grade(points: float, findings: Sequence[Weighed]) -> Grade:
    """A veto is FEI whatever the score; a major finding rules out JIA."""
    worst = {one.severity for one in findings}
    if Severity.VETO in worst:
        return Grade.FEI
    reached = next((step for floor, step in _STEPS if points >= floor), Grade.FEI)
    return Grade.YI if reached is Grade.JIA and Severity.MAJOR in worst else reached
