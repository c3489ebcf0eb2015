"""Edits of a pack's text that touch only what changed: comments, order and the author's spacing stay."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from capture.errors import Misuse
from cloud_sync.central.authoring.forms import (
    EXPRESSIONS,
    LimitForm,
    RuleForm,
    limit_of,
    points_of,
    read_rule,
    refused,
)
from models.rules import toml
from models.rules.rule import Outcome
from models.rules.selftest import OUTCOMES

_DEFAULTS: Mapping[str, object] = {"enabled": True, "when": "true", "warn": "", "veto_when": ""}
"""What a key means that is not there."""
_LARGEST = 200_000
"""Characters that forms change: the reader that keeps comments takes 10 to 40 kB a second. The largest that ships
has 33,000."""


def write_rule(text: str, rule: str, form: RuleForm) -> str:
    """rules.toml with this rule as the form has it.

    Raises:
        Misuse: the text cannot be read, or a number is none.
    """
    document = parsed(text)
    table = _rule(document, rule)
    simple: dict[str, object] = {
        "id": form.id, "enabled": form.enabled, "when": form.when, "warn": form.warn, "fails": form.fails,
        "veto_when": form.veto_when, "severity": form.severity, "group": form.group, "source": form.source,
        "evidence": form.evidence,
    }  # fmt: skip
    for key, value in simple.items():
        _set(table, key, value, literal=key in EXPRESSIONS)
    _set_deduct(table, form)
    _set_limits(table, form.limits)
    said = _part(table, "text")
    for language, title, advice in (("zh", form.title_zh, form.advice_zh), ("en", form.title_en, form.advice_en)):
        words = _part(said, language)
        _set(words, "title", title)
        _set(words, "advice", advice)
    return tomlkit.dumps(document)


def add_rule(text: str, rule: str) -> str:
    """rules.toml with a new rule at its end, to be filled in.

    Raises:
        Misuse: there is one of this id already, or the text cannot be read.
    """
    if read_rule(text, rule) is not None:
        raise refused(f"已有规则 {rule}", f"There is a rule {rule} already", "换一个编号", "Choose another id")
    table = tomlkit.table()
    for key, value in (("id", rule), ("fails", "false"), ("severity", "minor"), ("group", "position")):
        table.add(key, tomlkit.string(value, literal=key == "fails"))
    block = tomlkit.dumps(table) + 'source = "?"\nevidence = "E"\n'
    for language, word in (("zh", "新规则"), ("en", "New rule")):
        block += f'[rule.text.{language}]\ntitle = "{word}"\nadvice = "{word}"\n'
    return parsed(f"{text.rstrip()}\n\n[[rule]]\n{block}".lstrip()).as_string()


def remove_rule(text: str, rule: str) -> str:
    """rules.toml without a rule.

    Raises:
        Misuse: there is no such rule, or the text cannot be read.
    """
    document = parsed(text)
    _rule(document, rule)
    rules = document["rule"]
    assert isinstance(rules, AoT)  # noqa: S101  # _rule found it there
    del rules[next(index for index, one in enumerate(rules) if one.get("id") == rule)]
    return tomlkit.dumps(document)


def write_cases(text: str, rule: str, lines: Mapping[Outcome, Sequence[str]]) -> str:
    """cases.toml with these cases of a rule; each line is an inline table, ``{ dicom.KVP = 60.0 }``.

    Raises:
        Misuse: a line is no inline table, or the text cannot be read.
    """
    document = parsed(text)
    cases = _part(document, "case")
    written = _part(cases, rule)
    for outcome in OUTCOMES:
        wanted = [_case(line) for line in lines.get(outcome, ())]
        if wanted == _plain(written.get(outcome, [])):
            continue
        if wanted:
            written[outcome] = _array([line.strip() for line in lines[outcome]])
        else:
            written.remove(outcome)
    return tomlkit.dumps(document)


def remove_cases(text: str, rule: str) -> str:
    """cases.toml without the cases of a rule."""
    document = parsed(text)
    cases = _part(document, "case")
    if rule in cases:
        cases.remove(rule)
    return tomlkit.dumps(document)


def case_lines(text: str, rule: str) -> dict[Outcome, list[str]]:
    """The cases of a rule by outcome as the form shows them, one inline table each."""
    try:
        document = parsed(text)
    except Misuse:
        return {}
    written = document.get("case", {}).get(rule, {})
    return {
        outcome: [" ".join(one.as_string().split()) for one in written[outcome]]
        for outcome in OUTCOMES
        if outcome in written
    }


def set_version(text: str, version: int) -> str:
    """pack.toml with another version."""
    document = parsed(text)
    document["version"] = version
    return tomlkit.dumps(document)


def parsed(text: str) -> tomlkit.TOMLDocument:
    """A file of a pack, with its comments and spacing. Raises Misuse: it is no TOML, or too large."""
    if len(text) > _LARGEST:
        raise refused(
            "这个文件太大，不能用表单修改",
            "This file is too large for forms",
            "在 TOML 页中修改",
            "Edit it as TOML text",
        )
    try:
        toml.loads(text)  # what this refuses would keep the other reader busy for hours
        return tomlkit.parse(text)
    except (tomllib.TOMLDecodeError, TOMLKitError) as error:
        raise refused(
            "文本不是有效的 TOML",
            "The text is not valid TOML",
            f"先在 TOML 页改正：{error}",
            f"Mend it first: {error}",
        ) from None


def _rule(document: tomlkit.TOMLDocument, rule: str) -> Table:
    rules = document.get("rule")
    found = [one for one in rules if one.get("id") == rule] if isinstance(rules, AoT) else []
    if not found or not isinstance(found[0], Table):
        raise refused(f"没有规则 {rule}", f"There is no rule {rule}", "它可能已被删除", "It may have been removed")
    return found[0]


def _part(table: Any, key: str) -> Any:
    """A table inside a table, made where it is not there."""
    if not isinstance(table.get(key), Mapping):
        table[key] = tomlkit.table(is_super_table=key in ("text", "case"))
    return table[key]


def _set(table: Any, key: str, value: object, *, literal: bool = False) -> None:
    """Write only what differs; a key with what its absence means is left out."""
    default = _DEFAULTS.get(key)
    value = value.replace("\r\n", "\n").strip() if isinstance(value, str) else value
    old = _plain(table.get(key, default))
    if value == (old.strip() if isinstance(old, str) else old):
        return
    if value == default:
        table.remove(key)
    else:
        table[key] = _text(value, literal=literal) if isinstance(value, str) else value


def _text(value: str, *, literal: bool) -> tomlkit.items.String:
    """Conditions between single quotes, as our packs have them, where they can be."""
    many = "\n" in value
    return tomlkit.string(value, literal=literal and "'" not in value, multiline=many)


def _set_deduct(table: Table, form: RuleForm) -> None:
    wanted = {"warn": points_of(form.deduct_warn), "fail": points_of(form.deduct_fail)}
    old = _plain(table.get("deduct", {}))
    if {"warn": old.get("warn", 0), "fail": old.get("fail", 0)} == wanted:
        return
    if "deduct" in table and not any(wanted.values()):
        table.remove("deduct")
        return
    inline = tomlkit.inline_table()
    inline.update({key: value for key, value in wanted.items() if value})
    table["deduct"] = spaced(inline)


def _set_limits(table: Table, limits: Sequence[LimitForm]) -> None:
    wanted = {limit.name.strip(): limit_of(limit) for limit in limits if limit.name.strip()}
    if wanted == _plain(table.get("limit", {})):
        return
    written = _part(table, "limit")
    for name in [name for name in written if name not in wanted]:
        written.remove(name)
    for name, value in wanted.items():
        if name in written and _plain(written[name]) == value:
            continue
        if isinstance(value, dict):
            inline = tomlkit.inline_table()
            inline.update(value)
            written[name] = spaced(inline)
        else:
            written[name] = value
    if not wanted:
        table.remove("limit")


def spaced(inline: tomlkit.items.InlineTable) -> tomlkit.items.Item:
    """With the spaces inside its braces that our packs have."""
    text = inline.as_string()
    return tomlkit.value(f"{{ {text[1:-1].strip()} }}")


def _case(line: str) -> object:
    try:
        found = toml.loads(f"x = {line.strip()}\n")
    except tomllib.TOMLDecodeError:
        found = {}
    if set(found) != {"x"} or not isinstance(found["x"], dict):
        raise refused(
            f"用例“{line[:60]}”写法有误", f"The case '{line[:60]}' is not well-formed",
            "每行一个，形如 { dicom.KVP = 60.0 }", "One a line, such as { dicom.KVP = 60.0 }",
        )  # fmt: skip
    return found["x"]


def _array(lines: Sequence[str]) -> tomlkit.items.Item:
    body = lines[0] if len(lines) == 1 else "\n" + "".join(f"    {line},\n" for line in lines)
    return tomlkit.value(f"[{body}]")


def _plain(value: Any) -> Any:
    return value.unwrap() if hasattr(value, "unwrap") else value
