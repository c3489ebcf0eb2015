"""A site's own limits from its own history: what they would have alerted, and what they would have missed.
Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from models.calibration import BUDGET, Choice, Film, Judge, Rate, alerts, choose, film_of, performance, share_of
from models.calibration import together as alerted
from models.measurement import Measurements, Value
from models.rules.schema import ABSENT
from models.rules.toml import inline, text
from models.rules.verdict import Severity

LEAST_ACCEPTED = 200
"""Accepted films a rule must have assessed (image-qc.md 7.2 (10): a device's baseline is its last 200)."""
LEAST_REPEATED = 20
"""Repeated films of a rule's kind, before a limit is tightened to find more of them (label E)."""
UNTOLD = "repeated"
"""Fault of a repeated film that belongs to no rule."""
LAYER = "L4"

Why = Literal["proposed", "within", "not_open", "few", "unprovable"]
"""A new limit; it keeps its part of the budget already; it has no limit that a hospital may change; not enough
history; no film of the history shows what the new limit decides."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """One judged image of the past."""

    patient: str
    """To count patients; never shown."""
    repeated: bool
    reason_code: str | None
    """DICOM CID 7011, of a repeat."""
    measurements: Measurements


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one rule."""

    rule_id: str
    why: Why
    accepted: Rate
    """Alerts on accepted films, as it is."""
    choice: Choice | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """The whole: ``before`` and ``after`` are accepted films with at least one alert."""

    rows: tuple[Row, ...]
    budget: float
    accepted: int
    repeated: int
    before: Rate
    after: Rate
    cases: Mapping[str, str]
    """By rule: the cases that prove the new limit, as TOML."""

    @property
    def changes(self) -> tuple[Choice, ...]:
        return tuple(row.choice for row in self.rows if row.why == "proposed" and row.choice)


def films(past: Iterable[Past], found: Sequence[Judge]) -> list[Film]:
    """A repeated film has the fault of the rules that its reason names, and of those that alerted on it."""
    made = []
    for one in past:
        film = film_of(one.patient, one.measurements)
        if one.repeated:
            blamed = {
                judge.rule_id
                for judge in found
                if one.reason_code in judge.rule.rule.spec.codes or alerts(judge, film)
            }
            film = film_of(one.patient, one.measurements, blamed or {UNTOLD})
        made.append(film)
    return made


def propose(past: Sequence[Past], found: Sequence[Judge], budget: float = BUDGET) -> Proposal:
    """Limits inside the bounds that their layer leaves, so that alerts on accepted films keep the budget."""
    known = films(past, found)
    share = share_of(found, known, budget)
    rows, cases = [], {}
    for judge in found:
        row = _row(judge, known, share)
        if row.why == "proposed" and row.choice:
            proof = _proof(judge.at(row.choice.limit, row.choice.after), known)
            cases[judge.rule_id] = proof or ""
            row = row if proof else Row(row.rule_id, "unprovable", row.accepted)
        rows.append(row)
    moved = {row.rule_id: row.choice for row in rows if row.why == "proposed" and row.choice}
    changed = [
        judge.at(moved[judge.rule_id].limit, moved[judge.rule_id].after) if judge.rule_id in moved else judge
        for judge in found
    ]
    good = sum(film.good for film in known)
    return Proposal(
        tuple(rows), budget, good, len(known) - good, alerted(found, known), alerted(changed, known),
        {name: text for name, text in cases.items() if text},
    )  # fmt: skip


def _row(judge: Judge, known: Sequence[Film], share: float) -> Row:
    seen = performance(judge, known)
    if not any(judge.open_limits()):
        return Row(judge.rule_id, "not_open", seen.good)
    if seen.good.films < LEAST_ACCEPTED:
        return Row(judge.rule_id, "few", seen.good)
    choice = choose(judge, known, share, may_tighten=seen.faulty.films >= LEAST_REPEATED)
    if choice is None or choice.after == choice.before:
        return Row(judge.rule_id, "within", seen.good)
    return Row(judge.rule_id, "proposed", seen.good, choice)


def written(proposal: Proposal, name: str, version: int, authors: Collection[str]) -> dict[str, str]:
    """The three files of a hospital pack with these limits, by file name."""
    rows = {row.rule_id: row for row in proposal.rows}
    numbers = (
        f"{proposal.accepted} accepted and {proposal.repeated} repeated images; alerts per 100 accepted "
        f"{100 * (proposal.before.value or 0):.1f} before, {100 * (proposal.after.value or 0):.1f} after"
    )
    pack = [
        f"name = {text(name)}",
        f"version = {version}",
        f"layer = {text(LAYER)}",
        f"authors = [{', '.join(text(author) for author in authors)}]",
        "[title]",
        'zh = "本院历史拟合的限值"',
        'en = "Limits fitted to this site\'s history"',
        "[note]",
        f"zh = {text(f'先试运行（影子模式），经人确认后才启用。{numbers}')}",
        f"en = {text(f'On trial first (shadow mode); a person puts it in force. {numbers}')}",
    ]
    rules = []
    for choice in proposal.changes:
        n = rows[choice.rule_id].accepted.films
        rules += [
            f"# {choice.limit} {choice.before:g} -> {choice.after:g} {choice.span}; n = {n}, "
            f"alerts {choice.good_before.hits} -> {choice.good_after.hits}, repeats missed {choice.missed} more",
            "[[override]]",
            f"rule = {text(choice.rule_id)}",
            f"limit = {{ {choice.limit} = {choice.after!r} }}",
        ]
    return {
        "pack.toml": "\n".join(pack) + "\n",
        "rules.toml": "\n".join(rules) + "\n",
        "cases.toml": "\n".join(proposal.cases[choice.rule_id] for choice in proposal.changes) + "\n",
    }


def _proof(judge: Judge, known: Sequence[Film]) -> str | None:
    """A film of the history that passes and one that fails, if need be under the strictest limit there may be."""
    bad = "vetoes" if judge.rule.severity is Severity.VETO else "fails"
    passing = next(_decided(judge, known, "passes"), None)
    if passing is None:
        return None
    near = (facts for outcome in ("warns", "passes") for facts in _decided(judge, known, outcome))
    stricter = (tried for facts in near for tried in _stricter(judge, facts, bad))
    failing = next(_decided(judge, known, bad), None) or next(stricter, None)
    if failing is None:
        return None
    lines = [f"[case.{text(judge.rule_id)}]", f"passes = [{inline(passing)}]", f"{bad} = [{inline(failing)}]"]
    return "\n".join(lines)


def _decided(judge: Judge, known: Sequence[Film], outcome: str) -> Iterator[dict[str, Value]]:
    """The facts that the rule needs of films that come out so, as far as they alone decide it."""
    rule = judge.rule.rule
    for film in known:
        facts = {
            name: value
            for name, value in film.facts.items()
            if name in rule.refers_to and (not name.startswith(ABSENT) or value)
        }
        given = facts | {f"{ABSENT}{name}": False for name in facts if not name.startswith(ABSENT)}
        if rule.decide(given, judge.rule.limits, judge.rule.severity).outcome == outcome:
            yield facts


def _stricter(judge: Judge, facts: dict[str, Value], outcome: str) -> Iterator[dict[str, Value]]:
    rule = judge.rule.rule
    given = facts | {f"{ABSENT}{name}": False for name in facts if not name.startswith(ABSENT)}
    for name, bounds, _ in judge.open_limits():
        for value in (bounds.min, bounds.max):
            tried = judge.at(name, value)
            if rule.decide(given, tried.rule.limits, judge.rule.severity).outcome == outcome:
                yield facts | {f"limit.{name}": value}
