"""A rule as a form has it: texts, for people to type; and what those texts mean."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit

from capture.errors import Misuse
from capture.text import Bilingual
from models.catalogue import Type
from models.rules import toml
from models.rules.rule import type_of

EXPRESSIONS = ("when", "warn", "fails", "veto_when")


@dataclass(frozen=True, slots=True)
class LimitForm:
    """One limit as the form has it: texts. ``least`` and ``most`` empty: closed to later layers."""

    name: str
    value: str
    least: str = ""
    most: str = ""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One rule as the form has it. What the form does not show stays as the text has it."""

    id: str
    enabled: bool
    severity: str
    group: str
    deduct_warn: str
    deduct_fail: str
    source: str
    evidence: str
    title_zh: str
    advice_zh: str
    title_en: str
    advice_en: str
    when: str
    warn: str
    fails: str
    veto_when: str
    limits: tuple[LimitForm, ...]


def read_rule(text: str, rule: str) -> RuleForm | None:
    """A rule of rules.toml as the form shows it; None: there is none, or the text cannot be read."""
    try:
        rows = toml.loads(text).get("rule", [])
    except tomllib.TOMLDecodeError:
        return None
    row = next((one for one in rows if isinstance(one, dict) and one.get("id") == rule), None)
    if row is None:
        return None
    zh, en = (_sub(_sub(row, "text"), language) for language in ("zh", "en"))
    deduct = _sub(row, "deduct")
    said = {
        key: str(row.get(key, "")).strip() for key in ("severity", "group", "source", "evidence", *EXPRESSIONS)
    }
    return RuleForm(
        id=rule, enabled=row.get("enabled") is not False,
        deduct_warn=shown(deduct.get("warn", 0)), deduct_fail=shown(deduct.get("fail", 0)),
        title_zh=str(zh.get("title", "")), advice_zh=str(zh.get("advice", "")),
        title_en=str(en.get("title", "")), advice_en=str(en.get("advice", "")),
        limits=tuple(_limit_form(name, given) for name, given in _sub(row, "limit").items()),
        **{**said, "when": said["when"] or "true"},
    )  # fmt: skip


def type_of_limit(text: str) -> Type:
    """The type that a limit has with this value."""
    value = _value(text)
    return type_of(tuple(value) if isinstance(value, list) else value)  # type: ignore[arg-type]  # a TOML value


def limit_of(form: LimitForm) -> object:
    """A limit as TOML has it. Raises Misuse: a bound is no number."""
    value = _value(form.value)
    if not form.least.strip() and not form.most.strip():
        return value
    return {"value": value, "min": _number(form.least), "max": _number(form.most)}


def _value(text: str) -> object:
    """A number, true or false, a list in brackets; anything else is a text."""
    try:
        found = toml.loads(f"x = {text.strip()}\n")
    except tomllib.TOMLDecodeError:
        return text.strip()
    value = found.get("x")
    return float(value) if type(value) is int else value if len(found) == 1 else text.strip()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise refused(
            f"“{text[:20]}”不是数",
            f"'{text[:20]}' is not a number",
            "限值的下限与上限都要填",
            "Give both bounds of a limit",
        ) from None


def points_of(text: str) -> float | int:
    """Points to take off. Raises Misuse: it is no number."""
    points = _number(text or "0")
    return int(points) if points.is_integer() else points


def _sub(row: Mapping[str, object], key: str) -> dict[str, Any]:
    found = row.get(key)
    return dict(found) if isinstance(found, dict) else {}


def _limit_form(name: str, given: Any) -> LimitForm:
    if isinstance(given, dict):
        return LimitForm(
            name, shown(given.get("value", "")), shown(given.get("min", "")), shown(given.get("max", ""))
        )
    return LimitForm(name, shown(given))


def shown(value: object) -> str:
    """A value of TOML as a form shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, list):
        return tomlkit.item(value).as_string()
    return str(value)


def refused(zh: str, en: str, hint_zh: str, hint_en: str) -> Misuse:
    """What somebody typed and cannot be written down."""
    return Misuse("draft.edit", Bilingual(zh, en), Bilingual(hint_zh, hint_en))
