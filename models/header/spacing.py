"""spacing.*: whether lengths can be measured, and on what word, HD16."""

from __future__ import annotations

import math

from capture.acquisition import Display
from models.header.modality import MEASURED, is_image
from models.producer import Subject
from models.reporting import INVALID, NOT_APPLICABLE, Answer, Answers, Reporter, absent, family

_ELEMENTS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")
Spacing = tuple[float, ...]


def _is_usable(spacing: Spacing) -> bool:
    return len(spacing) == 2 and all(math.isfinite(step) and step > 0 for step in spacing)


def _found(display: Display) -> tuple[str, Spacing] | None:
    """The element to measure by; PixelSpacing, where it is there, is the calibrated one (PS3.3 10.7.1.3)."""
    for keyword in _ELEMENTS:
        spacing: Spacing = getattr(display, keyword)
        if _is_usable(spacing):
            return keyword, spacing
    return None


def _calibration_stated(display: Display) -> Answer:
    """Asked only where two spacings are given and differ, so that one of them is calibrated."""
    both = _is_usable(display.PixelSpacing) and _is_usable(display.ImagerPixelSpacing)
    if not both or display.PixelSpacing == display.ImagerPixelSpacing:
        return NOT_APPLICABLE
    return bool(display.PixelSpacingCalibrationType)


def _report(subject: Subject) -> Answers:
    display = subject.acquisition.display
    if not is_image(subject.acquisition):
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE)
    found, regions = _found(display), display.SequenceOfUltrasoundRegions > 0
    written = any(getattr(display, keyword) for keyword in _ELEMENTS)
    unknown: Answer = INVALID if written else absent(subject.acquisition, *_ELEMENTS)
    return {
        "spacing.required": subject.acquisition.exam.Modality in MEASURED,
        "spacing.present": found is not None or regions,
        "spacing.source": found[0] if found else "SequenceOfUltrasoundRegions" if regions else unknown,
        "spacing.row_mm": found[1][0] if found else unknown,
        "spacing.column_mm": found[1][1] if found else unknown,
        "spacing.calibration_stated": _calibration_stated(display),
    }


PRODUCER = Reporter("spacing/1", family("spacing"), _report)
