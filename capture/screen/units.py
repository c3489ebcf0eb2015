"""Units as consoles write them to the units of DICOM's attributes."""

from __future__ import annotations


def convert(keyword: str, value: float, unit: str) -> float | None:
    """``value`` in the unit DICOM uses for ``keyword``; None when ``unit`` is unknown. "" is DICOM's own."""
    raise NotImplementedError
