"""What a pack changes in a rule of an earlier layer: as a form has it, and as ``[[override]]`` in rules.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit
from tomlkit.items import AoT, InlineTable, Table

from cloud_sync.central.authoring.editing import parsed, spaced
from cloud_sync.central.authoring.forms import LimitForm, limit_of, points_of, refused, shown
from models.rules import toml
from models.rules.pack import RulePack
from models.rules.rule import Outcome, Rule
from models.rules.schema import ABSENT, flat

_MOST_CASES = 2
"""Of each outcome that are taken over from the rule's own pack."""
_NEEDED: tuple[Outcome, ...] = ("passes", "fails", "vetoes")


@dataclass(frozen=True, slots=True)
class OverrideForm:
    """One override as the form has it: texts; an empty one leaves things as they are. ``enabled``: on or off."""

    rule: str
    enabled: str = ""
    severity: str = ""
    deduct_warn: str = ""
    deduct_fail: str = ""
    limits: tuple[LimitForm, ...] = ()

    @property
    def is_empty(self) -> bool:
        given = (self.enabled, self.severity, self.deduct_warn, self.deduct_fail)
        return not any(given) and not any(limit.value for limit in self.limits)


def changeable(packs: Iterable[RulePack], layer: str) -> dict[str, Rule]:
    """The rules that a pack of this layer may change, by id."""
    return {rule.spec.id: rule for pack in packs for rule in pack.rules if rule.layer < layer}


def read_override(text: str, rule: str) -> OverrideForm:
    """What rules.toml changes in a rule; empty where that is nothing, or the text cannot be read."""
    try:
        rows = toml.loads(text).get("override", [])
    except tomllib.TOMLDecodeError:
        rows = []
    row: dict[str, Any] = next((one for one in rows if isinstance(one, dict) and one.get("rule") == rule), {})
    deduct, enabled = row.get("deduct"), row.get("enabled")
    warn, fail = (shown(deduct.get(level, 0)) if deduct else "" for level in ("warn", "fail"))
    return OverrideForm(
        rule, "" if enabled is None else "on" if enabled else "off", str(row.get("severity", "")),
        warn, fail, tuple(LimitForm(name, shown(value)) for name, value in row.get("limit", {}).items()),
    )  # fmt: skip


def write_override(text: str, form: OverrideForm, base: Rule) -> str:
    """rules.toml with this override. ``base``: the rule as its own pack has it.

    Raises:
        Misuse: it changes nothing, a number is none, or the text cannot be read.
    """
    if form.is_empty:
        raise refused(
            "没有改动任何内容",
            "It changes nothing",
            "至少改一项，或移除这项修改",
            "Change something, or remove it",
        )
    document = parsed(text)
    table = _found(document, form.rule)
    if table is None:
        begun = f"[[override]]\nrule = {tomlkit.string(form.rule).as_string()}\n"
        document = parsed(f"{text.rstrip()}\n\n{begun}".lstrip())
        table = _found(document, form.rule)
    assert table is not None  # noqa: S101  # it was just written there
    _put(table, "enabled", {"on": True, "off": False}.get(form.enabled))
    _put(table, "severity", form.severity or None)
    _put(table, "deduct", _deduct(form, base))
    _put(table, "limit", {limit.name: limit_of(limit) for limit in form.limits if limit.value} or None)
    return tomlkit.dumps(document)


def remove_override(text: str, rule: str) -> str:
    """rules.toml without what it changes in a rule. Raises Misuse: the text cannot be read."""
    document = parsed(text)
    rows = document.get("override")
    if isinstance(rows, AoT):
        for index in reversed([index for index, one in enumerate(rows) if one.get("rule") == rule]):
            del rows[index]
    return tomlkit.dumps(document)


def own_cases(pack: RulePack, rule: str) -> dict[Outcome, list[str]]:
    """Cases of a rule as its own pack has them, whole, one inline table each: something to begin with."""
    spec = pack.cases.case.get(rule)
    if spec is None:
        return {}
    found: dict[Outcome, list[str]] = {}
    for outcome in _NEEDED:
        cases: Sequence[Any] = getattr(spec, outcome)[:_MOST_CASES]
        if cases:
            found[outcome] = [_line({**flat(pack.cases.base), **flat(spec.base), **flat(case)}) for case in cases]
    return found


def _line(facts: Mapping[str, object]) -> str:
    said = {name: value for name, value in facts.items() if value is not False or not name.startswith(ABSENT)}
    return "{ " + ", ".join(f"{name} = {tomlkit.item(value).as_string()}" for name, value in said.items()) + " }"


def _found(document: tomlkit.TOMLDocument, rule: str) -> Table | None:
    rows = document.get("override")
    found = [one for one in rows if one.get("rule") == rule] if isinstance(rows, AoT) else []
    return found[0] if found and isinstance(found[0], Table) else None


def _put(table: Table, key: str, value: object) -> None:
    if value is None:
        table.remove(key) if key in table else None
    elif isinstance(value, dict):
        table[key] = spaced(_inline(value))
    else:
        table[key] = value


def _inline(values: Mapping[str, object]) -> InlineTable:
    inline = tomlkit.inline_table()
    inline.update(values)
    return inline


def _deduct(form: OverrideForm, base: Rule) -> dict[str, float | int] | None:
    """Both points, since an override gives both; what is not typed stays as it is."""
    if not form.deduct_warn and not form.deduct_fail:
        return None
    was = base.spec.deduct
    warn, fail = form.deduct_warn or shown(was.warn), form.deduct_fail or shown(was.fail)
    return {"warn": points_of(warn), "fail": points_of(fail)}
