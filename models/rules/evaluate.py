"""Measurements to a verdict: which packs speak, what each rule says, what it costs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping

from models.catalogue import Entry
from models.measurement import Measurement, Measurements, NotMeasured, Reason, Value
from models.rules.layers import Effective, covers, effective
from models.rules.memory import Decided, Said
from models.rules.pack import RulePack, RuleSet
from models.rules.rule import Decision, Rule
from models.rules.schema import ABSENT, OverrideSpec
from models.rules.scoring import grade, score
from models.rules.verdict import Finding, NotAssessed, Severity, Timing, Verdict
from models.rules.wording import filled


def evaluate(
    measurements: Measurements,
    rules: RuleSet,
    took: Mapping[str, float],
    hardest: Severity = Severity.VETO,
) -> Verdict:
    """Apply the packs that cover this image. A missing fact makes a rule *not assessed*, never passed.

    Args:
        measurements: every fact of one acquisition.
        rules: the packs in force.
        took: milliseconds each earlier stage took, kept in the verdict.
        hardest: no finding weighs more, whatever its rule says.
    """
    started = time.perf_counter()
    facts = known(measurements)
    covering = [pack for pack in rules.packs if covers(pack.scope, facts)]
    decided = _without_doubles(_decide(rules, covering, facts, doubtful(measurements)))
    findings = tuple(
        _finding(current, decision, facts, measurements, rules.names, hardest)
        for current, decision in decided
        if decision.outcome in ("warns", "fails", "vetoes")
    )
    passed = tuple(current.rule.spec.id for current, decision in decided if decision.outcome == "passes")
    judged = bool(findings or passed)
    points = score(findings)
    timings = {**took, "rules": (time.perf_counter() - started) * 1000}
    return Verdict(
        grade=grade(points, findings) if judged else None,
        score=points if judged else None,
        findings=findings,
        not_assessed=tuple(
            _not_assessed(current, decision, measurements, rules.names)
            for current, decision in decided
            if decision.outcome == "not_assessed" and not _is_beside_the_point(decision, measurements, rules.names)
        ),
        passed=passed,
        packs=tuple(pack.fingerprint for pack in covering),
        timings=tuple(Timing(stage, ms) for stage, ms in timings.items()),
    )


def known(measurements: Measurements) -> dict[str, Value]:
    """The values that rules may use. A number that is not finite is not a value."""
    facts: dict[str, Value] = {}
    for fact in measurements:
        if isinstance(fact, NotMeasured):
            if fact.reason is Reason.NOT_IN_HEADER:
                facts[ABSENT + fact.name] = True
        elif not isinstance(fact.value, float) or math.isfinite(fact.value):
            facts[fact.name] = fact.value
            facts[ABSENT + fact.name] = False
    return facts


def doubtful(measurements: Measurements) -> dict[str, Measurement]:
    """The facts that their producers are not sure of."""
    return {fact.name: fact for fact in measurements if isinstance(fact, Measurement) and fact.confidence < 1}


def _decide(
    rules: RuleSet, covering: list[RulePack], facts: dict[str, Value], unsure: Mapping[str, Measurement]
) -> Decided:
    if unsure:
        return _asked(covering, facts, unsure)
    by, last = tuple(map(id, covering)), rules.memory.last
    decided = (last.again(by, facts) if last else None) or _asked(covering, facts, unsure)
    rules.memory.last = Said(by, facts, decided)
    return decided


def _asked(covering: list[RulePack], facts: dict[str, Value], unsure: Mapping[str, Measurement]) -> Decided:
    overriding: dict[str, list[tuple[RulePack, OverrideSpec]]] = {}
    for pack in covering:
        for change in pack.overrides:
            overriding.setdefault(change.rule, []).append((pack, change))
    decided = []
    for pack in covering:
        for rule in pack.rules:
            current = effective(rule, overriding.get(rule.spec.id, ()))
            if current.enabled:
                sure = facts if rule.refers_to.isdisjoint(unsure) else sure_enough(rule, facts, unsure)
                decided.append((current, rule.decide(sure, current.limits, current.severity)))
    return decided


def sure_enough(rule: Rule, facts: dict[str, Value], unsure: Mapping[str, Measurement]) -> dict[str, Value]:
    """The facts that this rule refers to, without those that are too doubtful for it."""
    floor = rule.spec.confidence_floor
    return {
        name: facts[name]
        for name in rule.refers_to
        if name in facts and not (name in unsure and unsure[name].confidence < floor)
    }


def _without_doubles(decided: Decided) -> list[tuple[Effective, Decision]]:
    """Leave out a general rule where a special one stands in for it, so that a fault counts once.

    A special rule that could not be decided leaves the word to the general one, if that could.
    """
    open_ids = {current.rule.spec.id for current, decision in decided if decision.outcome == "not_assessed"}
    replaced = {
        name
        for current, decision in decided
        for name in current.rule.spec.instead_of
        if decision.outcome != "skips" and (decision.outcome != "not_assessed" or name in open_ids)
    }
    return [(current, decision) for current, decision in decided if current.rule.spec.id not in replaced]


def _finding(
    current: Effective,
    decision: Decision,
    facts: Mapping[str, Value],
    measurements: Measurements,
    names: Mapping[str, Entry],
    hardest: Severity,
) -> Finding:
    rule, spec = current.rule, current.rule.spec
    words = {**facts, **{f"limit.{limit.name}": limit.value for limit in current.limits}}
    evidence = [measurements.get(name) for name in sorted(rule.needs)]
    shown = [measurements.get(name) for name in spec.regions_from]
    warns = decision.outcome == "warns"
    return Finding(
        rule_id=spec.id,
        level="warn" if warns else "fail",
        severity=min(_severity(current, decision), hardest, key=_WEIGHTS.index),
        group=spec.group,
        deduct=current.deduct.warn if warns else current.deduct.fail,
        title=current.title,
        advice=filled(current.advice, words, names),
        evidence=tuple(fact for fact in evidence if isinstance(fact, Measurement)),
        limits=current.limits,
        layer=rule.layer,
        pack=rule.pack,
        source=spec.source,
        evidence_label=spec.evidence,
        codes=spec.codes,
        regions=tuple(region for fact in shown if isinstance(fact, Measurement) for region in fact.regions),
    )


_WEIGHTS = tuple(Severity)
"""From info to veto."""


def _severity(current: Effective, decision: Decision) -> Severity:
    """A warning weighs at most minor, for only a failure weighs in full; one without points,
    as a single dose above its reference level (image-qc.md 4.5), is information."""
    if decision.outcome == "vetoes":
        return Severity.VETO
    if decision.outcome == "warns" and current.severity is not Severity.INFO:
        return Severity.MINOR if current.deduct.warn else Severity.INFO
    return current.severity


def _is_beside_the_point(decision: Decision, measurements: Measurements, names: Mapping[str, Entry]) -> bool:
    """Nothing is lacking but facts that this kind of image cannot have: the rule does not apply."""
    missing = (_why(name, measurements, names) for name in decision.lacking)
    return all(fact.reason is Reason.NOT_APPLICABLE for fact in missing)


def _not_assessed(
    current: Effective, decision: Decision, measurements: Measurements, names: Mapping[str, Entry]
) -> NotAssessed:
    return NotAssessed(
        rule_id=current.rule.spec.id,
        title=current.title,
        missing=tuple(_why(name, measurements, names) for name in sorted(decision.lacking)),
    )


def _why(name: str, measurements: Measurements, names: Mapping[str, Entry]) -> NotMeasured:
    fact = measurements.get(name)
    if isinstance(fact, NotMeasured):
        return fact
    if name in names and names[name].unproven:
        return NotMeasured(name, Reason.UNPROVEN)
    if fact.confidence < 1:
        return NotMeasured(name, Reason.NOT_RELIABLE, f"confidence {fact.confidence:.0%}")
    return NotMeasured(name, Reason.FAILED, "the rule could not use its value")
