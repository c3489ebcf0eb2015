"""The closed catalogue of measurement names. A name that is not here cannot be measured, judged or sent."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Literal

Type = Literal["bool", "number", "text", "texts"]
Level = Literal["image", "series", "study"]
Comparing = Literal["z", "factor"]


_KEYS = frozenset(
    ("type", "unit", "zh", "en", "source", "leaves_site", "needs_model", "needs_system", "level",
     "baseline_of", "baseline_as", "unproven")
)  # fmt: skip
SITE_FAMILY = "x_"
"""How the families of a site's own facts begin."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One name: its type, UCUM unit, meaning in both languages and where the definition comes from."""

    name: str
    type: Type
    unit: str
    zh: str
    en: str
    source: str
    leaves_site: bool
    """Whether the value may go to the centre. Free text never does."""
    needs_model: str | None
    """Bundle that will provide it; until one is installed it is NotMeasured(NO_MODEL)."""
    needs_system: str | None
    """Hospital system that it comes from; until one is connected it is NotMeasured(NOT_CONNECTED)."""
    level: Level = "image"
    """What it is a fact of. A fact of an image may stand for its set, too."""
    baseline_of: str | None = None
    """The number that it compares with the device's own baseline of that number (:mod:`models.baseline`)."""
    baseline_as: Comparing = "z"
    """As robust z, or as a factor of the median."""
    unproven: bool = False
    """What measures it has missed its bar: it is shown, and no rule judges it (the bundle's card, or the handbook,
    says what would prove it)."""


@cache
def catalogue() -> dict[str, Entry]:
    """All entries of every ``*.toml`` beside this file, and what :func:`add_site_names` added."""
    return entries_in(files(__name__))


def meaning(name: str, language: str) -> str:
    """What a name means; one that is not in the catalogue, as of a newer box, as it is."""
    entry = catalogue().get(name)
    return name if entry is None else (entry.zh if language.startswith("zh") else entry.en)


def add_site_names(entries: Mapping[str, Entry]) -> None:
    """Names of a site's own networks, for this process; those of a newer release replace the older ones.

    Raises:
        ValueError: a name is not in a family ``x_...``: the closed families of ours stay closed.
    """
    for name in entries:
        if not name.startswith(SITE_FAMILY):
            raise ValueError(f"{name} is no name of a site's own")
    catalogue().update(entries)


def entries_in(folder: Traversable) -> dict[str, Entry]:
    """All entries of every ``*.toml`` in a folder.

    Raises:
        ValueError: a name stands twice or lacks a part; names are ``family.rest``.
    """
    entries: dict[str, Entry] = {}
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".toml"):
            continue
        for name, row in _flatten(tomllib.loads(file.read_text(encoding="utf-8"))).items():
            if name in entries or "." not in name:
                raise ValueError(f"{file.name}: {name} stands twice or has no family")
            entries[name] = _entry(name, row)
    return entries


def _flatten(table: dict[str, dict[str, dict[str, object]]]) -> dict[str, dict[str, object]]:
    return {f"{family}.{name}": row for family, rows in table.items() for name, row in rows.items()}


def _entry(name: str, row: dict[str, object]) -> Entry:
    unknown = set(row) - _KEYS
    kind, level = row.get("type", "number"), row.get("level", "image")
    comparing = row.get("baseline_as", "z")
    if unknown or not row.get("zh") or not row.get("en"):
        raise ValueError(f"catalogue entry {name}: missing text, or unknown keys {sorted(unknown)}")
    if kind not in ("bool", "number", "text", "texts") or level not in ("image", "series", "study"):
        raise ValueError(f"catalogue entry {name}: wrong type or level")
    if comparing not in ("z", "factor") or (row.get("baseline_of") and kind != "number"):
        raise ValueError(f"catalogue entry {name}: a baseline compares numbers, as z or factor")
    free_text = kind in ("text", "texts")
    return Entry(
        name=name,
        type=kind,
        unit=str(row.get("unit", "")),
        zh=str(row["zh"]),
        en=str(row["en"]),
        source=str(row.get("source", "")),
        leaves_site=bool(row.get("leaves_site", not free_text)),
        needs_model=_optional(row.get("needs_model")),
        needs_system=_optional(row.get("needs_system")),
        level=level,
        baseline_of=_optional(row.get("baseline_of")),
        baseline_as=comparing,
        unproven=bool(row.get("unproven", False)),
    )


def _optional(value: object) -> str | None:
    return None if value is None else str(value)
