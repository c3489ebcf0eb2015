"""What one MR slice says, taken from its full picture when it arrives: a few small arrays, under 2 KB together.

A measure that cannot be taken leaves NaN and, where there are several reasons, the number of its own in WHY.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Device, Display, Exam, Pixels, Technique
from models.mr import iqm, uniformity
from models.mr.ghosting import ghost
from models.mr.noise import air_snr, inner_snr
from models.mr.plane import Plane, phase_axis, plane_of
from models.mr.spike import spike
from models.mr.symmetry import symmetry
from models.mr.wrap import wrap_score

Array = NDArray[np.float32]
NOT_MAGNITUDE = frozenset({"P", "PHASE", "PHASE MAP", "R", "REAL", "I", "IMAGINARY", "VELOCITY"})
"""Third value of ImageType, or ComplexImageComponent: its background is not air (PS3.3 C.8.3.1.1.1)."""
WHY = (
    "",
    "the phase-encoding direction is not in the header",
    "too little air beside the object",
    "no signal",
    "a picture under 32 pixels",
    "the edge is blanked",
)


@dataclass(frozen=True, slots=True)
class MrSlice:
    """A :class:`models.sets.producer.SliceMeasure`."""

    name: str = "mr"

    def applies(self, exam: Exam, display: Display) -> bool:
        kinds = {*exam.ImageType[2:4], exam.ComplexImageComponent or ""}
        return exam.Modality == "MR" and (display.SamplesPerPixel or 1) == 1 and not kinds & NOT_MAGNITUDE

    def measure(self, pixels: Pixels, exam: Exam, technique: Technique, device: Device) -> Mapping[str, Array]:
        del exam, device
        plane = plane_of(
            pixels.values.copy(), phase_axis(technique.InPlanePhaseEncodingDirection), pixels.spacing_mm
        )
        if plane is None:
            return {"object": np.zeros(7, np.float32)}
        return _of(plane, technique.ImageOrientationPatient)


def _of(plane: Plane, cosines: tuple[float, ...]) -> Mapping[str, Array]:
    found = spike(plane.values)
    level = plane.signal
    numbers: dict[str, list[float]] = {
        "object": _object(plane),
        "signal": [level, _number(air_snr(plane)), _number(inner_snr(plane))],
        "ghost": _ghost(plane),
        "wrap": _or_why(wrap_score(plane)),
        "spike": [found.z, found.across, found.down] if found else [math.nan] * 3,
        "symmetry": _symmetry(plane, cosines),
        "iqm": _tissue(plane),
    }
    arrays = {key: np.array(row, np.float32) for key, row in numbers.items()}
    return {**arrays, "cells": uniformity.cells(plane), "sums": iqm.sums(plane).astype(np.float32)}


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _or_why(value: float | str) -> list[float]:
    return [math.nan, WHY.index(value)] if isinstance(value, str) else [value, 0]


def _object(plane: Plane) -> list[float]:
    """Share of the picture; centroid, first and last row and column as fractions of the height and the width."""
    rows, columns = plane.values.shape
    down, across = np.nonzero(plane.object)
    return [
        float(plane.object.mean()),
        float(down.mean() + 0.5) / rows,
        float(across.mean() + 0.5) / columns,
        float(down.min()) / rows,
        float(down.max() + 1) / rows,
        float(across.min()) / columns,
        float(across.max() + 1) / columns,
    ]


def _ghost(plane: Plane) -> list[float]:
    """Percent, what the noise could hide, share of the picture that is band, both sides, reason."""
    found = ghost(plane)
    if isinstance(found, str):
        return [math.nan, math.nan, math.nan, math.nan, WHY.index(found)]
    return [found.percent, found.least_percent, found.share, float(found.both_sides), 0]


def _symmetry(plane: Plane, cosines: tuple[float, ...]) -> list[float]:
    """Degrees, offset, likeness; of a picture whose rows run from side to side of the patient."""
    if len(cosines) != 6 or max(range(3), key=lambda k: abs(cosines[k])) != 0:
        return [math.nan] * 3
    found = symmetry(plane)
    return [found.degrees, found.offset, found.likeness] if found else [math.nan] * 3


def _tissue(plane: Plane) -> list[float]:
    """CJV, CNR, SNRd, QI1."""
    found = iqm.tissue(plane, iqm.inner(plane))
    tissues = [found.cjv, found.cnr, found.snrd] if found else [math.nan] * 3
    return [*tissues, _number(iqm.qi1(plane))]
