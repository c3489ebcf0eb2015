"""Everything that is wrong with a pack's text, all at once, and what came out of each of its cases.

``models.rules`` refuses a pack at its first mistake; somebody who writes one wants them all.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring.cases import CaseLine, check_complete, check_overrides, run_cases
from cloud_sync.central.authoring.terms import Problem, problem
from cloud_sync.central.authoring.texts import PackText
from models.catalogue import Entry, Type, catalogue
from models.rules import toml
from models.rules.expression import Expression, ExpressionError, compile_condition
from models.rules.layers import check_authority
from models.rules.pack import RulePack
from models.rules.rule import Rule, compile_rule, fact_types
from models.rules.schema import CasesFile, PackFile, RulesFile

_File = TypeVar("_File", bound=BaseModel)
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


@dataclass(frozen=True, slots=True)
class Checked:
    """A text that was looked at. ``pack`` is None while it could not be loaded at all."""

    pack: RulePack | None
    problems: tuple[Problem, ...]
    cases: tuple[CaseLine, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether a box would take it."""
        return not self.problems and all(case.holds for case in self.cases)

    def of_rule(self, rule: str) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.rule == rule)


def check(text: PackText, others: Sequence[RulePack]) -> Checked:
    """Read, compile and try one pack beside ``others``, which judge with it; one of its own name is left out.

    Raises:
        Misuse: the machine is too busy to run the cases.
    """
    problems: list[Problem] = []
    pack = compiled(text, problems)
    if pack is None:
        return Checked(None, tuple(problems))
    together = _together(pack, others, problems)
    lines = run_cases(pack, together, problems)
    return Checked(pack, tuple(problems), lines)


def compiled(text: PackText, problems: list[Problem], identity: str = "0" * 64) -> RulePack | None:
    """The pack with those of its rules that compile; None when a file cannot be read at all.

    Args:
        text: the pack.
        problems: what is found wrong is added here.
        identity: what stands for its hash in verdicts.
    """
    head = _shaped(PackFile, "pack.toml", text.pack, problems)
    rules = _shaped(RulesFile, "rules.toml", text.rules, problems)
    cases = _shaped(CasesFile, "cases.toml", text.cases, problems)
    if head is None or rules is None or cases is None:
        return None
    pack = RulePack(
        head.name, head.version, head.layer, Bilingual(head.title.zh, head.title.en),
        Bilingual(head.note.zh, head.note.en), head.authors, head.scope,
        tuple(_compiled(head, rules, catalogue(), problems)), rules.override, cases, identity,
    )  # fmt: skip
    check_complete(pack, {spec.id for spec in rules.rule}, problems)
    return pack


def check_condition(text: str, limits: dict[str, Type]) -> Expression:
    """One expression, as it is typed. ``limits``: name and type of the rule's limits.

    Raises:
        ExpressionError: it does not compile.
    """
    types = fact_types(catalogue()) | {f"limit.{name}": kind for name, kind in limits.items()}
    return compile_condition(text, types)


def _shaped(shape: type[_File], name: str, body: str, problems: list[Problem]) -> _File | None:
    try:
        raw = toml.loads(body)
    except tomllib.TOMLDecodeError as error:
        problems.append(_syntax(name, str(error)))
        return None
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        for one in error.errors(include_url=False, include_input=False):
            place = ".".join(str(part + 1) if isinstance(part, int) else str(part) for part in one["loc"])
            problems.append(
                Problem(
                    name,
                    Bilingual(f"{place}：不合规定：{one['msg']}", f"{place}: {one['msg']}"),
                    Bilingual("见手册“规则”一页的格式", "See the format in the handbook's page on rules"),
                    _rule_at(raw, one["loc"]),
                )
            )
        return None


def _syntax(name: str, complaint: str) -> Problem:
    place = _PLACE.search(complaint)
    line, column = (int(place[1]), int(place[2])) if place else (0, 0)
    said = _PLACE.sub("", complaint).strip()
    return Problem(
        name,
        Bilingual(f"不是有效的 TOML：{said}", f"Not valid TOML: {said}"),
        Bilingual("检查引号、括号与等号", "Look at quotes, brackets and equals signs"),
        line=line, column=column,
    )  # fmt: skip


def _rule_at(raw: dict[str, object], loc: tuple[int | str, ...]) -> str:
    """The id of the rule that a place in rules.toml or cases.toml belongs to."""
    match loc:
        case ("rule", int(index), *_):
            rules = raw.get("rule")
            one = rules[index] if isinstance(rules, list) and index < len(rules) else None
            return str(one.get("id", "")) if isinstance(one, dict) else ""
        case ("case", str(name), *_):
            return name
    return ""


def _compiled(
    head: PackFile, rules: RulesFile, names: dict[str, Entry], problems: list[Problem]
) -> Iterator[Rule]:
    types = fact_types(names)
    try:
        when = compile_condition(head.when, types)
    except ExpressionError as error:
        problems.append(Problem("pack.toml", error.text, error.hint, line=error.line, column=error.column))
        return
    seen: set[str] = set()
    for spec in rules.rule:
        if spec.id in seen:
            problems.append(_twice(spec.id))
            continue
        seen.add(spec.id)
        try:
            yield compile_rule(spec, head, when, names, types)
        except Misuse as error:
            problems.append(problem("rules.toml", error, spec.id))


def _twice(rule: str) -> Problem:
    text = Bilingual(f"规则编号 {rule} 出现了两次", f"The rule id {rule} is there twice")
    return Problem("rules.toml", text, Bilingual("规则编号只能用一次", "A rule id is used once only"), rule)


def _together(pack: RulePack, others: Sequence[RulePack], problems: list[Problem]) -> list[RulePack]:
    """The packs in their order, this one among them."""
    beside = [other for other in others if other.name != pack.name]
    taken = {rule.spec.id: other.name for other in beside for rule in other.rules}
    for rule in pack.rules:
        if rule.spec.id in taken:
            problems.append(_taken(rule.spec.id, taken[rule.spec.id]))
    for change in (None, *pack.overrides):  # one by one, so that every mistake is said, and of which rule
        alone = replace(pack, overrides=() if change is None else (change,))
        try:
            check_authority(sorted([*beside, alone], key=lambda one: (one.layer, one.name)))
        except Misuse as error:
            problems.append(problem("rules.toml", error, change.rule if change else ""))
            if change is None:
                break
    together = sorted([*beside, pack], key=lambda one: (one.layer, one.name))
    check_overrides(pack, {rule.spec.id: rule for one in together for rule in one.rules}, problems)
    return together


def _taken(rule: str, pack: str) -> Problem:
    text = Bilingual(f"规则编号 {rule} 已在规则包 {pack} 中", f"The rule id {rule} is in the pack {pack} already")
    return Problem("rules.toml", text, Bilingual("换一个编号", "Choose another id"), rule)
