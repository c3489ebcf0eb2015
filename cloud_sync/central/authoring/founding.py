"""A new pack from a form: a head with whom it speaks of and whose authority it has; no rules yet."""

from __future__ import annotations

import re
from dataclasses import dataclass

import tomlkit

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring.texts import PackText
from models.content.kinds import AREA_OF_MODALITY, area_of
from models.content.manifest import Area

LAYERS = ("L1", "L2", "L3")
"""Whose packs the centre writes: national, industry consensus, consortium. Later layers are the sites' own."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class PackForm:
    """A new pack as the form has it. ``modality``: empty for all of ``area``."""

    name: str
    area: str
    layer: str
    modality: tuple[str, ...]
    title_zh: str
    title_en: str
    note_zh: str = ""
    note_en: str = ""


def modalities(area: str) -> tuple[str, ...]:
    """DICOM Modality of the images that an area answers for; empty: of any."""
    return tuple(sorted(one for one, answers in AREA_OF_MODALITY.items() if answers == area))


def begin(form: PackForm, author: str) -> PackText:
    """The three files of a new pack.

    Raises:
        Misuse: the name is no name, a title is missing, or other people answer for these modalities.
    """
    chosen = tuple(form.modality) or modalities(form.area)
    titles = form.title_zh.strip(), form.title_en.strip()
    if not _NAME.fullmatch(form.name) or len(form.name) > 60:
        raise _refused(
            "draft.name", "名称无效", "The name is not valid",
            "小写字母、数字与短横，最多 60 个", "Lower-case letters, digits and dashes, 60 at most",
        )  # fmt: skip
    if not all(titles) or form.layer not in LAYERS:
        raise _refused(
            "draft.title", "缺少标题或层", "A title or the layer is missing",
            "中英文标题都要填，并选择层", "Give the title in both languages, and choose a layer",
        )  # fmt: skip
    answers: Area = area_of(chosen)
    if answers != form.area:
        raise _refused(
            "draft.area", f"这些设备类型由领域 {answers} 负责", f"The area {answers} answers for these modalities",
            "改选领域或设备类型", "Choose that area, or other modalities",
        )  # fmt: skip
    head = tomlkit.document()
    head.update({"name": form.name, "version": 1, "layer": form.layer, "authors": [author]})
    notes = form.note_zh.strip() or titles[0], form.note_en.strip() or titles[1]
    for key, (zh, en) in (("title", titles), ("note", notes)):
        head[key] = {"zh": zh, "en": en}
    head["scope"] = {"modality": list(chosen)}
    return PackText(tomlkit.dumps(head), "", "")


def _refused(code: str, zh: str, en: str, hint_zh: str, hint_en: str) -> Misuse:
    return Misuse(code, Bilingual(zh, en), Bilingual(hint_zh, hint_en))
