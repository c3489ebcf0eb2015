"""A pack proves itself when it loads: every rule comes with cases, and every case must come out as stated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from capture.text import Bilingual
from models.catalogue import Entry, Type
from models.measurement import Value
from models.rules.layers import covers, effective
from models.rules.problem import misuse
from models.rules.rule import Decision, Outcome, Rule, fact_types, type_of
from models.rules.schema import CaseSpec, Facts, OverrideSpec, flat
from models.rules.verdict import Severity

if TYPE_CHECKING:
    from models.rules.pack import RulePack

OUTCOMES: tuple[Outcome, ...] = ("passes", "warns", "fails", "vetoes", "not_assessed", "skips")


def run_cases(packs: Sequence[RulePack], names: Mapping[str, Entry]) -> int:
    """Run the cases of every pack and return how many held. ``packs`` are sorted by layer.

    A pack's cases see its own layer and those before it, so that a hospital's override cannot break the
    cases of the national pack it refines.

    Raises:
        capture.errors.Misuse: a rule lacks a kind of case, a case names an unknown rule or fact, or a case
            comes out otherwise.
    """
    rules = {rule.spec.id: rule for pack in packs for rule in pack.rules}
    types = fact_types(names)
    ran = 0
    for pack in packs:
        _check_complete(pack, rules)
        seen = [other for other in packs if other.layer <= pack.layer]
        for name, case in pack.cases.case.items():
            for outcome in OUTCOMES:
                for number, facts in enumerate(getattr(case, outcome), start=1):
                    where = f"{pack.name}: cases.toml: {name}: {outcome} {number}: "
                    given = case_facts(where, rules[name], types, pack.cases.base, case.base, facts)
                    _run(where, rules[name], seen, given, outcome)
                    ran += 1
    return ran


def decided(rule: Rule, packs: Sequence[RulePack], facts: Mapping[str, Value]) -> Decision:
    """What a rule says of a case's facts, with the overrides of ``packs`` that cover them."""
    overriding = [
        (pack, change)
        for pack in packs
        for change in pack.overrides
        if change.rule == rule.spec.id and covers(pack.scope, facts)
    ]
    current = effective(rule, overriding)
    limits = tuple(replace(limit, value=facts.get(f"limit.{limit.name}", limit.value)) for limit in current.limits)
    return rule.decide(facts, limits, current.severity)


def _run(where: str, rule: Rule, packs: Sequence[RulePack], facts: dict[str, Value], wanted: Outcome) -> None:
    decision = decided(rule, packs, facts)
    if decision.outcome != wanted:
        lacking = ", ".join(sorted(decision.lacking))
        raise misuse(
            "pack.case",
            where,
            Bilingual(
                f"实际为 {decision.outcome}" + (f"(缺 {lacking})" if lacking else ""),
                f"it came out as {decision.outcome}" + (f" (missing {lacking})" if lacking else ""),
            ),
            Bilingual("改规则或改用例", "mend the rule or the case"),
        )


def _check_complete(pack: RulePack, rules: Mapping[str, Rule]) -> None:
    expected = {rule.spec.id: kinds_needed(rule) for rule in pack.rules}
    for change in pack.overrides:
        if change.limit or change.severity:
            expected[change.rule] = kinds_of_override(change, rules[change.rule])
    for name, kinds in expected.items():
        case = pack.cases.case.get(name, CaseSpec())
        for kind in sorted(kinds):
            if not getattr(case, kind):
                raise misuse(
                    "pack.case.missing",
                    f"{pack.name}: cases.toml: {name}: ",
                    Bilingual(f"缺少 {kind} 用例", f"there is no case that {kind}"),
                    Bilingual(
                        "每条规则至少要有通过、不合格、未评估的用例各一个",
                        "a rule needs a case that passes, one that fails and one that is not assessed",
                    ),
                )
    for name in pack.cases.case:
        if name not in rules:
            raise misuse(
                "pack.case.unknown",
                f"{pack.name}: cases.toml: ",
                Bilingual(f"没有规则 {name}", f"there is no rule {name}"),
                Bilingual("检查规则编号", "check the rule's id"),
            )


def kinds_needed(rule: Rule) -> set[Outcome]:
    """The outcomes that a rule must have a case of."""
    kinds: set[Outcome] = {"passes", "not_assessed"}
    kinds.add("vetoes" if rule.spec.severity is Severity.VETO else "fails")
    if rule.warn:
        kinds.add("warns")
    if rule.veto_when:
        kinds.add("vetoes")
    return kinds


def kinds_of_override(change: OverrideSpec, rule: Rule) -> set[Outcome]:
    """The outcomes that a pack must have a case of for a rule whose limits or severity it changes."""
    severity = change.severity or rule.spec.severity
    return {"passes", "vetoes" if severity is Severity.VETO else "fails"}


def case_facts(where: str, rule: Rule, types: Mapping[str, Type], *parts: Facts) -> dict[str, Value]:
    """The facts of one case by their names; ``parts`` are its bases and its own.

    Raises:
        capture.errors.Misuse: a fact is not in the catalogue or has another type.
    """
    facts: dict[str, Value] = {}
    for part in parts:
        facts |= flat(part)
    limits = {f"limit.{limit.name}": type_of(limit.value) for limit in rule.limits}
    for name, value in facts.items():
        if (types.get(name) or limits.get(name)) != type_of(value):
            raise misuse(
                "pack.case.fact",
                where,
                Bilingual(f"{name} 不在目录中或类型不符", f"{name} is not in the catalogue or has another type"),
                Bilingual("见量值目录", "see the catalogue of measurements"),
            )
    return facts
