"""What a draft would have made of results that boxes sent: pure, from the measurements in their messages.

Pixels are not needed, because every measurement that may leave a site is in the message. The packs in force and
the packs with the draft judge the same facts; what each says of the rules that the draft changes takes the place
of what the box said of them, and all else of its verdict stays. So what cannot be known here (a fact of another
rule that stayed at the site, a site's own change of one) counts on both sides alike.

A result is replayed exactly where every fact that the changed rules name is known, and where the packs in force
come to what the box said of these rules, if it judged by this very version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from cloud_sync.wire import messages
from models.catalogue import catalogue
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.rules.difference import override_changes, rule_changes
from models.rules.evaluate import evaluate
from models.rules.layers import covers
from models.rules.pack import RulePack, RuleSet
from models.rules.rule import Rule
from models.rules.schema import ABSENT
from models.rules.scoring import grade, score
from models.rules.verdict import Finding, Grade, Severity, Verdict
from models.screen import hardest

JUDGED_OTHERWISE = "judged_otherwise"
"""Why a result was replayed in part: of the same version, the box said something else than it says here."""
_DOUBTED = {Reason.NOT_RELIABLE, Reason.UNPROVEN}
"""Why a rule did not use a fact that has a value."""


@dataclass(frozen=True, slots=True)
class Said:
    """What counts of a finding: which rule, and how much it weighs. Other words are no other finding."""

    rule: str
    level: str
    severity: str
    group: str
    deduct: float
    title_zh: str = field(compare=False)
    title_en: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict as far as a replay compares it."""

    grade: str
    """"" when nothing was judged."""
    score: float | None
    findings: tuple[Said, ...]

    @property
    def alerts(self) -> bool:
        """Whether it asks for a person, as the box's console does: grade C or D, or a major failure
        (``edge.pipeline.alerting``)."""
        loud = any(
            one.level == "fail" and one.severity in (Severity.MAJOR, Severity.VETO) for one in self.findings
        )
        return loud or self.grade in (Grade.BING, Grade.FEI)


@dataclass(frozen=True, slots=True)
class Replayed:
    """One result, judged again."""

    before: Outcome
    after: Outcome
    uncertain: tuple[str, ...]
    """Facts that decide and that the box did not send, or JUDGED_OTHERWISE; empty: replayed exactly."""

    @property
    def gained(self) -> tuple[Said, ...]:
        return tuple(one for one in self.after.findings if one not in self.before.findings)

    @property
    def lost(self) -> tuple[Said, ...]:
        return tuple(one for one in self.before.findings if one not in self.after.findings)


class Trial:
    """A draft beside the packs in force. Made once, used for every result."""

    def __init__(self, packs: Sequence[RulePack], draft: RulePack) -> None:
        """``packs``: those in force; the one that the draft shall replace is among them, or there is none."""
        self._old = next((pack for pack in packs if pack.name == draft.name), None)
        self._new = draft
        rest = [pack for pack in packs if pack.name != draft.name]
        before = [*rest, *([self._old] if self._old else [])]
        self._before, self._after = _set(before), _set([*rest, draft])
        self._versions = {pack.name: pack.version for pack in before}
        self._touched = self._find_touched({rule.spec.id: rule for pack in rest for rule in pack.rules})
        self._private = {name for name, entry in catalogue().items() if not entry.leaves_site}

    def judge(self, data: messages.ResultData) -> Replayed | None:
        """One result; None: neither the draft nor the pack in force speaks of such an image."""
        facts = facts_of(data)
        values = {fact.name: fact.value for fact in facts if isinstance(fact, Measurement)}
        covering = [pack for pack in (self._old, self._new) if pack and covers(pack.scope, values)]
        if not covering:
            return None
        old, new = (evaluate(facts, rules, {}, hardest(values)) for rules in (self._before, self._after))
        said = Outcome(data.grade or "", data.score, tuple(map(_of_message, data.findings)))
        was, now = (_findings(one) for one in (old, new))
        rules = {*self._touched, *(rule for rule in {*was, *now} if was.get(rule) != now.get(rule))}
        judged, judges = bool(old.passed or was), bool(new.passed or now)
        before = _placed(said, was, rules, judges=judged, silent=False)
        after = _placed(said, now, rules, judges=judges, silent=judged and not judges)
        return Replayed(before, after, tuple(sorted(self._uncertain(data, values, old))))

    def _find_touched(self, beside: Mapping[str, Rule]) -> dict[str, tuple[Rule | None, Rule | None]]:
        """The rules of which the draft could say something else, as they are in force and as they would be. Packs
        ``beside`` it count where it changes their rules."""
        old = {rule.spec.id: rule for rule in self._old.rules} if self._old else {}
        new = {rule.spec.id: rule for rule in self._new.rules}
        changed = {
            one.rule for one in rule_changes((r.spec for r in old.values()), (r.spec for r in new.values()))
        }
        if self._old is None or self._old.scope != self._new.scope or _when(self._old) != _when(self._new):
            changed = {*old, *new}
        was = self._old.overrides if self._old else ()
        others = {one.rule for one in override_changes(was, self._new.overrides)} & beside.keys()
        found = {name: (old.get(name), new.get(name)) for name in changed}
        return found | {name: (beside[name], beside[name]) for name in others}

    def _uncertain(self, data: messages.ResultData, values: Mapping[str, object], old: Verdict) -> Iterable[str]:
        said = {one.rule: (str(one.level), str(one.severity)) for one in data.findings}
        open_ = {one.rule for one in data.not_assessed}
        told = {fact.name for rule in data.not_assessed for fact in rule.missing}
        here = {one.rule_id: (one.level, str(one.severity)) for one in old.findings}
        judged = {(one.name, one.version) for one in data.packs}
        found: set[str] = set()
        for name, (before, after) in self._touched.items():
            if (
                before is not None
                and (before.pack, self._versions[before.pack]) in judged
                and (said.get(name) != here.get(name) or (name in open_ and name in old.passed))
            ):
                found.add(JUDGED_OTHERWISE)
            unknown = self._unknown(after, values, told) if after else set()
            found |= unknown - (self._unknown(before, values, told) if before else set())
        return found

    def _unknown(self, rule: Rule, values: Mapping[str, object], told: set[str]) -> set[str]:
        """Facts that this rule refers to and of which the message does not say how they are."""
        names = {name.removeprefix(ABSENT): name.startswith(ABSENT) for name in rule.refers_to}
        return {
            name
            for name, absence in names.items()
            if name not in values and name not in told and (absence or name in self._private)
        }


def facts_of(data: messages.ResultData) -> Measurements:
    """The facts of a result as far as its message has them.

    A fact that a rule could not use for want of confidence, or of proof, has none here. Of what is not there, the
    message says why only where a rule asked for it; an element of the header that nobody asked for is taken as not
    in it.
    """
    reasons = {fact.name: fact.reason for rule in data.not_assessed for fact in rule.missing}
    doubted = {name for name, reason in reasons.items() if reason in _DOUBTED}
    sent = [
        Measurement(fact.name, fact.value, fact.unit, confidence=0.0 if fact.name in doubted else 1.0)
        for fact in data.measurements
    ]
    known = set(Reason)
    other = [NotMeasured(name, Reason(reason)) for name, reason in reasons.items() if reason in known]
    return Measurements([*_silent(), *other, *sent])


@cache
def _silent() -> tuple[NotMeasured, ...]:
    """Every name, as far as a message says nothing of it."""
    return tuple(
        NotMeasured(name, Reason.NOT_IN_HEADER if name.startswith("dicom.") else Reason.NOT_APPLICABLE)
        for name in catalogue()
    )


def _set(packs: Sequence[RulePack]) -> RuleSet:
    return RuleSet(tuple(sorted(packs, key=lambda pack: (pack.layer, pack.name))), catalogue(), 0)


def _when(pack: RulePack) -> str:
    return next((" ".join(rule.pack_when.text.split()) for rule in pack.rules), "")


def _findings(verdict: Verdict) -> dict[str, Said]:
    return {one.rule_id: _of_finding(one) for one in verdict.findings}


def _placed(said: Outcome, found: Mapping[str, Said], rules: set[str], *, judges: bool, silent: bool) -> Outcome:
    """What the box said, with ``found`` in place of what it said of ``rules``.

    ``judges``: some rule speaks of the image here; ``silent``: none does any more.
    """
    findings = [one for one in said.findings if one.rule not in rules]
    findings += [one for rule, one in found.items() if rule in rules]
    judged = bool(findings) or judges or (said.grade != "" and not silent)
    if not judged:
        return Outcome("", None, ())
    if said.grade and set(findings) == set(said.findings):
        return said
    points = score(findings)
    return Outcome(grade(points, findings), points, tuple(findings))


def _of_finding(one: Finding) -> Said:
    return Said(one.rule_id, one.level, one.severity, one.group, one.deduct, one.title.zh, one.title.en)


def _of_message(one: messages.Finding) -> Said:
    return Said(one.rule, one.level, one.severity, one.group, one.deduct, one.title.zh, one.title.en)
