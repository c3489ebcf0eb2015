"""Which images belong to a set that is judged as a whole, and which of them say nothing about their series."""

from __future__ import annotations

from typing import Literal

from capture.acquisition import Acquisition, Exam

Exclusion = Literal["localizer", "derived", "secondary_capture", "dose_report"]
_MODALITIES = frozenset({"CT", "MR"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
"""And those below it, of several frames (PS3.4 B.5)."""


def belongs_to_a_set(one: Acquisition) -> bool:
    """CT and MR images, and dose reports (which count for their study). Radiographs stand alone."""
    return one.dose_report is not None or (one.exam.Modality in _MODALITIES and one.display.Rows is not None)


def excluded(one: Acquisition) -> Exclusion | None:
    """Why an image does not count for a verdict on its series; None when it does (mrQA issue 43)."""
    return "dose_report" if one.dose_report is not None else excluded_by(one.exam)


def excluded_by(exam: Exam) -> Exclusion | None:
    """:func:`excluded`, of an image, by its header (ImageType: PS3.3 C.7.6.1.1.2, C.8.2.1.1.1, C.8.3.1.1.1)."""
    sop_class = exam.SOPClassUID or ""
    if sop_class == _SECONDARY_CAPTURE or sop_class.startswith(_SECONDARY_CAPTURE + "."):
        return "secondary_capture"
    if "LOCALIZER" in exam.ImageType:
        return "localizer"
    return "derived" if exam.ImageType[:1] == ("DERIVED",) else None
