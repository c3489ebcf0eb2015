"""A verdict becomes an alert: how loud, and whether a person must say that they saw it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum

from models.rules.verdict import Finding, Grade, Severity, Verdict

SHIFT_MS = 12 * 3600 * 1000
"""An alert that nobody must acknowledge leaves the board after a shift."""


class Level(IntEnum):
    """Loudness. ``name.lower()`` is what the table and the pages have."""

    GOOD = 0
    ADVICE = 1
    WARNING = 2
    CRITICAL = 3


_BY_GRADE = {
    Grade.JIA: Level.GOOD,
    Grade.YI: Level.ADVICE,
    Grade.BING: Level.WARNING,
    Grade.FEI: Level.CRITICAL,
    # Not judged is not a pass: it must not look like one.
    None: Level.ADVICE,
}
_BY_SEVERITY = {
    Severity.INFO: Level.GOOD,
    Severity.MINOR: Level.ADVICE,
    Severity.MAJOR: Level.WARNING,
    Severity.VETO: Level.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Alert:
    """What the console shows of one verdict."""

    level: str
    """``good``, ``advice``, ``warning`` or ``critical``."""
    needs_acknowledgement: bool
    dedupe_key: str
    """Equal for images of one series with the same findings, so that 500 slices make one card."""
    expires_at: int | None


def alert_for(verdict: Verdict, series: str = "", now: int = 0) -> Alert:
    """The louder of what the grade and what the worst finding asks for.

    ``series`` groups images (a SeriesInstanceUID, or the case where there is none); ``now`` is UTC milliseconds.
    """
    level = max([_BY_GRADE[verdict.grade], *(_loudness(found) for found in verdict.findings)])
    vetoed = any(found.severity is Severity.VETO for found in verdict.findings)
    must = vetoed or verdict.grade in (Grade.BING, Grade.FEI)
    key = hashlib.sha256("\0".join([series, *sorted(found.rule_id for found in verdict.findings)]).encode())
    return Alert(level.name.lower(), must, key.hexdigest()[:32], None if must else now + SHIFT_MS)


def alert_for_set_aside(case_id: str) -> Alert:
    """Nobody judged it, so a person must look."""
    key = hashlib.sha256(f"set_aside\0{case_id}".encode())
    return Alert(Level.WARNING.name.lower(), True, key.hexdigest()[:32], None)


def _loudness(found: Finding) -> Level:
    """A rule that only warned never asks for more than advice."""
    loud = _BY_SEVERITY[found.severity]
    return min(loud, Level.ADVICE) if found.level == "warn" else loud
