"""From the settings to the engines."""

from __future__ import annotations

from capture.screen.ocr import recogniser
from capture.screen.ocr.detector import Detector
from capture.screen.ocr.engine import Engine, Engines
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.ocr.tesseract import Tesseract


def make(settings: ReadingSettings) -> Engines:
    """The engines of one process; their networks are loaded at the first use.

    Raises:
        Misuse: ``ocr.missing``: a model or Tesseract is not installed.
    """
    first: Engine = Tesseract() if settings.engine == "tesseract" else recogniser.small()
    return Engines(first, recogniser.tiny(), Detector())
