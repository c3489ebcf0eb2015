"""What a value looks like, learnt from samples a person confirmed: the only guard against a lost decimal point."""

from __future__ import annotations

from collections.abc import Sequence

from capture.screen.template import FieldKind, Format, ScreenField


def learn(samples: Sequence[str], kind: FieldKind) -> Format:
    """The format that all samples (whole texts as on the screen, with their literals) have in common."""
    raise NotImplementedError


def alphabet(field: ScreenField) -> str:
    """The characters the reader may choose from, literals included; "" for any."""
    raise NotImplementedError


def value(field: ScreenField, text: str) -> str | None:
    """The value in ``text`` (as read, with literals) when it has the taught format, else None."""
    raise NotImplementedError


def shape(text: str) -> str:
    """What is kept of an identifying sample: digits as 0, letters as A, Chinese characters as 中."""
    raise NotImplementedError
