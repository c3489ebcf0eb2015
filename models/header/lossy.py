"""lossy.*: whether something was thrown away in compression, and whether it is said, HD19."""

from __future__ import annotations

from pydicom import uid

from capture.acquisition import Display
from models.header.modality import is_image
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answers, Reporter, family

# Only those that cannot be lossless: JPEG 2000, JPEG-LS near-lossless and HTJ2K may be either (PS3.5 8.2).
_ALWAYS_LOSSY = frozenset(
    (
        uid.JPEGBaseline8Bit,
        uid.JPEGExtended12Bit,
        uid.MPEG2MPML,
        uid.MPEG2MPHL,
        uid.MPEG4HP41,
        uid.MPEG4HP41BD,
        uid.MPEG4HP422D,
        uid.MPEG4HP423D,
        uid.MPEG4HP42STEREO,
        uid.HEVCMP51,
        uid.HEVCM10P51,
    )
)


def _is_consistent(display: Display, transfer_syntax: str | None) -> bool:
    """The flag is legal, says lossy where syntax, method or ratio do, and each method has its ratio."""
    flag = (display.LossyImageCompression or "").strip()
    ratios, methods = display.LossyImageCompressionRatio, display.LossyImageCompressionMethod
    lossy = transfer_syntax in _ALWAYS_LOSSY or bool(ratios) or any(methods)
    return (
        flag in ("", "00", "01") and (flag == "01" or not lossy) and (not methods or len(methods) == len(ratios))
    )


def _report(subject: Subject) -> Answers:
    display = subject.acquisition.display
    if not is_image(subject.acquisition):
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE)
    flag = (display.LossyImageCompression or "").strip()
    return {
        "lossy.flagged": flag == "01" if flag else NOT_IN_HEADER,
        "lossy.flag_consistent": _is_consistent(display, subject.acquisition.exam.TransferSyntaxUID),
        "lossy.ratio": max(display.LossyImageCompressionRatio, default=NOT_IN_HEADER),
    }


PRODUCER = Reporter("lossy/1", family("lossy"), _report)
