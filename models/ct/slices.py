"""What is taken from each CT slice at full size on arrival, for the measures of its series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Device, Display, Exam, Pixels, Technique
from models.ct.metal import outside_mm2
from models.ct.noise import as_numbers, slice_noise
from models.ct.rings import profile
from models.ct.scan import shows_all, stated_isocentre
from models.ct.streaks import direction_ratio
from models.sets.image_set import Slice

NAME = "ct"
_AXIAL = 0.7
_EVERY_MM = 5.0
"""Noise and streaks change little from one thin slice to the next: they are looked for this often."""


class CtSlice:
    """Noise, streaks, rings and metal. Lossy pictures say nothing of noise."""

    name = NAME

    def applies(self, exam: Exam, display: Display) -> bool:
        """A reconstructed slice of a CT, not a localizer or a picture of a screen."""
        slices = "LOCALIZER" not in exam.ImageType and "SECONDARY" not in exam.ImageType[:2]
        return exam.Modality == "CT" and slices and display.SamplesPerPixel in (1, None)

    def measure(
        self, pixels: Pixels, exam: Exam, technique: Technique, device: Device
    ) -> Mapping[str, NDArray[np.float32]]:
        """Empty without a pixel spacing."""
        if pixels.spacing_mm is None or min(pixels.spacing_mm) <= 0 or pixels.color is not None:
            return {}
        values = pixels.values
        spacing = float(np.sqrt(pixels.spacing_mm[0] * pixels.spacing_mm[1]))
        numbers: dict[str, NDArray[np.float32]] = {}
        numbers["metal"] = np.array(outside_mm2(values, pixels.spacing_mm), np.float32)
        about = [_ring(values, pixels.spacing_mm, technique, one) for one in _centres(technique, device)]
        if about:
            numbers["rings"] = np.stack(about)
        if (exam.InstanceNumber or 0) % _stride(technique):
            return numbers
        noise = slice_noise(values, spacing)
        if noise is not None:
            numbers |= as_numbers(noise)
        ratio = direction_ratio(values, spacing)
        if ratio is not None:
            numbers["streak"] = np.array([ratio], np.float32)
        return numbers


def _stride(technique: Technique) -> int:
    """Of how many slices one is looked at closely: 1 if they are thick, or do not say how far apart they lie."""
    apart = technique.SpacingBetweenSlices or technique.SliceThickness
    return max(1, int(_EVERY_MM / apart)) if apart and apart > 0 else 1


def _centres(technique: Technique, device: Device) -> list[tuple[float, float]]:
    """Where the isocentre may be in the patient, mm (models.ct.scan.isocentre_of)."""
    if len(technique.ImagePositionPatient) != 3 or len(technique.ImageOrientationPatient) != 6:
        return []
    across, down = technique.ImageOrientationPatient[0], technique.ImageOrientationPatient[4]
    if min(abs(across), abs(down)) < _AXIAL:
        return []
    said = stated_isocentre(technique, device)
    if said is not None:
        return [said]
    # It may be in the middle of the picture, which is one of these then.
    height = technique.TableHeight
    return [(0.0, 0.0)] + ([(0.0, -height)] if height else []) if shows_all(technique) else []


def _ring(
    values: NDArray[np.float32],
    spacing_mm: tuple[float, float],
    technique: Technique,
    centre: tuple[float, float],
) -> NDArray[np.float32]:
    """(202,): x and y of the centre, then what lies about it by radius."""
    x, y, _ = technique.ImagePositionPatient
    column = (centre[0] - x) / technique.ImageOrientationPatient[0] / spacing_mm[1]
    row = (centre[1] - y) / technique.ImageOrientationPatient[4] / spacing_mm[0]
    return np.concatenate([np.array(centre, np.float32), profile(values, row, column)])


def number(one: Slice, key: str, at: int = 0) -> float:
    """A number of a slice, NaN where it was not taken."""
    taken = one.numbers.get(f"{NAME}.{key}")
    return float(taken[at]) if taken is not None else float("nan")
