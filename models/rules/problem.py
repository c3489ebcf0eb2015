"""How a rule pack that cannot be used is refused."""

from __future__ import annotations

from capture.errors import Misuse
from capture.text import Bilingual


def misuse(code: str, where: str, text: Bilingual, hint: Bilingual) -> Misuse:
    """The error for a pack: ``where`` (file, rule, position) stands before the text in both languages."""
    return Misuse(code, Bilingual(where + text.zh, where + text.en), hint)
