"""What the Image Pixel module promises of a frame, and the refusal when it cannot be kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from capture.acquisition import NoPixels


class CannotDecode(Exception):
    """Carries the NoPixels to give."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.no_pixels = NoPixels(code, detail)


@dataclass(frozen=True, slots=True)
class Layout:
    """The Image Pixel module, complete and consistent."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: int
    keyword: str
    """PixelData, FloatPixelData or DoubleFloatPixelData."""

    @property
    def bits_per_frame(self) -> int:
        """Bits of one frame when not compressed. YBR_FULL_422 has two samples a pixel."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    def options(self) -> dict[str, Any]:
        """As pydicom's decoders want it, for one frame."""
        options: dict[str, Any] = {
            "rows": self.rows,
            "columns": self.columns,
            "number_of_frames": 1,
            "samples_per_pixel": self.samples,
            "photometric_interpretation": self.photometric,
            "bits_allocated": self.bits_allocated,
            "bits_stored": self.bits_stored,
            "pixel_representation": int(self.signed),
            "pixel_keyword": self.keyword,
        }
        if self.samples > 1:
            options["planar_configuration"] = self.planar
        return options
