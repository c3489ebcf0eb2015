"""What a device says of its images: performed procedure steps (PS3.4 F.7), requests for commitment (PS3.4 J.3)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from capture.dicom.fields import Header
from capture.dicom.options import ReadOptions
from capture.dicom.part10 import Part10, open_content, open_object
from capture.dicom.places import charset_of
from capture.errors import SetAside

StepState = Literal["in_progress", "completed", "discontinued"]
_STATES: dict[str, StepState] = {"COMPLETED": "completed", "DISCONTINUED": "discontinued"}


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """What N-CREATE or N-SET says of a performed procedure step."""

    uid: str
    study_uid: str | None
    """Only N-CREATE names the study."""
    state: StepState
    series: tuple[tuple[str, tuple[str, ...]], ...]
    """SeriesInstanceUID, and the SOPInstanceUIDs of its images."""


@dataclass(frozen=True, slots=True, repr=False)
class Commitment:
    """Images that a device wants to be told are safe."""

    uid: str
    """Of the transaction."""
    instances: tuple[str, ...]


def read_step(path: Path) -> Step:
    """A performed procedure step as the spool holds it.

    Raises:
        SetAside: it cannot be read, or does not say which step it is.
        OSError: the file cannot be opened.
    """
    header, uid = _open(path)
    scheduled = header.sequence("ScheduledStepAttributesSequence")
    return Step(
        uid=uid,
        study_uid=Header(scheduled[:1], header.charset).text("StudyInstanceUID"),
        state=_STATES.get(header.text("PerformedProcedureStepStatus") or "", "in_progress"),
        series=tuple(
            (series_uid, _instances(one, "ReferencedImageSequence"))
            for place in header.sequence("PerformedSeriesSequence")
            if (series_uid := (one := Header((place,), header.charset)).text("SeriesInstanceUID"))
        ),
    )


def read_commitment(path: Path) -> Commitment:
    """A request for storage commitment as the spool holds it. Raises as :func:`read_step`."""
    header, uid = _open(path)
    return Commitment(header.text("TransactionUID") or uid, _instances(header, "ReferencedSOPSequence"))


def is_request(content: bytes) -> bool:
    """Whether a request for commitment has a transaction UID and images, each with class and instance UID.

    PS3.4 table J.3-1 requires all of it.
    """
    options = ReadOptions()
    try:
        header = _header(open_content(content, options.max_inflated, options.max_elements))
    except SetAside:
        return False
    images = [Header((item,), header.charset) for item in header.sequence("ReferencedSOPSequence")]
    named = [one.text("ReferencedSOPClassUID") and one.text("ReferencedSOPInstanceUID") for one in images]
    return bool(header.text("TransactionUID") and named and all(named))


def _open(path: Path) -> tuple[Header, str]:
    options = ReadOptions()
    opened = open_object(path, options.max_inflated, options.max_elements)
    return _header(opened), opened.sop_instance or ""


def _header(opened: Part10) -> Header:
    return Header((opened.data_set,), charset_of(opened.data_set, None))


def _instances(header: Header, sequence: str) -> tuple[str, ...]:
    items = (Header((item,), header.charset) for item in header.sequence(sequence))
    return tuple(uid for item in items if (uid := item.text("ReferencedSOPInstanceUID")))
