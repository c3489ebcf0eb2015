"""A text on a screen as words and numbers, compared without spaces and without full or half width."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_NUMBER = re.compile(r"(?<![0-9.])(?P<sign>[+-]?)(?P<whole>\d+)(?:\.(?P<decimals>\d+))?")
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−－"), "-")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    text: str
    whole: int
    """How many digits before the point."""
    decimals: int
    padded: bool
    """It has leading zeros."""
    signed: bool


Token = Number | str


def plain(text: str) -> str:
    """Half width, one kind of dash, no spaces: two texts that read the same are equal."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_DASHES).split())


def tokens(text: str) -> tuple[Token, ...]:
    """Words and numbers of ``text`` in order; a sign belongs to its number unless a digit stands before it."""
    found: list[Token] = []
    at = 0
    normal = plain(text)
    for match in _NUMBER.finditer(normal):
        if match.start() > at:
            found.append(normal[at : match.start()])
        found.append(_number(match))
        at = match.end()
    if at < len(normal):
        found.append(normal[at:])
    return tuple(found)


def outline(of: tuple[Token, ...]) -> str:
    """Each number as 0 with its decimals: "W 788 L -460" is "W0L0"."""
    return "".join(one if isinstance(one, str) else _zero(one) for one in of)


def runs(text: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Lengths of the runs of digits in ``text``, and what stands before, between and behind them (one more)."""
    parts = re.split(r"(\d+)", plain(text))
    return tuple(len(run) for run in parts[1::2]), tuple(parts[::2])


def _zero(number: Number) -> str:
    return "0" if not number.decimals else "0." + "0" * number.decimals


def _number(match: re.Match[str]) -> Number:
    whole, decimals = match["whole"], match["decimals"] or ""
    return Number(
        match[0], len(whole), len(decimals), len(whole) > 1 and whole.startswith("0"), bool(match["sign"])
    )
