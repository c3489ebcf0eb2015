"""Which character set the texts of an object are really in.

Declared in SpecificCharacterSet, but it is often missing or wrong (fo-dicom/fo-dicom#1705, pydicom/pydicom#716):
then the default of the source, then what the bytes allow. One choice for the whole object.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydicom.charset import convert_encodings, decode_bytes, python_encoding

from capture.acquisition import Fault

_ESCAPE = b"\x1b"
_HIGH = re.compile(rb"[\x80-\xff]+")
_LAST_RESORT = ("iso8859",)
_LATIN = frozenset(("iso8859", "latin_1", "iso8859_2", "iso8859_15"))
_CUT_AT = frozenset((15, 16, 63, 64))
"""Lengths in bytes of a value cut at the limit of SH (16) or LO and PN (64)."""
_DELIMITERS = {ord(mark) for mark in "\r\n\t\f^=\\"}
_ISO_2022 = ("ISO 2022 IR 6", "ISO 2022 IR 87", "ISO 2022 IR 159", "ISO 2022 IR 149", "ISO 2022 IR 58")


@dataclass(frozen=True, slots=True)
class Charset:
    """The encodings to decode with, and what was wrong with the declaration."""

    encodings: tuple[str, ...] = ("iso8859",)
    faults: tuple[Fault, ...] = ()

    def decode(self, value: bytes) -> str | None:
        """Text, or None when the bytes are not text in this character set.

        Devices that count bytes where DICOM counts characters cut the last one in two: it is left out.
        """
        text = _decode(value, self.encodings)
        if text is None and len(value) in _CUT_AT:
            shorter = (_decode(value[:-count], self.encodings) for count in (1, 2, 3))
            return next((cut for cut in shorter if cut is not None), None)
        return text


def choose(declared: Sequence[str], samples: Iterable[bytes], default: str | None = None) -> Charset:
    """Choose one character set for an object.

    Args:
        declared: terms of SpecificCharacterSet, "" for an empty first value.
        samples: raw bytes of its texts.
        default: defined term or Python name to prefer when the declaration is missing or does not fit.
    """
    told = [text for text in samples if not text.isascii() or _ESCAPE in text]
    encodings = _encodings(declared)
    if encodings is not None and (not told or (declared and _fits(encodings, told))):
        return Charset(encodings)
    found = _guess(told, default)
    if declared and encodings and found == _LAST_RESORT and _any_decode(told, encodings):
        return Charset(encodings)  # one text is broken, not the declaration
    code = "charset.missing" if not declared else "charset.unknown" if encodings is None else "charset.wrong"
    return Charset(found, (Fault(code, "SpecificCharacterSet", f"read as {found[-1].lower()}"),))


def _any_decode(texts: list[bytes], encodings: tuple[str, ...]) -> bool:
    return any(_decode(text, encodings) is not None for text in texts)


def _encodings(terms: Sequence[str]) -> tuple[str, ...] | None:
    """Python codecs of the defined terms, None when there is an unknown term."""
    known = [term if term in python_encoding else _corrected(term) for term in terms]
    if any(term is None for term in known):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(convert_encodings([term or "" for term in known]))


def _corrected(term: str) -> str | None:
    """Misspelt terms that the wild has: ``ISO IR 100``, ``ISO-IR-192``, ``ISO_2022_IR_58``, ``GB2312``."""
    plain = re.sub(r"[\s_-]+", "_", term.strip().upper())
    for known in python_encoding:
        if known and re.sub(r"[\s_-]+", "_", known) == plain:
            return known
    return {"GB2312": "GBK", "UTF_8": "ISO_IR 192", "UTF8": "ISO_IR 192", "ISO_8859_1": "ISO_IR 100"}.get(plain)


def _decode(value: bytes, encodings: Sequence[str]) -> str | None:
    if value.isascii() and _ESCAPE not in value:
        return value.decode("ascii")
    try:
        if len(encodings) == 1 and _ESCAPE not in value:
            return value.decode(encodings[0])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # pydicom 3.0.2 leaves the escape sequence of ISO 2022 IR 58 in the text
            return decode_bytes(value, list(encodings), _DELIMITERS).replace("\x1b$)A", "")
    except (UnicodeError, LookupError, UserWarning, ValueError):
        return None


def _fits(encodings: tuple[str, ...], texts: list[bytes]) -> bool:
    """Whether the declaration can be true. Latin and GB sets decode nearly anything, so look closer."""
    if any(Charset(encodings).decode(text) is None for text in texts):
        return False
    if len(encodings) > 1 or any(_ESCAPE in text for text in texts):
        return True
    codec = codecs.lookup(encodings[0]).name
    if encodings[0] in _LATIN or codec in ("iso8859-1", "iso8859-2", "iso8859-15", "ascii"):
        return not (_all_decode(texts, "utf-8") or _chinese(texts))
    if codec in ("gb18030", "gbk", "gb2312"):
        return not (
            _all_decode(texts, "utf-8") and any("\u4e00" <= c <= "\u9fff" for c in _joined(texts, "utf-8"))
        )
    return True


def _guess(texts: list[bytes], default: str | None) -> tuple[str, ...]:
    preferred = _python_names(default)
    if preferred and all(_decode(text, preferred) is not None for text in texts):
        return preferred
    if any(_ESCAPE in text for text in texts):
        escaped = _encodings(_ISO_2022) or ()
        if all(_decode(text, escaped) is not None for text in texts):
            return escaped
    utf8 = _all_decode(texts, "utf-8")
    if utf8 and (any(c >= "\u0800" for c in _joined(texts, "utf-8")) or not _chinese(texts)):
        return ("utf-8",)
    if _chinese(texts):
        return ("gb18030",)
    return _LAST_RESORT


def _python_names(default: str | None) -> tuple[str, ...]:
    if not default:
        return ()
    named = _encodings([default])
    if named is not None:
        return named
    try:
        return (codecs.lookup(default).name,)
    except LookupError:
        return ()


def _all_decode(texts: list[bytes], codec: str) -> bool:
    return all(Charset((codec,)).decode(text) is not None for text in texts)


def _joined(texts: list[bytes], codec: str) -> str:
    return "".join(Charset((codec,)).decode(text) or "" for text in texts)


def _chinese(texts: list[bytes]) -> bool:
    """Whether the bytes read as everyday Chinese in GB18030.

    Any bytes are nearly always valid GB18030, so most of what decodes must be hanzi of GB 2312, and somewhere
    two of them must stand together: four accented letters in a row are not found in European names.
    """
    if not _all_decode(texts, "gb18030"):
        return False
    characters = [c for c in _joined(texts, "gb18030") if not c.isascii()]
    common = sum(_in_gb2312(c) for c in characters)
    together = any(len(run) >= 4 for text in texts for run in _HIGH.findall(text))
    return together and common >= 0.75 * len(characters)


def _in_gb2312(character: str) -> bool:
    try:
        return 0xA1 <= character.encode("gb2312")[0] <= 0xF7
    except UnicodeEncodeError:
        return False
