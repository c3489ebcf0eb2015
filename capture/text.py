"""A text in both languages of the product."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bilingual:
    """Written once in each language, beside the code or rule that says it."""

    zh: str
    en: str

    def get(self, language: str) -> str:
        """The text in ``zh`` or ``en``; any language that is not Chinese gives en."""
        return self.zh if language.startswith("zh") else self.en

    def format(self, **values: object) -> Bilingual:
        """Both texts with ``{name}`` placeholders filled."""
        return Bilingual(self.zh.format(**values), self.en.format(**values))
