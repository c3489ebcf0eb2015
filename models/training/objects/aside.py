"""Films that hold a real object to remove, which their source does not say: no negatives.

Found by a first network, then looked at.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("aside.txt")


@cache
def set_aside() -> frozenset[str]:
    """File names, one a line in ``aside.txt``; what follows ``#`` says what was seen."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    return frozenset(name for line in lines if (name := line.split("#")[0].strip()))
