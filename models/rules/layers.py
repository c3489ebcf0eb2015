"""Layers: a later one refines an earlier one, and never takes away what a higher authority forbids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from capture.errors import Misuse
from capture.text import Bilingual
from models.measurement import Value
from models.rules.problem import misuse
from models.rules.rule import Rule, type_of
from models.rules.schema import Ages, Bounded, Deduct, OverrideSpec, Scope, Texts
from models.rules.verdict import Limit, Severity

if TYPE_CHECKING:
    from models.rules.pack import RulePack

PERSONAL = "L6"


@dataclass(frozen=True, slots=True)
class Effective:
    """A rule as it stands for one image, after the overrides that apply to it."""

    rule: Rule
    severity: Severity
    deduct: Deduct
    limits: tuple[Limit, ...]
    text: Texts
    enabled: bool = True

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.text.zh.title, self.text.en.title)

    @property
    def advice(self) -> Bilingual:
        return Bilingual(self.text.zh.advice, self.text.en.advice)


LEVEL = "set.level"
"""Of a set; an image does not say that it is one."""
_FACT_OF = {
    "medium": "screen.medium",
    "modality": "dicom.Modality",
    "kind": "exam.kind",
    "body": "body.part",
    "view": "view.projection",
    "protocol": "dicom.ProtocolName",
    "device_key": "case.device_key",
    "person_key": "case.person_key",
    "age_years": "person.age_years",
}
"""The fact that each part of a scope speaks of."""


def scope_facts(scope: Scope) -> frozenset[str]:
    """The facts that decide whether a scope covers an image."""
    return frozenset(fact for part, fact in _FACT_OF.items() if getattr(scope, part))


def covers(scope: Scope, facts: Mapping[str, Value]) -> bool:
    """Whether a pack speaks of an image with these facts. A missing fact never matches a stated scope."""
    if facts.get(LEVEL, "image") not in scope.level:
        return False
    for part, fact in _FACT_OF.items():
        wanted, value = getattr(scope, part), facts.get(fact)
        if isinstance(wanted, Ages):
            if not (isinstance(value, int | float) and wanted.min <= value < wanted.max):
                return False
        elif wanted and value not in wanted:
            return False
    return True


def effective(rule: Rule, overriding: Iterable[tuple[RulePack, OverrideSpec]]) -> Effective:
    """The rule after these overrides, earliest layer first."""
    spec = rule.spec
    current = Effective(rule, spec.severity, spec.deduct, rule.limits, spec.text, spec.enabled)
    for pack, change in overriding:
        limits = tuple(
            Limit(limit.name, change.limit[limit.name], pack.layer, pack.name)
            if limit.name in change.limit
            else limit
            for limit in current.limits
        )
        current = replace(
            current,
            severity=change.severity or current.severity,
            deduct=change.deduct or current.deduct,
            limits=limits,
            text=change.text or current.text,
            enabled=current.enabled if change.enabled is None else change.enabled,
        )
    return current


def check_authority(packs: Sequence[RulePack]) -> None:
    """Refuse what a layer may not do. ``packs`` are sorted by layer.

    Scopes are not considered: an override that would weaken a veto for one image only is refused too.

    Raises:
        capture.errors.Misuse: an override of an unknown rule or limit, from an earlier or the same layer, out of
            bounds, weakening a veto of a higher layer, or a personal pack that touches the score.
    """
    rules = {rule.spec.id: rule for pack in packs for rule in pack.rules}
    vetoes = {name: rule.layer for name, rule in rules.items() if rule.can_veto}
    for pack in packs:
        if pack.layer == PERSONAL:
            _check_personal(pack)
        for rule in pack.rules:
            _check_stand_in(pack, rule, rules)
        for change in pack.overrides:
            _check_override(pack, change, rules.get(change.rule), vetoes.get(change.rule))
            if change.severity is Severity.VETO:
                vetoes.setdefault(change.rule, pack.layer)


def _check_personal(pack: RulePack) -> None:
    for rule in pack.rules:
        if rule.can_veto or rule.spec.severity is not Severity.INFO:
            raise _refused(pack, rule.spec.id, "personal", "个人层只能提示", "a personal rule may only inform")
    for change in pack.overrides:
        if change.model_fields_set - {"rule", "text"}:
            raise _refused(pack, change.rule, "personal", "个人层只能改文字", "a personal pack changes texts only")


def _check_stand_in(pack: RulePack, rule: Rule, rules: Mapping[str, Rule]) -> None:
    for name in rule.spec.instead_of:
        other = rules.get(name)
        if other is None:
            zh, en = f"没有可替代的规则 {name}", f"there is no rule {name} to stand in for"
            raise _refused(pack, rule.spec.id, "unknown_rule", zh, en)
        if other.can_veto and other.layer < rule.layer:
            zh, en = f"不能替代 {other.layer} 层的否决项 {name}", f"{name} is a veto of layer {other.layer}"
            raise _refused(pack, rule.spec.id, "veto", zh, en)


def _check_override(pack: RulePack, change: OverrideSpec, rule: Rule | None, veto: str | None) -> None:
    if rule is None:
        raise _refused(pack, change.rule, "unknown_rule", "没有这条规则", "there is no such rule")
    if pack.layer <= rule.layer:
        zh, en = f"只有 {rule.layer} 之后的层可以修改", f"only a layer after {rule.layer} may change it"
        raise _refused(pack, change.rule, "order", zh, en)
    for name, value in change.limit.items():
        _check_limit(pack, rule, name, value, veto)
    weaker = change.enabled is False or change.severity not in (None, Severity.VETO) or change.deduct is not None
    if veto and weaker:
        zh, en = f"{veto} 层的否决项不能停用或减轻", f"a veto of layer {veto} cannot be switched off or weakened"
        raise _refused(pack, change.rule, "veto", zh, en)


def _check_limit(pack: RulePack, rule: Rule, name: str, value: Value, veto: str | None) -> None:
    given = rule.spec.limit.get(name)
    if given is None:
        raise _refused(pack, rule.spec.id, "unknown_limit", f"没有限值 {name}", f"it has no limit {name}")
    first = given.value if isinstance(given, Bounded) else given
    if type_of(value) != type_of(first):
        zh, en = f"限值 {name} 的类型不符", f"limit {name} has another type"
        raise _refused(pack, rule.spec.id, "type", zh, en)
    if isinstance(given, Bounded) and isinstance(value, float) and not given.admits(value):
        zh, en = f"限值 {name} 须在 {given.span} 之内", f"limit {name} must be in {given.span}"
        raise _refused(pack, rule.spec.id, "bounds", zh, en)
    if veto and not isinstance(given, Bounded):
        zh, en = f"否决项的限值 {name} 未开放修改", f"limit {name} of a veto is not open to change"
        raise _refused(pack, rule.spec.id, "veto", zh, en)


def _refused(pack: RulePack, rule: str, code: str, zh: str, en: str) -> Misuse:
    return misuse(
        f"pack.override.{code}",
        f"{pack.name} ({pack.layer}): {rule}: ",
        Bilingual(zh, en),
        Bilingual(
            "见手册“规则”一页的分层说明；`qcbox rules explain 规则` 显示可改的限值",
            "see layers in the handbook's page on rules; `qcbox rules explain RULE` shows what may change",
        ),
    )
