"""object.*: what kind of object it is, so that rules can leave out localizers, derived images and reports."""

from __future__ import annotations

import re

from pydicom.uid import (
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
)

from capture.acquisition import Exam, NoPixels
from models.header.modality import SLICES, is_image
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Reporter, family

_SECONDARY_CAPTURE = frozenset(
    (
        SecondaryCaptureImageStorage,
        MultiFrameSingleBitSecondaryCaptureImageStorage,
        MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
        MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
        MultiFrameTrueColorSecondaryCaptureImageStorage,
    )
)
# The vendors' own words, because MR localizers rarely say LOCALIZER in ImageType. Asked of slices only: a
# skeletal survey is a series of radiographs, and the scout of a breast biopsy a mammogram.
_SCOUT = re.compile(
    r"locali[sz]er|scout|topogram|scano(gram)?|surview|survey|定位|(?<![a-z])loc(?![a-z])", re.IGNORECASE
)
_MADE_OF_OTHERS = frozenset(
    [
        "ADC",
        "ADDITION",
        "ANISO",
        "CBF",
        "CBV",
        "COLFA",
        "COMPOSED",
        "DIVISION",
        "EADC",
        "FA",
        "MAXIMUM",
        "MEAN",
        "MINIMUM",
        "MINIP",
        "MIP",
        "MPR",
        "MTT",
        "MULTIPLICATION",
        "PROJECTION",
        "QUANTITY",
        "RCBF",
        "RCBV",
        "REFORMATTED",
        "RESAMPLED",
        "STD",
        "SUB",
        "SUBTRACTION",
        "TMAX",
        "TRACE",
        "TRACEW",
        "TTP",
        "VOLREN",
        "3D",
    ]
)
"""Words in ImageType of pictures computed from others (PS3.3 C.8.16.2.1.4, and those that devices write)."""


def is_derived(exam: Exam) -> bool:
    """Made from other pictures. DERIVED alone does not say that: a picture that was only compressed with loss
    must be called DERIVED too, and stays PRIMARY (PS3.3 C.7.6.1.1.2)."""
    kinds = _kinds(exam)
    if "DERIVED" not in kinds[:1]:
        return False
    words = {word for kind in kinds[2:] for word in re.findall(r"[A-Z0-9]+", kind)}
    return "SECONDARY" in kinds[1:2] or not _MADE_OF_OTHERS.isdisjoint(words)


def is_localizer(exam: Exam) -> bool:
    """A scout, by ImageType or by what its series is called."""
    named = exam.Modality in SLICES and _SCOUT.search(exam.SeriesDescription or "") is not None
    return "LOCALIZER" in _kinds(exam) or named


def is_secondary_capture(exam: Exam) -> bool:
    """A picture of a screen or a page."""
    return exam.SOPClassUID in _SECONDARY_CAPTURE or "SECONDARY" in _kinds(exam)[1:2]


def _kinds(exam: Exam) -> tuple[str, ...]:
    return tuple(kind.strip().upper() for kind in exam.ImageType)


def _report(subject: Subject) -> Answers:
    acquisition, exam = subject.acquisition, subject.acquisition.exam
    image = is_image(acquisition)
    kinds = _kinds(exam)

    def of_image(answer: Answer) -> Answer:
        return answer if image else NOT_APPLICABLE

    def of_type(answer: bool) -> Answer:
        return of_image(answer if kinds else NOT_IN_HEADER)

    unreadable = acquisition.pixels if isinstance(acquisition.pixels, NoPixels) else None
    return {
        "object.is_image": image,
        "object.is_dose_report": acquisition.dose_report is not None,
        "object.is_original": of_type("ORIGINAL" in kinds[:1]),
        "object.is_derived": of_type(is_derived(exam)),
        "object.is_localizer": of_image(is_localizer(exam)),
        "object.is_secondary_capture": of_image(is_secondary_capture(exam)),
        "object.pixels_readable": of_image(unreadable is None),
        "object.pixels_fault": of_image(unreadable.code if unreadable else NOT_APPLICABLE),
        "object.faults": tuple(sorted({fault.code for fault in acquisition.faults})),
    }


PRODUCER = Reporter("objects/1", family("object"), _report)
