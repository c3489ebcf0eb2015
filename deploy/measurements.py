"""The handbook's list of everything that can be measured, read from the catalogue."""

from __future__ import annotations

from functools import cache
from itertools import groupby

from models.catalogue import SITE_FAMILY, Entry, catalogue
from models.producer import discover
from models.sets.producer import discover_sets

HEADINGS = {
    "en": ("name", "type, unit", "meaning", "source", "note"),
    "zh": ("名称", "类型、单位", "含义", "来源", "备注"),
}
TYPES = {
    "en": {"bool": "yes/no", "number": "number", "text": "text", "texts": "texts"},
    "zh": {"bool": "是/否", "number": "数值", "text": "文字", "texts": "多个文字"},
}
STAYS = {"en": "stays", "zh": "不出院"}
WAITS = {"en": "waits for {}", "zh": "等待 {}"}
BY = {"en": "by the network {}", "zh": "由网络 {} 测量"}
AND = {"en": ", ", "zh": "，"}
NEXT = {"en": "; ", "zh": "；"}
UNPROVEN = {"en": "not proven: shown, never judged", "zh": "尚未证实：只显示，不判定"}


def _row(entry: Entry, language: str) -> str:
    unit = f"`{entry.unit}`" if entry.unit else ""
    kind = AND[language].join(filter(None, (TYPES[language][entry.type], unit)))
    proven = UNPROVEN[language] if entry.unproven else ""
    notes = ("" if entry.leaves_site else STAYS[language], _origin(entry, language), proven)
    meaning = entry.zh if language == "zh" else entry.en
    cells = (f"`{entry.name}`", kind, meaning, entry.source, NEXT[language].join(filter(None, notes)))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _origin(entry: Entry, language: str) -> str:
    """Which network or system it comes from, or will come from."""
    origin = entry.needs_model or entry.needs_system
    if origin is None:
        return ""
    return (BY if entry.name in _provided() else WAITS)[language].format(origin)


@cache
def _provided() -> frozenset[str]:
    of_images, of_sets = (one.provides for one in discover()), (one.provides for one in discover_sets())
    return frozenset[str]().union(*of_images, *of_sets)


def tables(language: str) -> str:
    """The generated part of ``measurements.md`` in one language: one table for each family."""
    lines: list[str] = []
    # A process that has loaded a site's own networks knows their names, too.
    ours = (entry for entry in catalogue().values() if not entry.name.startswith(SITE_FAMILY))
    entries = sorted(ours, key=lambda entry: entry.name)
    for family, members in groupby(entries, key=lambda entry: entry.name.partition(".")[0]):
        lines += [
            f"## {family}",
            "",
            "| " + " | ".join(HEADINGS[language]) + " |",
            "| --- | --- | --- | --- | --- |",
        ]
        lines += [*(_row(entry, language) for entry in members), ""]
    return "\n".join(lines)
