"""Texts of pages: gettext ``.po`` files, read once at start, so that there is no compiled file to forget.

A msgid is the English sentence itself. ``say`` never fails on a page somebody is looking at: a language or
a msgid that is missing falls back to the msgid, and a contract test (``missing``) keeps that from shipping.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from types import MappingProxyType

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

_METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
_KEYWORDS = {"_": None, "mark": None, "say": (2,), "label": None}


def mark(msgid: str) -> str:
    """Name a text that is said later, e.g. from a table, so that extraction finds it."""
    return msgid


@dataclass(frozen=True, slots=True)
class Texts:
    """All texts of one program by language (``zh_CN``, ``en``)."""

    catalogues: Mapping[str, Mapping[str, str]]

    @classmethod
    def load(cls, folder: Traversable) -> Texts:
        """Read every ``<language>.po`` of a folder.

        Raises:
            babel.messages.pofile.PoFileError: a file is malformed.
            ValueError: the folder holds no catalogue.
        """
        found = {
            entry.name.removesuffix(".po"): _read(entry)
            for entry in folder.iterdir()
            if entry.name.endswith(".po")
        }
        if not found:
            raise ValueError("no .po file in the folder of texts")
        return cls(MappingProxyType(found))

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted(self.catalogues))

    def say(self, language: str, msgid: str, **values: object) -> str:
        """The text in a language, with ``{name}`` placeholders filled."""
        text = self.catalogues.get(language, {}).get(msgid) or msgid
        return text.format(**values) if values else text

    def choose(self, *wanted: str | None, default: str) -> str:
        """The first wanted language there is. Takes ``zh``, ``zh-CN``, ``zh_CN`` and Accept-Language lists."""
        for wish in wanted:
            for tag in (wish or "").split(","):
                start = tag.split(";")[0].strip().replace("-", "_").lower()
                for language in self.languages:
                    if start and (
                        language.lower() == start or language.lower().split("_")[0] == start.split("_")[0]
                    ):
                        return language
        return default


def missing(texts: Texts, folder: str) -> dict[str, set[str]]:
    """Msgids that the sources under a folder use, by language that lacks them. For the contract test."""
    used = {message for _, _, message, _, _ in extract_from_dir(folder, _METHODS, keywords=_KEYWORDS)}
    plain = {message if isinstance(message, str) else message[0] for message in used}
    gaps = {language: plain - _filled(texts.catalogues[language]) for language in texts.languages}
    return {language: gap for language, gap in gaps.items() if gap}


def _filled(catalogue: Mapping[str, str]) -> set[str]:
    return {msgid for msgid, text in catalogue.items() if text}


def _read(entry: Traversable) -> Mapping[str, str]:
    catalogue = read_po(io.BytesIO(entry.read_bytes()), abort_invalid=True)
    return MappingProxyType({text: said for text, said in _pairs(catalogue) if text})


def _pairs(messages: Iterable[object]) -> Iterable[tuple[str, str]]:
    for message in messages:
        yield str(message.id), str(message.string or "")  # type: ignore[attr-defined]  # babel's Message
