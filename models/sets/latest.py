"""What several measures of a series ask for is found once, and forgotten when the series has been judged."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

from models.sets.image_set import Series

T = TypeVar("T")
_forget: list[Callable[[], None]] = []


def of_the_latest(find: Callable[[Series], T]) -> Callable[[Series], T]:
    """The same function, that keeps what it found of the latest series."""
    kept = lru_cache(maxsize=1)(find)
    _forget.append(kept.cache_clear)
    return kept


def forget() -> None:
    """Let go of the latest series, its pictures among it: 80 MB of 300 CT slices."""
    for clear in _forget:
        clear()
