"""From what a QC lead fills in to a change of a rule. Only what differs from the standard is a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capture.errors import Misuse
from capture.text import Bilingual
from edge.overrides.shown import ShownLimit, ShownRule
from models.measurement import Value
from models.rules.schema import OverrideSpec, Texts, Words
from models.rules.verdict import Severity


@dataclass(frozen=True, slots=True)
class Wish:
    """What the form says. Texts are as typed."""

    limits: Mapping[str, str]
    enabled: bool = True
    severity: Severity | None = None
    """None: as it is."""
    zh: tuple[str, str] = ("", "")
    """Title and advice."""
    en: tuple[str, str] = ("", "")


def change_of(shown: ShownRule, wish: Wish) -> OverrideSpec:
    """The change that is wished for.

    Raises:
        Misuse: ``override.nothing`` is wished for that is not the standard already; ``override.value``: a limit
            is no number of its kind or out of bounds.
    """
    spec = shown.rule.spec
    limits = {
        limit.name: value
        for limit in shown.limits
        if limit.name in wish.limits and (value := _read(limit, wish.limits[limit.name])) != limit.standard
    }
    texts = _texts(shown, wish)
    severity = wish.severity if wish.severity not in (None, spec.severity) else None
    if not (limits or texts or severity or not wish.enabled):
        raise Misuse(
            "override.nothing",
            Bilingual("与标准相同，没有修改", "This is the standard already: nothing is changed"),
            Bilingual(
                "修改一项限值、级别或文字；或撤销已有的修改",
                "Change a limit, severity or text; or take a change back",
            ),
        )
    given: dict[str, object] = {"rule": spec.id}
    if limits:
        given["limit"] = limits
    if severity:
        given["severity"] = severity
    if texts:
        given["text"] = texts
    if not wish.enabled:
        given["enabled"] = False
    return OverrideSpec.model_validate(given)


def _texts(shown: ShownRule, wish: Wish) -> Texts | None:
    now = shown.rule.spec.text
    zh, en = _words(now.zh, wish.zh), _words(now.en, wish.en)
    return None if (zh, en) == (now.zh, now.en) else Texts(zh=zh, en=en)


def _words(now: Words, wished: tuple[str, str]) -> Words:
    title, advice = (part.strip() for part in wished)
    return Words(title=title or now.title, advice=advice or now.advice)


def _read(limit: ShownLimit, text: str) -> Value:
    """A limit as typed, of the type that the standard has. Empty: the standard."""
    text = text.strip()
    if not text:
        return limit.standard
    try:
        value = _typed(limit.standard, text)
    except ValueError:
        raise _bad(limit) from None
    if limit.bounds and not (isinstance(value, float) and limit.bounds[0] <= value <= limit.bounds[1]):
        raise _bad(limit)
    return value


def _typed(standard: Value, text: str) -> Value:
    if isinstance(standard, bool):
        return {"true": True, "false": False}[text] if text in ("true", "false") else _refuse()
    if isinstance(standard, int | float):
        number = float(text)
        return number if number == number and abs(number) != float("inf") else _refuse()
    if isinstance(standard, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text


def _refuse() -> Value:
    raise ValueError


def _bad(limit: ShownLimit) -> Misuse:
    span = f"[{limit.bounds[0]:g}, {limit.bounds[1]:g}]" if limit.bounds else ""
    return Misuse(
        "override.value",
        Bilingual(f"限值 {limit.name} 不合要求", f"Limit {limit.name} does not fit"),
        Bilingual(f"允许范围 {span}", f"Allowed: {span}") if span else Bilingual("请输入数字", "Enter a number"),
    )
