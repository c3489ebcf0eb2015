"""What changed from one version of a pack to another, rule by rule, in words: for authors, approvers and boxes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from capture.text import Bilingual
from models.rules.schema import Bounded, OverrideSpec, PackFile, RuleSpec, Setting
from models.rules.words import EVIDENCE, GROUPS, LAYERS, SEVERITIES

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: what it is, what it was, what it is now. An empty text: it was or is not there."""

    what: Bilingual
    before: Bilingual
    after: Bilingual


@dataclass(frozen=True, slots=True)
class RuleChange:
    """Everything that changed in one rule. A rule that was added or removed lists what it says or said."""

    rule: str
    title: Bilingual
    kind: Kind
    changes: tuple[Change, ...]


def rule_changes(before: Iterable[RuleSpec], after: Iterable[RuleSpec]) -> tuple[RuleChange, ...]:
    """What is new, gone or other, in the order of the new version; what is gone comes last.

    Other line breaks or comments are no change.
    """
    old = {spec.id: spec for spec in before}
    new = {spec.id: spec for spec in after}
    found = [_rule(old.get(name), spec) for name, spec in new.items() if old.get(name) != spec]
    gone = (_rule(spec, None) for name, spec in old.items() if name not in new)
    return tuple(change for change in (*found, *gone) if change.changes)


def override_changes(before: Iterable[OverrideSpec], after: Iterable[OverrideSpec]) -> tuple[RuleChange, ...]:
    """The same of what a pack changes in rules of earlier layers; the last one for a rule is compared."""
    old = {change.rule: change for change in before}
    new = {change.rule: change for change in after}
    found = [_override(old.get(name), change) for name, change in new.items() if old.get(name) != change]
    return (*found, *(_override(change, None) for name, change in old.items() if name not in new))


def head_changes(before: PackFile, after: PackFile) -> tuple[Change, ...]:
    """What changed in ``pack.toml``, the version apart."""
    return tuple(_lines(_head(before), _head(after)))


_Said = dict[str, tuple[Bilingual, Bilingual]]
"""By key: the name of a thing and what it says."""


def _rule(before: RuleSpec | None, after: RuleSpec | None) -> RuleChange:
    spec = after or before
    assert spec is not None  # noqa: S101  # one of them is there
    kind: Kind = "changed" if before and after else "added" if after else "removed"
    said = (_spec(before) if before else {}, _spec(after) if after else {})
    title = Bilingual(spec.text.zh.title, spec.text.en.title)
    return RuleChange(spec.id, title, kind, tuple(_lines(*said)))


def _override(before: OverrideSpec | None, after: OverrideSpec | None) -> RuleChange:
    change = after or before
    assert change is not None  # noqa: S101  # one of them is there
    kind: Kind = "changed" if before and after else "added" if after else "removed"
    said = (_change(before) if before else {}, _change(after) if after else {})
    return RuleChange(
        change.rule, Bilingual("修改其他层的规则", "Changes a rule of another layer"), kind, tuple(_lines(*said))
    )


def _lines(before: _Said, after: _Said) -> Iterator[Change]:
    nothing = Bilingual("", "")
    for key in [*after, *(key for key in before if key not in after)]:
        name = (after.get(key) or before[key])[0]
        old, new = (said[key][1] if key in said else nothing for said in (before, after))
        if old != new:
            yield Change(name, old, new)


def _spec(spec: RuleSpec) -> _Said:
    severity, group, evidence = SEVERITIES[spec.severity], GROUPS[spec.group], EVIDENCE[spec.evidence]
    return {
        "enabled": (Bilingual("状态", "State"), _on(spec.enabled)),
        **_limits(spec.limit),
        "severity": (Bilingual("严重程度", "Severity"), severity),
        "warn_points": (Bilingual("警告扣分", "Points for a warning"), _both(f"{spec.deduct.warn:g}")),
        "fail_points": (Bilingual("不合格扣分", "Points for a failure"), _both(f"{spec.deduct.fail:g}")),
        "group": (Bilingual("项目组", "Group"), group),
        "when": (Bilingual("适用条件", "Applies when"), _expression(spec.when)),
        "warn": (Bilingual("警告条件", "Warns when"), _expression(spec.warn)),
        "fails": (Bilingual("不合格条件", "Fails when"), _expression(spec.fails)),
        "veto_when": (Bilingual("否决条件", "Vetoes when"), _expression(spec.veto_when)),
        **_texts(spec.text.zh.title, spec.text.en.title, spec.text.zh.advice, spec.text.en.advice),
        "source": (Bilingual("来源", "Source"), _both(spec.source)),
        "evidence": (Bilingual("依据", "Evidence"), evidence),
        "floor": (Bilingual("把握下限", "Confidence floor"), _both(f"{spec.confidence_floor:g}")),
        "layer": (Bilingual("层", "Layer"), LAYERS[spec.layer] if spec.layer else _both("")),
        "instead_of": (Bilingual("替代", "Stands in for"), _both(", ".join(spec.instead_of))),
        "codes": (Bilingual("DICOM 编码", "DICOM codes"), _both(", ".join(spec.codes))),
        "regions": (Bilingual("图上标记", "Marked on the picture"), _both(", ".join(spec.regions_from))),
    }


def _change(change: OverrideSpec) -> _Said:
    said: _Said = dict(_limits(change.limit))
    if change.enabled is not None:
        said["enabled"] = (Bilingual("状态", "State"), _on(change.enabled))
    if change.severity is not None:
        said["severity"] = (Bilingual("严重程度", "Severity"), SEVERITIES[change.severity])
    if change.deduct is not None:
        said["points"] = (Bilingual("扣分", "Points"), _both(f"{change.deduct.warn:g} / {change.deduct.fail:g}"))
    if change.text is not None:
        text = change.text
        said |= _texts(text.zh.title, text.en.title, text.zh.advice, text.en.advice)
    return said


def _head(head: PackFile) -> _Said:
    scope = "; ".join(
        f"{name}: {_plain(value)}" for name, value in head.scope.model_dump(exclude_defaults=True).items()
    )
    return {
        "title": (Bilingual("标题", "Title"), Bilingual(head.title.zh, head.title.en)),
        "note": (Bilingual("说明", "Note"), Bilingual(head.note.zh, head.note.en)),
        "layer": (Bilingual("层", "Layer"), LAYERS[head.layer]),
        "authors": (Bilingual("作者", "Authors"), _both(", ".join(head.authors))),
        "scope": (Bilingual("适用范围", "Scope"), _both(scope)),
        "when": (Bilingual("适用条件", "Applies when"), _expression(head.when)),
        "min_agent": (Bilingual("程序版本不低于", "Program at least"), _both(head.min_agent)),
    }


def _limits(limits: dict[str, Setting | Bounded] | dict[str, Setting]) -> _Said:
    return {
        f"limit.{name}": (Bilingual(f"限值 {name}", f"Limit {name}"), _limit(given))
        for name, given in limits.items()
    }


def _limit(given: Setting | Bounded) -> Bilingual:
    if isinstance(given, Bounded):
        value = _plain(given.value)
        return Bilingual(f"{value}（可在 {given.span} 内修改）", f"{value} (may be set in {given.span})")
    return _both(_plain(given))


def _texts(title_zh: str, title_en: str, advice_zh: str, advice_en: str) -> _Said:
    return {
        "title_zh": (Bilingual("标题（中文）", "Title (Chinese)"), _both(title_zh)),
        "title_en": (Bilingual("标题（英文）", "Title (English)"), _both(title_en)),
        "advice_zh": (Bilingual("提示（中文）", "Advice (Chinese)"), _both(advice_zh)),
        "advice_en": (Bilingual("提示（英文）", "Advice (English)"), _both(advice_en)),
    }


def _on(enabled: bool) -> Bilingual:
    return Bilingual("启用", "on") if enabled else Bilingual("停用", "off")


def _expression(text: str | None) -> Bilingual:
    """On one line: how an author breaks it is no change."""
    return _both("" if text in (None, "true") else " ".join((text or "").split()))


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    return str(value)


def _both(text: str) -> Bilingual:
    return Bilingual(text, text)
