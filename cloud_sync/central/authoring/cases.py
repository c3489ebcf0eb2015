"""The cases of a draft: which there must be, and what came out of each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring import deciding
from cloud_sync.central.authoring.deciding import Asked
from cloud_sync.central.authoring.terms import Problem, problem
from cloud_sync.kit.limited import Over
from models.catalogue import catalogue
from models.measurement import Value
from models.rules.pack import RulePack
from models.rules.rule import Decision, Outcome, Rule, fact_types
from models.rules.schema import ABSENT, CaseSpec, Facts, flat
from models.rules.selftest import OUTCOMES, case_facts, kinds_needed, kinds_of_override


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case: what was expected, what came out (None: it could not be run), and the facts it has of its own."""

    rule: str
    expected: Outcome
    number: int
    facts: dict[str, Value]
    got: Outcome | None
    lacking: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        return self.got == self.expected


def run_cases(pack: RulePack, together: Sequence[RulePack], problems: list[Problem]) -> tuple[CaseLine, ...]:
    """Every case with what came out. A rule that goes over a limit is a mistake of its own.

    Args:
        pack: whose cases.
        together: the packs that judge with it, itself among them.
        problems: what is found wrong is added here.

    Raises:
        Misuse: the machine is too busy.
    """
    prepared = list(_prepared(pack, together, problems))
    seen = [other for other in together if other.layer <= pack.layer]
    said = iter(deciding.decide([asked for _, asked in prepared if asked], seen))
    lines, over = [], dict[Over, None]()
    for line, asked in prepared:
        match next(said) if asked else None:
            case Decision(outcome, lacking):
                lines.append(replace(line, got=outcome, lacking=tuple(sorted(lacking))))
            case found:
                lines.append(line)
                over |= {found: None} if found else {}
    problems += (Problem("rules.toml", *deciding.words(one, deciding.LIMITS), one.at) for one in over)
    return tuple(lines)


def _prepared(
    pack: RulePack, together: Sequence[RulePack], problems: list[Problem]
) -> Iterator[tuple[CaseLine, Asked | None]]:
    """Each case before it is run, and what to ask; None: it cannot be run."""
    rules = {rule.spec.id: rule for other in together for rule in other.rules}
    types = fact_types(catalogue())
    for name, spec in pack.cases.case.items():
        for outcome in OUTCOMES:
            for number, facts in enumerate(getattr(spec, outcome), start=1):
                asked = None
                try:
                    if rule := rules.get(name):
                        asked = Asked(rule, case_facts("", rule, types, pack.cases.base, spec.base, facts))
                except Misuse as error:
                    problems.append(problem("cases.toml", error, name))
                yield CaseLine(name, outcome, number, _own(facts), None), asked


def _own(facts: Facts) -> dict[str, Value]:
    return {
        name: value for name, value in flat(facts).items() if value is not False or not name.startswith(ABSENT)
    }


def check_overrides(pack: RulePack, rules: Mapping[str, Rule], problems: list[Problem]) -> None:
    """That changed limits and severities of ``rules`` have their cases."""
    for change in pack.overrides:
        if change.rule in rules and (change.limit or change.severity):
            _lacking(pack, change.rule, kinds_of_override(change, rules[change.rule]), problems)


def _lacking(pack: RulePack, rule: str, kinds: Collection[str], problems: list[Problem]) -> None:
    case = pack.cases.case.get(rule, CaseSpec())
    for kind in sorted(kinds):
        if not getattr(case, kind):
            problems.append(
                Problem(
                    "cases.toml",
                    Bilingual(f"缺少 {kind} 用例", f"There is no case that {kind}"),
                    Bilingual("每条规则要有其每种结果的用例", "A rule needs a case of each outcome that it has"),
                    rule,
                )
            )


def check_complete(pack: RulePack, written: set[str], problems: list[Problem]) -> None:
    """That each rule has its cases, and each case its rule. ``written``: also rules that do not compile."""
    for rule in pack.rules:
        _lacking(pack, rule.spec.id, kinds_needed(rule), problems)
    for name in pack.cases.case:
        if name not in written and name not in {change.rule for change in pack.overrides}:
            text = Bilingual(f"没有规则 {name}", f"There is no rule {name}")
            problems.append(Problem("cases.toml", text, Bilingual("检查规则编号", "Check the rule's id"), name))
