"""Films that hold a real object to remove, or something printed into them, which their source does not say.

They are no negatives. Looked through by eye, not by a network, so that they may also serve as a small real test.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

_LIST = Path(__file__).with_name("aside.txt")


@cache
def set_aside() -> Mapping[str, str]:
    """File name to ``object`` or ``printed``."""
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {name: kind for name, kind, _ in rows}
