"""Settings of screen reading."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ReadingSettings(BaseModel):
    """Which engine reads the fields of a screen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: Literal["ppocr", "tesseract"] = Field(
        default="ppocr",
        title="First reader",
        description=(
            "ppocr: PP-OCRv6 small, checked by PP-OCRv6 tiny. tesseract: Tesseract with the system's languages, "
            "checked by PP-OCRv6 tiny; far fewer fields are accepted without a look."
        ),
    )
