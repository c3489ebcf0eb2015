"""What the box would say of the trials with its limits: how often a mismatch is found, missed or invented."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.anatomy.limits import ViewLimits
from models.anatomy.view_facts import Stated, facts
from models.measurement import Measurements
from models.training.report.report import Cell, Claim, Table
from models.training.report.statistics import mean
from models.training.tasks.radiograph_view_trials import Trial

_ALARM = 0.95
"""PA18's limit; PA16's 0.9 cannot be met by anything under it, for bands begin at 0.95."""
_ACCURACY, _UNTOLD = 0.995, 0.10


@dataclass(frozen=True, slots=True)
class Case:
    """A mismatch and how it comes about: the header's view as given by ``stated``."""

    name: str
    fact: str
    asked: Callable[[Trial], bool]
    wrong: Callable[[Trial], bool]
    stated: Callable[[Trial], str]


def _own(trial: Trial) -> str:
    return trial.item.film.view


def _frontal(trial: Trial) -> bool:
    return trial.item.family == "frontal" and bool(trial.item.film.view)


def _as_is(trial: Trial) -> bool:
    return _frontal(trial) and trial.how == "as it is"


_SIDES = Case(
    "mirrored or not, markers hidden",
    "pixels.orientation_mismatch_probability",
    lambda t: t.how == "oriented, markers hidden",
    lambda t: t.mirrored,
    _own,
)
"""The hard part of the eight ways round: turned films are told by themselves."""
CASES = (
    Case("view as stated", "pixels.view_mismatch_probability", _as_is, lambda t: False, _own),
    Case("frontal stated as lateral", "pixels.view_mismatch_probability", _as_is, lambda t: True, lambda t: "LAT"),
    Case(
        "lateral stated as PA",
        "pixels.view_mismatch_probability",
        lambda t: t.how == "as it is" and t.item.family == "lateral",
        lambda t: True,
        lambda t: "PA",
    ),
    Case("upright, not mirrored", "pixels.orientation_mismatch_probability", _as_is, lambda t: False, _own),
    _SIDES,
    Case(
        "turned",
        "pixels.orientation_mismatch_probability",
        lambda t: t.how == "oriented" and t.turn != 0,
        lambda t: True,
        _own,
    ),
    Case(
        "mirrored, markers hidden",
        "pixels.orientation_mismatch_probability",
        lambda t: t.how == "oriented, markers hidden" and t.mirrored,
        lambda t: True,
        _own,
    ),
    Case("black and white right", "pixels.inversion_mismatch_probability", _as_is, lambda t: False, _own),
    Case(
        "black and white swapped",
        "pixels.inversion_mismatch_probability",
        lambda t: t.how == "inverted",
        lambda t: True,
        _own,
    ),
)


def said_table(found: Sequence[Trial], limits: ViewLimits) -> Table:
    """Shares of films: alarm, agreement, nothing said."""
    rows: list[tuple[Cell, ...]] = []
    for case in CASES:
        asked = [trial for trial in found if case.asked(trial)]
        if not asked:
            continue
        groups = {"all": asked}
        for trial in asked:
            groups.setdefault(f"{trial.item.film.source} {trial.item.film.view}", []).append(trial)
        for name, group in groups.items():
            patients = [trial.item.film.group for trial in group]
            numbers = [_number(case, trial, limits) for trial in group]
            alarm = mean([float(p is not None and p >= _ALARM) for p in numbers], patients)
            silent = mean([float(p is None) for p in numbers], patients)
            right = mean([_right(case, one, p) for one, p in zip(group, numbers, strict=True)], patients)
            rows.append((case.name, name, alarm, silent, right))
    columns = ("what is true", "films", "mismatch said", "nothing said", "right, of what is said")
    return Table("What the box says", columns, tuple(rows))


def _right(case: Case, trial: Trial, number: float | None) -> float:
    """nan where nothing is said."""
    return math.nan if number is None else float((number >= _ALARM) == case.wrong(trial))


def said_claims(found: Sequence[Trial], limits: ViewLimits) -> list[Claim]:
    """No more than 1 in 20 good films may get an alert from the whole box; of these facts 1 in 100.

    Whether a film is mirrored is to be right where it is said, and to be said of nearly all.
    """
    claims = []
    for case in CASES:
        asked = [trial for trial in found if case.asked(trial)]
        numbers = [_number(case, trial, limits) for trial in asked]
        patients = [trial.item.film.group for trial in asked]
        if asked and case is _SIDES:
            right = mean([_right(case, one, p) for one, p in zip(asked, numbers, strict=True)], patients)
            silent = mean([float(p is None) for p in numbers], patients)
            claims.append(Claim(f"{case.name}, of films judged: accuracy", right, _ACCURACY))
            claims.append(Claim(f"{case.name}: not assessed", silent, _UNTOLD, "<="))
        elif asked and not any(map(case.wrong, asked)):
            alarms = mean([float((p or 0) >= _ALARM) for p in numbers], patients)
            claims.append(Claim(f"false alarms: {case.name}", alarms, 0.01, "<="))
    return claims


def _number(case: Case, trial: Trial, limits: ViewLimits) -> float | None:
    """The fact's value as the rules see it; None where nothing is said."""
    stated = Stated("CHEST", case.stated(trial), ())
    return Measurements(facts(trial.view, stated, limits)).number(case.fact)
