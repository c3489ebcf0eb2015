"""How facts and limits read in a sentence: numbers with their unit, in Chinese or English."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from capture.text import Bilingual
from models.catalogue import Entry
from models.measurement import Value
from models.rules.schema import Texts

_PLACEHOLDER = re.compile(r"\{(abs )?([A-Za-z_]\w*\.\w+)\}")
"""``abs``: without its sign, where the sentence says which way ("18 mm are missing")."""
_UNITS: dict[str, str | Bilingual] = {
    "1": "",
    "deg": "°",
    "{pixels}": "px",
    "Hz/{pixel}": "Hz/px",
    "[hnsf'U]": "HU",
    "mA.s": "mAs",
    "Gy.cm2": "Gy·cm²",
    "s/mm2": "s/mm²",
    "a": Bilingual("岁", "years"),
    "d": Bilingual("天", "days"),
}
"""UCUM as people write it; another unit is written as it is, an annotation in braces not at all."""
_WORDS = {True: Bilingual("是", "yes"), False: Bilingual("否", "no")}
UNKNOWN = Bilingual("未知", "unknown")


def shown(value: Value, unit: str, language: str, digits: int = 4) -> str:
    """A value with its UCUM unit, at most ``digits`` significant digits: ``12.5 mm``, ``3.2°``, ``是``."""
    if isinstance(value, bool):
        return _WORDS[value].get(language)
    if isinstance(value, tuple):
        return ("、" if language.startswith("zh") else ", ").join(value) or "-"
    if isinstance(value, str):
        return value
    number = f"{value:.0f}" if abs(value) >= 10 ** (digits - 1) else f"{value:.{digits}g}"
    sign = sign_of(unit, language)
    return number + sign if sign in ("", "°", "%", "岁", "天") else f"{number} {sign}"


def sign_of(unit: str, language: str) -> str:
    """A UCUM unit as people write it; "" where there is none."""
    known = _UNITS.get(unit, "" if unit.startswith("{") else unit.replace(".", "·"))
    return known.get(language) if isinstance(known, Bilingual) else known


def placeholders(texts: Texts) -> frozenset[str]:
    """The name in every ``{fact.name}``, ``{abs fact.name}`` and ``{limit.name}`` of a rule's advice."""
    return frozenset(found[2] for text in (texts.zh, texts.en) for found in _PLACEHOLDER.finditer(text.advice))


def filled(template: Bilingual, values: Mapping[str, Value], names: Mapping[str, Entry]) -> Bilingual:
    """Both texts with their placeholders replaced; a fact that is missing reads "unknown"."""

    def put(language: str) -> Callable[[re.Match[str]], str]:
        def one(match: re.Match[str]) -> str:
            name = match[2]
            if name not in values:
                return UNKNOWN.get(language)
            value = values[name]
            if match[1] and isinstance(value, int | float) and not isinstance(value, bool):
                value = abs(value)
            # Advice is read at a glance: three digits say enough, the table has the fourth.
            return shown(value, names[name].unit if name in names else "", language, digits=3)

        return one

    return Bilingual(_PLACEHOLDER.sub(put("zh"), template.zh), _PLACEHOLDER.sub(put("en"), template.en))
