"""Rule expressions: the only file that knows CEL, the language of ``when``, ``warn``, ``fails`` and ``veto_when``.

CEL (https://cel.dev) is typed, has no side effects, and its regular expressions run in linear time, so a pack from
outside cannot read the box. Compiling evaluates nothing. How often lists are gone through is bounded; how long
``map`` makes a text is not: there the limits hold of the processes in which packs judge or are tried.
``missing && false`` is false and ``missing || true`` is true; anything else that needs a missing fact is
undecided.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from cel_expr_python import cel

from capture.text import Bilingual
from models.catalogue import Type
from models.measurement import Value

_TYPES: dict[Type, cel.Type] = {
    "bool": cel.Type.BOOL,
    "number": cel.Type.DOUBLE,
    "text": cel.Type.STRING,
    "texts": cel.Type.List(cel.Type.STRING),
}
_TOKEN = re.compile(
    r'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|//[^\n]*'
    r"|(?P<chain>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)"
)
_COMPLAINT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNKNOWN = re.compile(r"undeclared reference to '([^']*)'")
_OVERLOAD = re.compile(r"no matching overload for '_?([^']*?)_?' applied to '\(([^)]*)\)'")


class ExpressionError(ValueError):
    """The expression does not compile. ``line`` and ``column`` count from 1."""

    def __init__(self, line: int, column: int, text: Bilingual, hint: Bilingual) -> None:
        super().__init__(f"{line}:{column}: {text.en}")
        self.line = line
        self.column = column
        self.text = text
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition over facts and limits."""

    text: str
    names: frozenset[str]
    """Every fact and limit it refers to."""
    _types: frozenset[tuple[str, Type]]
    """The type of each."""
    _compiled: cel.Expression

    def __reduce__(self) -> tuple[object, ...]:
        """Compiled again where it arrives: what the engine made of it stays in its process."""
        return compile_condition, (self.text, dict(self._types))

    def decide(self, values: Mapping[str, Value]) -> bool | None:
        """True, False, or None when a missing value (or an error inside) leaves it undecided.

        ``values`` may hold more than the expression needs; a value of the wrong type counts as missing.
        """
        given = {name: _plain(values[name]) for name in self.names if name in values}
        try:
            outcome = self._compiled.eval(data=given)
        except RuntimeError:  # it goes through lists more often than the engine lets it
            return None
        return bool(outcome.value()) if outcome.type() == cel.Type.BOOL else None


def compile_condition(text: str, types: Mapping[str, Type]) -> Expression:
    """Compile a condition; every name in it must be in ``types`` and used as its type.

    Raises:
        ExpressionError: syntax, an unknown name, a wrong type, or an outcome that is not true or false.
    """
    names = frozenset(_referenced(text, types))
    # Declaring only what was found makes the engine itself prove that nothing was overlooked.
    declared = frozenset((name, types[name]) for name in names)
    environment = _environment(declared)
    try:
        compiled = environment.compile(text)
    except RuntimeError as error:
        raise _explained(str(error), types) from None
    if compiled.return_type() != cel.Type.BOOL:
        raise ExpressionError(
            1,
            1,
            Bilingual("表达式的结果不是真或假", "the outcome is not true or false"),
            Bilingual("写成比较，例如 x.y > limit.z", "write a comparison, such as x.y > limit.z"),
        )
    return Expression(text, names, declared, compiled)


@lru_cache(maxsize=512)
def _environment(variables: frozenset[tuple[str, Type]]) -> cel.Env:
    """Environments are costly to make (0.2 ms), and rules of one pack share them."""
    return cel.NewEnv(variables={name: _TYPES[kind] for name, kind in variables})


def _plain(value: Value) -> bool | float | str | list[str]:
    return list(value) if isinstance(value, tuple) else value


def _referenced(text: str, types: Mapping[str, Type]) -> set[str]:
    found: set[str] = set()
    for token in _TOKEN.finditer(text):
        parts = re.split(r"\s*\.\s*", token["chain"] or "")
        while parts and ".".join(parts) not in types:
            parts.pop()
        if parts:
            found.add(".".join(parts))
    return found


def _explained(message: str, types: Mapping[str, Type]) -> ExpressionError:
    """The engine's complaint in both languages, with the likeliest remedy."""
    where = _COMPLAINT.search(message)
    line, column, complaint = (int(where[1]), int(where[2]), where[3]) if where else (1, 1, message)
    unknown = _UNKNOWN.search(complaint)
    overload = _OVERLOAD.search(complaint)
    if unknown:
        text = Bilingual(f"没有名为 {unknown[1]} 的量", f"there is no name {unknown[1]}")
        near = difflib.get_close_matches(unknown[1], types, n=3)
        hint = Bilingual(
            "相近的名称：" + "、".join(near) if near else "名称须在量值目录中，或是本规则的 limit",
            "near names: " + ", ".join(near) if near else "a name is in the catalogue or a limit of this rule",
        )
    elif overload:
        text = Bilingual(
            f"类型不符：{overload[1]} 不能用于 ({overload[2]})", f"wrong types: {overload[1]} on ({overload[2]})"
        )
        hint = Bilingual(
            "数字要带小数点(3.0)，文本要加引号", "numbers are written with a point (3.0), texts in quotes"
        )
    else:
        text = Bilingual(f"表达式有误：{complaint}", f"not a valid expression: {complaint}")
        hint = Bilingual("见手册“规则”一页的写法", "see the page on rules in the handbook")
    return ExpressionError(line, column, text, hint)
