"""How a verdict reads on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import typer

from capture.text import Bilingual
from models.judge import Judgement
from models.rules.explain import Line, explain_finding, explain_not_assessed
from models.rules.pack import RuleSet
from models.rules.verdict import Finding, Grade, Severity
from models.rules.words import GRADES, REASONS, SEVERITIES

_GRADE_COLOURS = {
    Grade.JIA: typer.colors.GREEN,
    Grade.YI: typer.colors.YELLOW,
    Grade.BING: typer.colors.BRIGHT_RED,
    Grade.FEI: typer.colors.RED,
    None: typer.colors.BRIGHT_BLACK,
}
_SEVERITY_COLOURS = {
    Severity.VETO: typer.colors.RED,
    Severity.MAJOR: typer.colors.BRIGHT_RED,
    Severity.MINOR: typer.colors.YELLOW,
    Severity.INFO: typer.colors.CYAN,
}
_WARNING = Bilingual("警告", "warning")
_PASSED = Bilingual("通过", "passed")
_NOT_ASSESSED = Bilingual("未评估", "not assessed")
_PACKS = Bilingual("规则包", "packs")
_BUNDLES = Bilingual("网络", "networks")


def lines_of(path: str, judgement: Judgement, rules: RuleSet, tongue: str, explain: bool) -> Iterator[str]:
    """The verdict as coloured lines, gravest finding first; with ``explain`` everything behind it."""
    verdict, facts = judgement.verdict, judgement.measurements
    score = "" if verdict.score is None else f" {verdict.score:g}"
    grade = typer.style(f"{GRADES[verdict.grade].get(tongue)}{score}", fg=_GRADE_COLOURS[verdict.grade], bold=True)
    what = [facts.text(name) for name in ("dicom.Modality", "body.part", "view.projection")]
    yield f"{path}  {' '.join(part for part in what if part)}  {grade}"
    for finding in sorted(verdict.findings, key=_gravest):
        yield from _finding(finding, rules, tongue, explain)
    yield from _rest(judgement, tongue)
    if explain:
        for item in verdict.not_assessed:
            yield f"  ? {item.title.get(tongue)}  {typer.style(item.rule_id, dim=True)}"
            yield from _indented(explain_not_assessed(item, rules.names), tongue)
        packs = ", ".join(f"{pack.name} {pack.version} {pack.sha256[:12]}" for pack in verdict.packs)
        yield f"  {_PACKS.get(tongue)}: {packs}"
        if verdict.bundles:
            bundles = ", ".join(f"{one.name} {one.version} {one.sha256[:12]}" for one in verdict.bundles)
            yield f"  {_BUNDLES.get(tongue)}: {bundles}"
        yield "  " + ", ".join(f"{timing.stage} {timing.ms:.1f} ms" for timing in verdict.timings)


def _gravest(finding: Finding) -> tuple[int, float]:
    return list(_SEVERITY_COLOURS).index(finding.severity), -finding.deduct


def _finding(finding: Finding, rules: RuleSet, tongue: str, explain: bool) -> Iterator[str]:
    weight = _WARNING if finding.level == "warn" else SEVERITIES[finding.severity]
    sign = typer.style(f"{weight.get(tongue)} -{finding.deduct:g}", fg=_SEVERITY_COLOURS[finding.severity])
    yield f"  {sign}  {finding.title.get(tongue)}  {typer.style(finding.rule_id, dim=True)}"
    yield f"      {finding.advice.get(tongue)}"
    if explain:
        yield from _indented(explain_finding(finding, rules), tongue)


def _rest(judgement: Judgement, tongue: str) -> Iterator[str]:
    verdict = judgement.verdict
    why = Counter(fact.reason for item in verdict.not_assessed for fact in item.missing[:1])
    reasons = ", ".join(f"{REASONS[reason].get(tongue)} {count}" for reason, count in why.most_common())
    if verdict.passed or verdict.not_assessed:
        counts = (
            f"{_PASSED.get(tongue)} {len(verdict.passed)}, {_NOT_ASSESSED.get(tongue)} {len(verdict.not_assessed)}"
        )
        yield typer.style(f"  {counts}" + (f" ({reasons})" if reasons else ""), dim=True)


def _indented(lines: tuple[Line, ...], tongue: str) -> Iterator[str]:
    for line in lines:
        yield typer.style(f"        {line.label.get(tongue)}: {line.text.get(tongue)}", dim=True)
