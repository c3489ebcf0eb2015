"""Calibration: what the rules say of films whose truth is known, and which limits keep the alert budget. Pure.

A fault is rare, so a detector that is right nine times in ten is mostly wrong when it speaks (image-qc.md 3):
what counts is the number of alerts on good films, and what an alert is worth at the prevalence of a hospital.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from models.measurement import Measurement, Measurements, Value
from models.rules.evaluate import doubtful, known, sure_enough
from models.rules.layers import Effective, covers, effective
from models.rules.pack import RulePack, RuleSet
from models.rules.schema import Bounded
from models.rules.verdict import Severity

BUDGET = 0.05
"""False alerts per good film of a console, all rules together: 1 in 20 (image-qc.md 3, label E)."""
PREVALENCES = (0.05, 0.12)
"""Shares of films that are repeated: CR series of 288,000 images, and Norway 2012 (image-qc.md 3)."""
_STEPS = 25
_Z = 1.96


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """One film and its truth: ``faults`` holds the ids of the rules that should speak; empty: a good film."""

    patient: str
    facts: Mapping[str, Value]
    unsure: Mapping[str, Measurement]
    faults: frozenset[str] = frozenset()

    @property
    def good(self) -> bool:
        return not self.faults


def film_of(patient: str, measurements: Measurements, faults: Iterable[str] = ()) -> Film:
    """``patient``: any text that is the same for films of one patient; it is counted, never shown."""
    return Film(patient, known(measurements), doubtful(measurements), frozenset(faults))


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval (Wilson 1927), counted by patients: films of one patient are not
    independent."""

    hits: int
    films: int
    patients: int

    @property
    def value(self) -> float | None:
        return self.hits / self.films if self.films else None

    @property
    def interval(self) -> tuple[float, float]:
        """(0, 1) where nothing was seen."""
        n = self.patients
        if not n or not self.films:
            return 0.0, 1.0
        share = self.hits / self.films
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Worth:
    """Positive predictive value: of 100 alerts so many are right. Its interval is that of both rates at their
    worst."""

    prevalence: float
    value: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Performance:
    """One rule on known films."""

    rule_id: str
    pack: str
    limits: Mapping[str, Value]
    good: Rate
    """Alerts on good films."""
    faulty: Rate
    """Alerts on films that have this fault: sensitivity."""

    def worth(self, prevalence: float) -> Worth:
        """What an alert is worth where so many films have the fault."""
        found, false = self.faulty.value, self.good.value
        value = None if found is None or false is None else _ppv(prevalence, found, false)
        (least, most), (fewest, highest) = self.faulty.interval, self.good.interval
        return Worth(
            prevalence, value, _ppv(prevalence, least, highest) or 0.0, _ppv(prevalence, most, fewest) or 0.0
        )


def _ppv(prevalence: float, found: float, false: float) -> float | None:
    right, wrong = prevalence * found, (1 - prevalence) * false
    return right / (right + wrong) if right + wrong > 0 else None


@dataclass(frozen=True, slots=True)
class Judge:
    """One rule as it stands, and the pack whose scope it has."""

    rule: Effective
    pack: RulePack

    @property
    def rule_id(self) -> str:
        return self.rule.rule.spec.id

    def at(self, name: str, value: float) -> Judge:
        """With another value of one limit."""
        limits = tuple(replace(limit, value=value) if limit.name == name else limit for limit in self.rule.limits)
        return replace(self, rule=replace(self.rule, limits=limits))

    def open_limits(self) -> Iterator[tuple[str, Bounded, float]]:
        """The limits that a later layer may change: name, bounds, value in force."""
        for limit in self.rule.limits:
            given = self.rule.rule.spec.limit[limit.name]
            if isinstance(given, Bounded) and isinstance(limit.value, float):
                yield limit.name, given, limit.value


def judges(rules: RuleSet, packs: Collection[str]) -> list[Judge]:
    """The rules of these packs that can raise an alert, with the overrides of every site pack (scopes not
    considered)."""
    found = []
    for pack in rules.packs:
        for rule in pack.rules if pack.name in packs else ():
            changes = [
                (other, one) for other in rules.packs for one in other.overrides if one.rule == rule.spec.id
            ]
            current = effective(rule, changes)
            if current.enabled and current.severity is not Severity.INFO:
                found.append(Judge(current, pack))
    return found


def alerts(judge: Judge, film: Film) -> bool | None:
    """Whether the rule fails the film; None where it does not apply or could not be decided. A warning is no
    alert."""
    if not covers(judge.pack.scope, film.facts):
        return None
    current = judge.rule
    sure = sure_enough(current.rule, dict(film.facts), film.unsure)
    outcome = current.rule.decide(sure, current.limits, current.severity).outcome
    return None if outcome in ("skips", "not_assessed") else outcome in ("fails", "vetoes")


def performance(judge: Judge, films: Sequence[Film]) -> Performance:
    """How often the rule speaks on good films and on those with its fault. Films it did not assess do not
    count."""
    said = [(film, alerts(judge, film)) for film in films]
    told = [(film, spoke) for film, spoke in said if spoke is not None]
    return Performance(
        judge.rule_id,
        judge.pack.name,
        {limit.name: limit.value for limit in judge.rule.limits},
        rate([(film.patient, spoke) for film, spoke in told if film.good]),
        rate([(film.patient, spoke) for film, spoke in told if judge.rule_id in film.faults]),
    )


def rate(said: Sequence[tuple[str, bool]]) -> Rate:
    """Of (patient, alert) pairs."""
    return Rate(sum(spoke for _, spoke in said), len(said), len({patient for patient, _ in said}))


def together(found: Sequence[Judge], films: Sequence[Film]) -> Rate:
    """Good films with at least one alert of these rules."""
    good = [film for film in films if film.good]
    return rate([(film.patient, any(alerts(judge, film) for judge in found)) for film in good])


@dataclass(frozen=True, slots=True)
class Choice:
    """A limit of one rule: as it is, and as it should be for its part of the budget."""

    rule_id: str
    limit: str
    before: float
    after: float
    span: str
    share: float
    """Its part of the budget: alerts per good film."""
    good_before: Rate
    good_after: Rate
    faulty_before: Rate
    faulty_after: Rate

    @property
    def meets(self) -> bool:
        return (self.good_after.value or 0.0) <= self.share

    @property
    def missed(self) -> int:
        """Faulty films that would no longer be alerted."""
        return self.faulty_before.hits - self.faulty_after.hits


def choose(judge: Judge, films: Sequence[Film], share: float, *, may_tighten: bool = True) -> Choice | None:
    """The value that finds most faults within its part of the budget; the nearest to today's among equals.

    None when the rule has no open limit. Where no value keeps the budget, the one
    with the fewest alerts. ``may_tighten`` False: only a limit that breaks the budget is moved.
    """
    before = performance(judge, films)
    best: Choice | None = None
    for name, given, now in judge.open_limits():
        tried = [now] if not may_tighten and (before.good.value or 0.0) <= share else [now, *_values(given)]
        for value in tried:
            seen = performance(judge.at(name, value), films)
            made = Choice(
                before.rule_id,
                name,
                now,
                value,
                given.span,
                share,
                before.good,
                seen.good,
                before.faulty,
                seen.faulty,
            )
            if best is None or _rank(made) > _rank(best):
                best = made
    return best


def _values(given: Bounded) -> list[float]:
    return [float(f"{value:.4g}") for value in np.linspace(given.min, given.max, _STEPS)]


def _rank(made: Choice) -> tuple[bool, float, float, float]:
    alarms = made.good_after.value or 0.0
    found = made.faulty_after.hits if made.meets else 0
    return made.meets, found if made.meets else -alarms, -abs(made.after - made.before), -alarms


def share_of(found: Sequence[Judge], films: Sequence[Film], budget: float) -> float:
    """Each rule's part: what rules without an open limit leave of the budget, divided among those that have
    one."""
    fixed, movable = 0.0, 0
    for judge in found:
        seen = performance(judge, films)
        alarms = seen.good.value or 0.0
        if any(judge.open_limits()):
            movable += bool(alarms or seen.faulty.films)
        else:
            fixed += alarms
    return max(0.0, budget - fixed) / max(1, movable)
