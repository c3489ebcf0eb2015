"""From the settings to the engines."""

from __future__ import annotations

from capture.screen.ocr.engine import Engines
from capture.screen.ocr.settings import ReadingSettings


def make(settings: ReadingSettings) -> Engines:
    """The engines of one process; their networks are loaded at the first use.

    Raises:
        Misuse: ``ocr.missing``: a model or Tesseract is not installed.
    """
    raise NotImplementedError
