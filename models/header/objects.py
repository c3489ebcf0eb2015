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

from capture.acquisition import NoPixels
from models.header.modality import is_image
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
# The vendors' own words, because MR localizers rarely say LOCALIZER in ImageType.
_SCOUT = re.compile(r"locali[sz]er|scout|topogram|scanogram|surview|survey|定位", re.IGNORECASE)


def _report(subject: Subject) -> Answers:
    acquisition, exam = subject.acquisition, subject.acquisition.exam
    image = is_image(acquisition)
    kinds = tuple(kind.upper() for kind in exam.ImageType)

    def of_image(answer: Answer) -> Answer:
        return answer if image else NOT_APPLICABLE

    def of_type(answer: bool) -> Answer:
        return of_image(answer if kinds else NOT_IN_HEADER)

    secondary = exam.SOPClassUID in _SECONDARY_CAPTURE or "SECONDARY" in kinds[1:2]
    unreadable = acquisition.pixels if isinstance(acquisition.pixels, NoPixels) else None
    return {
        "object.is_image": image,
        "object.is_dose_report": acquisition.dose_report is not None,
        "object.is_original": of_type("ORIGINAL" in kinds[:1]),
        "object.is_derived": of_type("DERIVED" in kinds[:1]),
        "object.is_localizer": of_image("LOCALIZER" in kinds or bool(_SCOUT.search(exam.SeriesDescription or ""))),
        "object.is_secondary_capture": of_image(secondary),
        "object.pixels_readable": of_image(unreadable is None),
        "object.pixels_fault": of_image(unreadable.code if unreadable else NOT_APPLICABLE),
        "object.faults": tuple(sorted({fault.code for fault in acquisition.faults})),
    }


PRODUCER = Reporter("objects/1", family("object"), _report)
