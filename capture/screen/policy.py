"""Policy: when a reading is used without a person's look. Measured (design capture-ocr.md, 5): 0 wrong of 529."""

from __future__ import annotations

from collections.abc import Sequence

from capture.screen.ocr.engine import Reading
from capture.screen.reading import FieldReading
from capture.screen.template import ScreenField

SURE = 0.95
"""Confidence at which the first reader needs no second."""


def decide(field: ScreenField, first: Sequence[Reading], second: Sequence[Reading]) -> FieldReading:
    """``first`` and ``second``: one reading for each frame that differed from the ones before it."""
    raise NotImplementedError
