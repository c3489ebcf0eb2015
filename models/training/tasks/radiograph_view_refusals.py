"""What the gate refuses of the trials: good films hardly ever, everything else nearly always."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from models.anatomy.gate import GateLimits, implausible, lungs_seen, strange
from models.training.report.report import Cell, Claim, Table
from models.training.report.statistics import mean
from models.training.task import Run
from models.training.tasks.radiograph_view_shapes import maps_of
from models.training.tasks.radiograph_view_trials import Trial

_GOOD = "good film"
_NO_FINDING = frozenset({"normal", "no finding"})
_STAGED = ("photograph", "white lung", "lung gone")


@dataclass(frozen=True, slots=True, eq=False)
class Refusal:
    """One trial at the gate; ``why`` is None for a film that passes."""

    trial: Trial
    why: str | None

    @property
    def what(self) -> str:
        """The group it is counted in."""
        trial = self.trial
        if trial.how in _STAGED:
            return trial.how
        return _GOOD if trial.item.family == "frontal" else trial.item.family


def at_the_gate(found: Sequence[Trial], limits: GateLimits, anatomy: Run | None) -> list[Refusal]:
    """Films as they are and what was staged; without the anatomy network only the whole picture speaks."""
    shown = [t for t in found if t.how in _STAGED or (t.how == "as it is" and _counts(t))]
    return [Refusal(trial, _why(trial, limits, anatomy)) for trial in shown]


def _counts(trial: Trial) -> bool:
    return trial.item.family != "frontal" or bool(trial.item.film.view)


def _why(trial: Trial, limits: GateLimits, anatomy: Run | None) -> str | None:
    odd = strange(trial.view, limits)
    if odd is None and anatomy is not None:
        odd = implausible(lungs_seen(maps_of(trial.picture, anatomy), limits.shape), limits)
    return None if odd is None else odd.detail


def claims_of(refusals: Sequence[Refusal]) -> list[Claim]:
    """Good films refused at most 2 %; each kind of what is not one at least 98 %."""
    claims = []
    groups = _groups(refusals, by_source=False)
    healthy = [one for one in groups.get(_GOOD, []) if one.trial.item.film.label.lower() in _NO_FINDING]
    for what, group in [*groups.items(), *([(f"{_GOOD} without finding", healthy)] if healthy else [])]:
        share = mean([float(one.why is not None) for one in group], [one.trial.item.film.group for one in group])
        if what.startswith(_GOOD):
            claims.append(Claim(f"gate: {what} refused", share, 0.02, "<="))
        else:
            claims.append(Claim(f"gate: {what} refused", share, 0.98))
    return claims


def refusal_table(refusals: Sequence[Refusal]) -> Table:
    """By source, with the reasons."""
    rows: list[tuple[Cell, ...]] = []
    for name, group in sorted(_groups(refusals, by_source=True).items()):
        share = mean([float(one.why is not None) for one in group], [one.trial.item.film.group for one in group])
        why = Counter(one.why for one in group if one.why is not None).most_common(3)
        rows.append((name, share, "; ".join(f"{text} ({count})" for text, count in why)))
    return Table("Refused by the gate", ("films", "refused", "why"), tuple(rows))


def _groups(refusals: Sequence[Refusal], by_source: bool) -> dict[str, list[Refusal]]:
    groups: dict[str, list[Refusal]] = {}
    for one in refusals:
        film = one.trial.item.film
        name = f"{one.what}, {film.source} {film.view}".strip() if by_source else one.what
        groups.setdefault(name, []).append(one)
    return groups
