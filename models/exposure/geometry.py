"""geometry.*: how slices lie in the patient, MB11, MB14, CC12."""

from __future__ import annotations

import math

import numpy as np

from capture.acquisition import Technique
from models.header.modality import SLICES, is_image
from models.producer import Subject
from models.reporting import INVALID, NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Reporter, absent, family

TOLERANCE = 1e-3
"""On length of the direction cosines (twice that on squares); devices write four to six decimals."""
_GAP = ("SpacingBetweenSlices", "SliceThickness")
_PLANES = ("sagittal", "coronal", "axial")
"""By the axis of the patient that the normal is nearest to: x (left), y (back), z (head)."""


def normal_of(cosines: tuple[float, ...]) -> tuple[float, float, float] | None:
    """Unit normal of the slice from ImageOrientationPatient; None when rows and columns are not
    two unit vectors at right angles (PS3.3 C.7.6.2.1.1)."""
    if len(cosines) != 6 or not all(map(math.isfinite, cosines)):
        return None
    (a, b, c), (d, e, f) = row, column = cosines[:3], cosines[3:]
    off = (_dot(row, row) - 1, _dot(column, column) - 1, _dot(row, column))
    if max(map(abs, off)) > 2 * TOLERANCE:
        return None
    return b * f - c * e, c * d - a * f, a * e - b * d


def _dot(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _gap(technique: Technique) -> float | None:
    if technique.SpacingBetweenSlices is None or technique.SliceThickness is None:
        return None
    # Some devices sign the spacing by the direction of the stack.
    return abs(technique.SpacingBetweenSlices) - technique.SliceThickness


def _gap_ratio(technique: Technique, gap: float | None) -> Answer:
    if gap is None:
        return NOT_IN_HEADER
    return gap / technique.SliceThickness if technique.SliceThickness and technique.SliceThickness > 0 else INVALID


def _report(subject: Subject) -> Answers:
    acquisition, technique = subject.acquisition, subject.acquisition.technique
    if acquisition.exam.Modality not in SLICES or not is_image(acquisition):
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE)
    cosines = technique.ImageOrientationPatient
    normal, gap = normal_of(cosines), _gap(technique)
    unknown = absent(acquisition, "ImageOrientationPatient")
    plane: Answer = INVALID if cosines else unknown
    if normal:
        plane = _PLANES[int(np.argmax(np.abs(normal)))]
    return {
        "geometry.orientation_present": bool(cosines),
        "geometry.orientation_valid": normal is not None if cosines else unknown,
        "geometry.position_present": len(technique.ImagePositionPatient) == 3,
        "geometry.plane": plane,
        "geometry.gap_mm": absent(acquisition, *_GAP) if gap is None else gap,
        "geometry.gap_ratio": _gap_ratio(technique, gap),
    }


PRODUCER = Reporter("geometry/1", family("geometry"), _report)
