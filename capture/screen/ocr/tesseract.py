"""Tesseract, in process, as the other first reader. Optional: needs tesserocr and the system's language files.

Kept for sites whose approval names it. On the same fields it reads 83 % where PP-OCRv6 small reads 100 % (design
capture-ocr.md, 5); the policy is the same, so more goes to a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from capture.errors import Misuse
from capture.screen.ocr.engine import Bgr, Reading
from capture.screen.ocr.trim import trim
from capture.text import Bilingual

if TYPE_CHECKING:
    import tesserocr  # type: ignore[import-untyped]  # no stubs

_ROWS = 48
_PAD = 12
_LANGUAGES = "chi_sim+eng"
_FOLDERS = ("/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata", "/usr/share/tesseract-ocr/tessdata")


class Tesseract:
    """An :class:`~capture.screen.ocr.engine.Engine`."""

    name = "tesseract"

    def __init__(self) -> None:
        """Raises Misuse ``ocr.missing`` without tesserocr, or without its Chinese and English language files."""
        self._api = _open()

    def read(self, crops: Sequence[Bgr], alphabets: Sequence[str]) -> list[Reading]:
        """See :class:`~capture.screen.ocr.engine.Engine`."""
        return [self._line(crop, alphabet) for crop, alphabet in zip(crops, alphabets, strict=True)]

    def _line(self, crop: Bgr, alphabet: str) -> Reading:
        if not crop.size:
            return Reading("", ())
        self._api.SetVariable("tessedit_char_whitelist", "".join(alphabet.split()))
        grey = _prepare(crop)
        self._api.SetImageBytes(grey.tobytes(), grey.shape[1], grey.shape[0], 1, grey.shape[1])
        self._api.Recognize()
        words = self._api.MapWordConfidences()
        text = " ".join(word for word, _ in words)
        scores = [percent / 100 for word, percent in words for _ in f"{word} "][:-1]
        return Reading(text, tuple(scores))


def _prepare(crop: Bgr) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Grey, dark on light, 48 rows and a margin: what Tesseract was trained on."""
    grey = cv2.cvtColor(trim(crop), cv2.COLOR_BGR2GRAY)
    if np.median(grey) < 128:
        grey = cv2.bitwise_not(grey)
    width = max(round(grey.shape[1] * _ROWS / grey.shape[0]), 8)
    scaled = cv2.resize(grey, (width, _ROWS), interpolation=cv2.INTER_CUBIC)
    edge = int(np.median(scaled))
    framed = cv2.copyMakeBorder(scaled, _PAD, _PAD, _PAD, _PAD, cv2.BORDER_CONSTANT, value=(edge,))
    return np.ascontiguousarray(framed, np.uint8)


def _open() -> tesserocr.PyTessBaseAPI:
    folder = next((one for one in _FOLDERS if all(_has(one, part) for part in _LANGUAGES.split("+"))), None)
    try:
        import tesserocr
    except ImportError:
        raise _missing("tesserocr") from None
    if folder is None:
        raise _missing("tesseract-ocr-chi-sim, tesseract-ocr-eng")
    api: Any = tesserocr.PyTessBaseAPI(path=folder, lang=_LANGUAGES, psm=tesserocr.PSM.SINGLE_LINE)
    return api


def _has(folder: str, language: str) -> bool:
    return (Path(folder) / f"{language}.traineddata").is_file()


def _missing(what: str) -> Misuse:
    return Misuse(
        "ocr.missing",
        Bilingual(f"没有安装 Tesseract({what})", f"Tesseract is not installed ({what})"),
        Bilingual(
            "安装该软件包，或将 reading.engine 设为 ppocr", "Install that package, or set reading.engine to ppocr"
        ),
    )
