"""Why a verdict is what it is, in words: pure functions for the command line and the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capture.text import Bilingual
from models.catalogue import Entry
from models.measurement import Measurement, NotMeasured
from models.rules.layers import effective
from models.rules.pack import RuleSet
from models.rules.rule import Rule
from models.rules.schema import Bounded, Scope
from models.rules.verdict import Finding, Limit, NotAssessed
from models.rules.wording import shown
from models.rules.words import EVIDENCE, LAYERS, REASONS, SEVERITIES


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation: what it is about, and what there is to say."""

    label: Bilingual
    text: Bilingual


_RULE = Bilingual("规则", "rule")
_WHEN = Bilingual("适用条件", "applies when")
_WARNS = Bilingual("警告条件", "warns when")
_FAILS = Bilingual("不合格条件", "fails when")
_VETOES = Bilingual("否决条件", "vetoes when")
_MEASURED = Bilingual("测量值", "measured")
_MISSING = Bilingual("缺少", "missing")
_LIMIT = Bilingual("限值", "limit")
_SOURCE = Bilingual("来源", "source")
_POINTS = Bilingual("扣分", "points")
_CODES = Bilingual("DICOM 编码", "DICOM codes")
_SCOPE = Bilingual("适用范围", "scope")
_ADVICE = Bilingual("提示", "advice")
_CHANGED = Bilingual("修改", "changed by")


def explain_finding(finding: Finding, rules: RuleSet) -> tuple[Line, ...]:
    """Which rule, which measurement, which limit, from which layer, pack and source.

    ``rules`` supplies the conditions; a finding of a rule that is gone is still explained by what it holds.
    """
    rule = rules.find(finding.rule_id)
    lines = [Line(_RULE, _both(f"{finding.rule_id}  [{finding.layer}, {finding.pack}]"))]
    if rule:
        warned = finding.level == "warn" and rule.warn
        lines.append(
            Line(_WARNS, _both(rule.warn.text)) if warned and rule.warn else Line(_FAILS, _both(rule.fails.text))
        )
    lines += [_measured(fact, rules.names) for fact in finding.evidence]
    lines += [Line(_LIMIT, _limit(limit, finding.evidence_label)) for limit in finding.limits]
    lines.append(Line(_SOURCE, _sourced(finding.source, finding.evidence_label)))
    lines.append(Line(_POINTS, _both(f"-{finding.deduct:g} ({finding.group})")))
    if finding.codes:
        lines.append(Line(_CODES, _both(", ".join(finding.codes))))
    return tuple(lines)


def explain_not_assessed(item: NotAssessed, names: Mapping[str, Entry]) -> tuple[Line, ...]:
    """Each fact that was missing, and why."""
    return tuple(Line(_MISSING, why_missing(fact, names)) for fact in item.missing)


def why_missing(fact: NotMeasured, names: Mapping[str, Entry]) -> Bilingual:
    """One missing fact: its meaning and the reason."""
    reason = REASONS[fact.reason]
    entry = names.get(fact.name)
    detail = f" ({fact.detail})" if fact.detail else ""
    return Bilingual(
        f"{entry.zh if entry else fact.name}: {reason.zh}{detail}",
        f"{entry.en if entry else fact.name}: {reason.en}{detail}",
    )


def explain_rule(rules: RuleSet, rule: Rule) -> tuple[Line, ...]:
    """A rule as written, with what later layers change in it and for whom."""
    pack = next(pack for pack in rules.packs if rule in pack.rules)
    spec = rule.spec
    severity = SEVERITIES[spec.severity]
    layer = LAYERS[rule.layer]
    lines = [
        Line(
            _RULE,
            Bilingual(
                f"{spec.id}  {spec.text.zh.title} ({severity.zh})",
                f"{spec.id}  {spec.text.en.title} ({severity.en})",
            ),
        ),
        Line(
            _SOURCE,
            Bilingual(
                f"{rule.layer} {layer.zh}, {rule.pack} {pack.version}",
                f"{rule.layer} {layer.en}, {rule.pack} {pack.version}",
            ),
        ),
        Line(_SOURCE, _sourced(spec.source, spec.evidence)),
        Line(_SCOPE, _scope(pack.scope)),
    ]
    conditions = (
        (_WHEN, rule.pack_when),
        (_WHEN, rule.when),
        (_WARNS, rule.warn),
        (_FAILS, rule.fails),
        (_VETOES, rule.veto_when),
    )
    lines += [
        Line(label, _both(" ".join(part.text.split())))
        for label, part in conditions
        if part and part.text != "true"
    ]
    lines += [Line(_LIMIT, _open_limit(rule, limit)) for limit in rule.limits]
    lines.append(Line(_POINTS, _both(f"-{spec.deduct.warn:g} / -{spec.deduct.fail:g} ({spec.group})")))
    lines.append(Line(_ADVICE, Bilingual(spec.text.zh.advice, spec.text.en.advice)))
    for other in rules.packs:
        for change in other.overrides:
            if change.rule == spec.id:
                after = effective(rule, [(other, change)])
                said = ", ".join(
                    f"{limit.name} = {_plain(limit)}" for limit in after.limits if limit.pack == other.name
                )
                switched = "" if after.enabled else " off"
                text = f"{other.layer} {other.name}: {after.severity}{switched} {said}".rstrip()
                scope = _scope(other.scope)
                lines.append(Line(_CHANGED, Bilingual(f"{text} ({scope.zh})", f"{text} ({scope.en})")))
    return tuple(lines)


def _both(text: str) -> Bilingual:
    return Bilingual(text, text)


def _measured(fact: Measurement, names: Mapping[str, Entry]) -> Line:
    entry = names.get(fact.name)
    meaning = Bilingual(entry.zh, entry.en) if entry else _both("")
    sure = "" if fact.confidence >= 1 else f" ~{fact.confidence:.0%}"
    return Line(
        _MEASURED,
        Bilingual(
            f"{fact.name} = {shown(fact.value, fact.unit, 'zh')}{sure}  {meaning.zh} [{fact.producer}]",
            f"{fact.name} = {shown(fact.value, fact.unit, 'en')}{sure}  {meaning.en} [{fact.producer}]",
        ),
    )


def _plain(limit: Limit) -> str:
    return shown(limit.value, "", "en")


def _limit(limit: Limit, label: str) -> Bilingual:
    origin = f"{limit.name} = {_plain(limit)}  [{limit.layer}, {limit.pack}]"
    return Bilingual(f"{origin} {EVIDENCE[label].zh}", f"{origin} {EVIDENCE[label].en}")


def _open_limit(rule: Rule, limit: Limit) -> Bilingual:
    given = rule.spec.limit[limit.name]
    text = _limit(limit, rule.spec.evidence)
    if isinstance(given, Bounded):
        return Bilingual(
            f"{text.zh}；后续层可在 {given.span} 内修改", f"{text.en}; later layers may set it in {given.span}"
        )
    if rule.can_veto:
        return Bilingual(f"{text.zh}；后续层不可修改", f"{text.en}; closed to later layers")
    return text


def _sourced(source: str, label: str) -> Bilingual:
    return Bilingual(f"{source} ({EVIDENCE[label].zh})", f"{source} ({EVIDENCE[label].en})")


def _scope(scope: Scope) -> Bilingual:
    named: Sequence[tuple[str, tuple[str, ...]]] = (
        ("modality", scope.modality),
        ("kind", scope.kind),
        ("body", scope.body),
        ("view", scope.view),
        ("protocol", scope.protocol),
        ("device", scope.device_key),
        ("person", scope.person_key),
    )
    parts = [f"{name} {'/'.join(values)}" for name, values in named if values]
    if scope.age_years:
        parts.append(f"age {scope.age_years.min:g} to {scope.age_years.max:g}")
    return _both(", ".join(parts)) if parts else Bilingual("全部图像", "every image")
