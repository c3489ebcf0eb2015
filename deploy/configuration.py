"""The handbook's tables of every setting and every metric of the box, read from the source."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from edge.metrics import Metrics
from edge.settings import Settings
from edge.settings_file import section_of

CHINESE = Path(__file__).with_name("configuration_zh.toml")
HEADINGS = {
    "en": ("## Every setting", "setting", "default", "meaning", "## Every metric", "metric", "kind", "meaning"),
    "zh": ("## 全部配置项", "配置项", "默认值", "含义", "## 全部监控指标", "指标", "类型", "含义"),
}
REQUIRED = {"en": "required", "zh": "必填"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One key of ``qcbox.toml``; ``[]`` in the name marks a list of tables."""

    name: str
    default: str | None
    """As TOML has it; None where a value must be given."""
    description: str


def settings(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[Setting]:
    """Every key, sections after plain keys."""
    sections: list[tuple[str, type[BaseModel], FieldInfo]] = []
    for name, field in model.model_fields.items():
        section = section_of(field.annotation)
        if section is None:
            yield Setting(prefix + name, _default(field), field.description or field.title or "")
        else:
            sections.append((name, section, field))
    for name, section, field in sections:
        many = "tuple" in str(field.annotation)
        yield from settings(section, f"{prefix}{name}{'[]' if many else ''}.")


def _default(field: FieldInfo) -> str | None:
    if field.default_factory is not None:
        return ""
    if field.default is PydanticUndefined:
        return None
    plain = field.default
    return "" if plain is None else json.dumps(plain, ensure_ascii=False, default=str)


def metrics() -> Iterator[tuple[str, str, str]]:
    """Name, kind and meaning of each."""
    for family in Metrics().registry.collect():
        yield family.name, family.type, family.documentation


def tables(language: str) -> str:
    """The generated part of ``operate.md`` in one language."""
    chinese: dict[str, str] = tomllib.loads(CHINESE.read_text("utf-8"))
    own = chinese if language == "zh" else {}
    title, key, default, meaning, title_metrics, *heads = HEADINGS[language]
    lines = [title, "", f"| {key} | {default} | {meaning} |", "| --- | --- | --- |"]
    for one in settings():
        shown = REQUIRED[language] if one.default is None else f"`{one.default}`" if one.default else ""
        lines.append(f"| `{one.name}` | {shown} | {own.get(one.name, one.description)} |")
    lines += ["", title_metrics, "", "| " + " | ".join(heads) + " |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {kind} | {own.get(name, text)} |" for name, kind, text in metrics()]
    return "\n".join([*lines, ""])


def untranslated() -> set[str]:
    """Settings and metrics without a Chinese text, and Chinese texts of nothing."""
    known = {one.name for one in settings()} | {name for name, _, _ in metrics()}
    return known ^ set(tomllib.loads(CHINESE.read_text("utf-8")))
