"""The report of chest-anatomy's margins: how far they are off, and what the box says of lungs that are cut off.

Where the box does not say, nobody is misled and nobody is helped: shares of the films that it judges stand beside
the share that it does not judge, and beside shares of all films.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from models.training.manifest import Film
from models.training.report.plots import agreement_plot, roc_plot
from models.training.report.report import Cell, Claim, Estimate, Report, Table
from models.training.report.statistics import Agreement, agreement, auc_of, mean
from models.training.task import Run
from models.training.tasks.chest_anatomy_margins import Trial, trials

MARGIN_BAR, FOUND_BAR = 1.2, 0.95
UNTOLD_BAR = 0.10
"""Of films whose field nobody closed: more of them not assessed, and people stop asking."""
_SIDES = ("top", "bottom", "left", "right")
Trials = Sequence[Trial]


def margins(run: Run, films: Sequence[Film]) -> Report:
    """Margin error, and cut-off found as the box finds it."""
    found = list(trials(run, films))
    known = [t for t in found if math.isfinite(t.measured) and math.isfinite(t.true)]
    if not known:
        return Report("Margins", notes=("Margins: no film on which both lungs are found.",))
    groups = {source: [t for t in found if t.source == source] for source in sorted({t.source for t in found})}
    rows = {**groups, **{f"{side} side": [t for t in found if t.side == side] for side in _SIDES}}
    measured, true = [t.measured for t in known], [t.true for t in known]
    asked = [t for t in found if math.isfinite(t.cut)]
    return Report(
        "Margins",
        tuple(claim for source, of in groups.items() for claim in _claims(source, of)),
        (_errors(rows), _said(rows)),
        (
            agreement_plot("Margin", measured, true, _closeness(found), "% of width"),
            roc_plot("Lung cut off", {"all": ([t.cut for t in asked], [t.lost > 0 for t in asked])}),
        ),
    )


def _closeness(found: Trials) -> Agreement:
    known = [t for t in found if math.isfinite(t.measured) and math.isfinite(t.true)]
    return agreement([t.measured for t in known], [t.true for t in known], [t.patient for t in known])


def _share(found: Trials, hits: Sequence[bool]) -> Estimate:
    return mean(hits, [trial.patient for trial in found])


def _errors(rows: dict[str, list[Trial]]) -> Table:
    lines: list[tuple[Cell, ...]] = []
    for name, found in rows.items():
        close, told = _closeness(found), [t for t in found if math.isfinite(t.cut)]
        curve = auc_of([t.cut for t in told], [t.lost > 0 for t in told], [t.patient for t in told])
        lines.append((name, close.error, close.bias, curve, sum(not math.isfinite(t.measured) for t in found)))
    note = (
        "Lengths in percent of the film's width: the films have no spacing. A lung that is said to be cut has a "
        "margin of 0; where it is too close to tell the distance of the outline counts. AUC: the network's word "
        "for that side."
    )
    return Table("Margins", ("trials", "error, % of width", "bias", "AUC", "not measured"), tuple(lines), note)


def _said(rows: dict[str, list[Trial]]) -> Table:
    lines: list[tuple[Cell, ...]] = []
    for name, found in rows.items():
        cut, whole, untouched = _kinds(found)
        lines.append(
            (
                name,
                _right(cut, of_all=False),
                _right(whole, of_all=False),
                *(_share(some, [t.said is None for t in some]) for some in (cut, whole, untouched)),
                _right(cut, of_all=True),
                _right(whole, of_all=True),
            )
        )
    columns = (
        "trials",
        "cut: found, of those judged",
        "whole: passed, of those judged",
        "cut: not assessed",
        "whole: not assessed",
        "untouched: not assessed",
        "cut: found, of all",
        "whole: passed, of all",
    )
    note = (
        "The word of PA01 on the whole film, all four sides. Its limits were chosen on tune. Whole: 1 % of "
        "the width or more left free on every side. Films with a side that is nearly cut as they are do not count."
    )
    return Table("Cut off: what the box says", columns, tuple(lines), note)


def _kinds(found: Trials) -> tuple[list[Trial], list[Trial], list[Trial]]:
    """A lung cut off; none; of these, films as they were taken."""
    clear = [t for t in found if t.clear]
    whole = [t for t in clear if t.lost == 0]
    return [t for t in clear if t.lost > 0], whole, [t for t in whole if t.untouched]


def _right(found: Trials, *, of_all: bool) -> Estimate:
    """Share that is told rightly."""
    some = found if of_all else [t for t in found if t.said is not None]
    return _share(some, [t.said is (t.lost > 0) for t in some])


def _claims(source: str, found: Trials) -> Iterator[Claim]:
    cut, whole, untouched = _kinds(found)
    yield Claim(f"margin error, {source}", _closeness(found).error, MARGIN_BAR, "<=", "% of width")
    yield Claim(f"cut-off found, of films judged, {source}", _right(cut, of_all=False), FOUND_BAR)
    yield Claim(f"complete films passed, of films judged, {source}", _right(whole, of_all=False), FOUND_BAR)
    missing = _share(untouched, [t.said is None for t in untouched])
    yield Claim(f"cut-off not assessed, untouched films, {source}", missing, UNTOLD_BAR, "<=")
