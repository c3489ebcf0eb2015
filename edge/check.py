"""What the doctor says of one thing. Each room says it of its own; ``edge.doctor`` asks them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capture.text import Bilingual

State = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``hint`` is there when it is not ``ok``."""

    name: str
    state: State
    text: Bilingual
    hint: Bilingual | None = None
