"""The terms of BodyPartExamined and what is known of each: its codes and whether it comes in pairs."""

from __future__ import annotations

import re
import tomllib
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files

from pydicom.sr.coding import Code


class Sides(StrEnum):
    """How a part relates to left and right."""

    PAIRED = "paired"
    """One side is imaged: a side must be stated."""
    EITHER = "either"
    """A pair that is usually imaged together: a side may be stated."""
    UNPAIRED = "unpaired"


@cache
def _table() -> dict[str, tuple[Sides, tuple[str, ...]]]:
    text = files("models.header").joinpath("anatomy_terms.toml").read_text(encoding="utf-8")
    return {
        term: (Sides(sides), tuple(codes))
        for sides, terms in tomllib.loads(text).items()
        for term, codes in terms.items()
    }


def is_term(text: str) -> bool:
    """Exactly a term of PS3.16 Annex L."""
    return text in _table()


def term_of(text: str) -> str | None:
    """The term a text stands for when case, blanks and dashes are left aside, else None."""
    term = re.sub(r"[\s_\-]", "", text).upper()
    return term if is_term(term) else None


@lru_cache(maxsize=1024)
def term_of_code(value: str) -> str | None:
    """The term of a SNOMED code: digits are SNOMED CT, anything else the older SNOMED RT (as in T-D3000)."""
    if not value:
        return None
    code = Code(value, "SCT" if value.isdecimal() else "SRT", "")
    for term, (_, codes) in _table().items():
        if any(Code(known, "SCT", "") == code for known in codes):
            return term
    return None


def sides_of(term: str) -> Sides:
    """How this term relates to left and right.

    Raises:
        KeyError: not a term.
    """
    return _table()[term][0]
