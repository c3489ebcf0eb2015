"""Whether a text came through its character set whole."""

from __future__ import annotations

import re

from capture.acquisition import Acquisition

_REPLACED = "\ufffd"
_C1 = re.compile(r"[\x80-\x9f]")
# Two Chinese characters of GB 18030 read as Latin-1 make four such letters in a row; no European word does.
_MOJIBAKE = re.compile("[\u00a1-\u00ff]{4}")


def decodes(text: str, acquisition: Acquisition) -> bool:
    """False when text beyond ASCII came without its right SpecificCharacterSet (the reader then guessed), or holds
    replacement characters, or looks like GB 18030 or UTF-8 read as Latin-1 (PS3.5 6.1, PS3.3 C.12.1.1.2)."""
    if text.isascii():
        return True
    guessed = any(fault.code.startswith("charset.") for fault in acquisition.faults)
    undeclared = not any(acquisition.exam.SpecificCharacterSet)
    return not (guessed or undeclared or _REPLACED in text or _C1.search(text) or _MOJIBAKE.search(text))
