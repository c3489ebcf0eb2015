"""What was read off a screen, field by field, and how far it may be believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FieldState = Literal["accepted", "to_check", "refused"]
"""accepted: by the measured policy. to_check: a person looks before it is used. refused: not what was taught."""


@dataclass(frozen=True, slots=True, repr=False)
class FieldReading:
    """One field. ``repr`` shows no text: it may be a name."""

    keyword: str
    text: str
    """Without taught literals; "" when nothing could be read."""
    state: FieldState
    confidence: float
    """Lowest character probability of the first reader, 0 to 1."""
    second: str
    """What the second reader says."""
    reason: str = ""
    """Code, when not accepted: ``readers_differ``, ``format``, ``range``, ``unsteady``, ``empty``."""
    second_confidence: float = 0.0

    def __repr__(self) -> str:
        return f"FieldReading({self.keyword}, {self.state})"
