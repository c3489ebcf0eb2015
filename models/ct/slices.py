"""What is taken from each CT slice at full size on arrival, for the measures of its series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Display, Exam, Pixels, Technique
from models.ct.metal import outside_mm2
from models.ct.noise import as_numbers, slice_noise
from models.ct.streaks import direction_ratio
from models.sets.image_set import Slice

NAME = "ct"


class CtSlice:
    """Noise, streaks and metal. Lossy pictures say nothing of noise."""

    name = NAME

    def applies(self, exam: Exam, display: Display) -> bool:
        """A reconstructed slice of a CT, not a localizer or a picture of a screen."""
        slices = "LOCALIZER" not in exam.ImageType and "SECONDARY" not in exam.ImageType[:2]
        return exam.Modality == "CT" and slices and display.SamplesPerPixel in (1, None)

    def measure(self, pixels: Pixels, exam: Exam, technique: Technique) -> Mapping[str, NDArray[np.float32]]:
        """Empty without a pixel spacing."""
        if pixels.spacing_mm is None or min(pixels.spacing_mm) <= 0 or pixels.color is not None:
            return {}
        values = pixels.values
        spacing = float(np.sqrt(pixels.spacing_mm[0] * pixels.spacing_mm[1]))
        numbers: dict[str, NDArray[np.float32]] = {}
        noise = slice_noise(values, spacing)
        if noise is not None:
            numbers |= as_numbers(noise)
        ratio = direction_ratio(values, spacing)
        if ratio is not None:
            numbers["streak"] = np.array([ratio], np.float32)
        numbers["metal"] = np.array(outside_mm2(values, pixels.spacing_mm), np.float32)
        return numbers


def number(one: Slice, key: str, at: int = 0) -> float:
    """A number of a slice, NaN where it was not taken."""
    taken = one.numbers.get(f"{NAME}.{key}")
    return float(taken[at]) if taken is not None else float("nan")
