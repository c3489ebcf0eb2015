"""What a site may set about reading an object."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Limits and defaults of :func:`capture.dicom.reader.read`."""

    default_charset: str | None = None
    """Character set of the source when SpecificCharacterSet is missing or does not fit: ``GB18030``."""
    mark_tags: tuple[str, ...] = ()
    """Keywords, or tags as ``GGGGEEEE``, where the site keeps the shared-image mark."""
    max_pixels: int = 100_000_000
    """Samples (rows x columns x samples per pixel) of one decoded frame."""
    max_inflated: int = 268_435_456
    """Bytes of a deflated object."""
    max_seconds: int = 8
    """Seconds that a decoder may take for one compressed frame."""
    max_frames_seconds: float = 5.0
    """Seconds for the pixels of all frames of one object; those behind are listed without pixels."""
    max_elements: int = 500_000
    """Elements looked at, those in sequences included."""
