"""Which modalities a header rule speaks of."""

from __future__ import annotations

from capture.acquisition import Acquisition, NoPixels

RADIOGRAPH = frozenset({"CR", "DX"})
PROJECTION = RADIOGRAPH | {"MG", "RG", "PX", "IO"}
"""One exposure, one view."""
FLUOROSCOPY = frozenset({"RF", "XA"})
SLICES = frozenset({"CT", "MR"})
IONISING = PROJECTION | FLUOROSCOPY | {"CT"}
MEASURED = IONISING | {"MR", "US", "PT", "NM"}
"""Lengths are read off the picture, so a pixel spacing is needed."""


def is_image(acquisition: Acquisition) -> bool:
    """Pixels came, or the header describes or its SOP class promises some (they may be missing or unreadable)."""
    pixels = acquisition.pixels
    promised = not isinstance(pixels, NoPixels) or pixels.code in ("no_pixel_data", "truncated")
    return promised or acquisition.display.Rows is not None
