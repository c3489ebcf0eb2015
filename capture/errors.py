"""The three families of errors, each with a stable code, a text and a hint in both languages.

An image that cannot be assessed is not an error: that is a verdict.
"""

from __future__ import annotations

from capture.text import Bilingual


class QcError(Exception):
    """Base of everything the product raises on purpose.

    ``code`` is stable (``family.rest``) and documented in the handbook. ``text`` says what is wrong,
    ``hint`` what a biomedical engineer can do. Neither ever holds a patient's identity.
    """

    def __init__(self, code: str, text: Bilingual, hint: Bilingual) -> None:
        super().__init__(f"{code}: {text.en} ({hint.en})")
        self.code = code
        self.text = text
        self.hint = hint

    def __reduce__(self) -> tuple[type[QcError], tuple[str, Bilingual, Bilingual]]:
        return type(self), (self.code, self.text, self.hint)

    def say(self, language: str) -> str:
        """Text and hint in one language."""
        gap = "" if language.startswith("zh") else " "
        return f"{self.text.get(language)}{gap}({self.hint.get(language)})"


class Retry(QcError):
    """It may work later: a full disk, a peer that is away."""


class SetAside(QcError):
    """Bad input: kept, shown with its reason, and never retried by itself. A person must look."""


class Misuse(QcError):
    """A wrong command line, configuration key or rule pack: the person who wrote it must mend it."""


class Bug(QcError):
    """Ours. The process ends on purpose; the rows say where to go on."""
