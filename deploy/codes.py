"""The handbook's list of error codes and log events, read from the source so that none is left out."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cloud_sync.kit.vocabulary import EVENTS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("capture", "models", "edge", "cloud_sync")
FAMILIES = {"Retry", "SetAside", "Misuse", "Bug"}
REFUSED = "Refused"
"""Not an error: an answer with its reason, made once for a module (capture.redaction)."""
HEADINGS = {
    "en": ("Error codes", "Code", "Kind", "What it says", "Log events", "Event", "Meaning"),
    "zh": ("错误代码", "代码", "类别", "含义", "日志事件", "事件", "含义（英文）"),
}
KINDS = {
    "en": {
        "Retry": "tried again",
        "SetAside": "set aside for a person",
        "Misuse": "to be mended by who wrote it",
        "Bug": "ours",
        REFUSED: "kept here",
    },
    "zh": {
        "Retry": "自动重试",
        "SetAside": "搁置待人工处理",
        "Misuse": "由填写者更正",
        "Bug": "程序错误",
        REFUSED: "留在本机",
    },
}


@dataclass(frozen=True, slots=True)
class Code:
    """One error code as the source raises it."""

    code: str
    family: str
    zh: str
    en: str


@cache
def codes() -> tuple[Code, ...]:
    """Every code, sorted; the first place that gives a text wins."""
    found: dict[str, Code] = {}
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            for code in _in_module(ast.parse(file.read_text(encoding="utf-8"))):
                if code.code not in found or (code.en and not found[code.code].en):
                    found[code.code] = code
    return tuple(found[name] for name in sorted(found))


def _in_module(tree: ast.Module) -> Iterator[Code]:
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    helpers = {function.name: function for function in functions}
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES:
                name = node.args[0] if node.args else None
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    text = _bilingual(node.args[1], function, helpers) if len(node.args) > 1 else None
                    zh, en = text.args if text else (None, None)
                    yield Code(name.value, node.func.id, _literal(zh), _literal(en))
    yield from _by_helpers(functions)
    yield from _answers(tree)


def _by_helpers(functions: Sequence[Function]) -> Iterator[Code]:
    """Of functions that make the error for their module: the code and both texts are what they are called with."""
    makers = {function.name: (function, family) for function in functions if (family := _makes(function))}
    for node in (node for function in functions for node in ast.walk(function)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
            function, family = makers[node.func.id]
            names = [one.arg for one in function.args.args]
            given = dict(zip(names, node.args, strict=False)) | {
                one.arg: one.value for one in node.keywords if one.arg
            }
            code = given.get("code")
            if isinstance(code, ast.Constant) and isinstance(code.value, str) and "." in code.value:
                yield Code(code.value, family, _literal(given.get("zh")), _literal(given.get("en")))


def _makes(function: Function) -> str | None:
    """The family of the error that a function makes of its parameter ``code``."""
    for node in ast.walk(function):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in FAMILIES
            and node.args
        ):
            name = node.args[0]
            if isinstance(name, ast.Name) and name.id == "code":
                return node.func.id
    return None


def _answers(tree: ast.Module) -> Iterator[Code]:
    for node in (
        node for statement in tree.body if isinstance(statement, ast.Assign) for node in ast.walk(statement)
    ):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == REFUSED and len(node.args) > 1:
            name, said = node.args[:2]
            if isinstance(name, ast.Constant) and isinstance(said, ast.Call):
                yield Code(str(name.value), REFUSED, _literal(said.args[0]), _literal(said.args[1]))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def _bilingual(given: ast.expr, function: Function, helpers: dict[str, Function]) -> ast.Call | None:
    """The Bilingual(zh, en) call behind an argument: itself, a local name, or what a function here returns."""
    if isinstance(given, ast.Name):
        assigned = [
            node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and node.lineno <= given.lineno
            and ast.unparse(node.targets[0]) == given.id
        ]
        return _bilingual(assigned[-1], function, helpers) if assigned else None
    if isinstance(given, ast.Call) and isinstance(given.func, ast.Name):
        if given.func.id == "Bilingual" and len(given.args) == 2:
            return given
        for node in ast.walk(helpers.get(given.func.id, function)):
            if isinstance(node, ast.Return) and node.value is not None and given.func.id in helpers:
                return _bilingual(node.value, helpers[given.func.id], {})
    return None


def _literal(node: ast.expr | None) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join("…" if isinstance(part, ast.FormattedValue) else _literal(part) for part in node.values)
    return ""


def page(language: str) -> str:
    """The whole page ``codes.md`` in one language."""
    title, code_head, kind, says, events, event, meaning = HEADINGS[language]
    lines = [f"# {title}", "", f"| {code_head} | {kind} | {says} |", "| --- | --- | --- |"]
    lines += [
        f"| `{code.code}` | {KINDS[language][code.family]} | {code.zh if language == 'zh' else code.en} |"
        for code in codes()
    ]
    lines += ["", f"# {events}", "", f"| {event} | {meaning} |", "| --- | --- |"]
    lines += [f"| `{name}` | {text} |" for name, text in sorted(EVENTS.items())]
    return "\n".join([*lines, ""])
