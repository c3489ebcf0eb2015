"""child.*, burned_in.*, count.* and index.*: what the header says for other systems and rules, HD20 to HD23."""

from __future__ import annotations

import re

from models.header.dates import da, tm
from models.producer import Subject
from models.reporting import NOT_IN_HEADER, Answer, Answers, Reporter, absent, family

_CHILD = re.compile(
    r"child"  # also inside a word: ThoraxRoutineChild
    r"|(?<![a-z])(infant|baby|babies|babygram|neonat\w*|newborn|nicu|picu|toddler|kid|kids|p(a)?ed(s|iatric\w*|i)?)(?![a-z])"
    r"|儿童|小儿|儿科|婴|新生儿|幼儿|患儿",
    re.IGNORECASE,
)
_PERSON_CODE = re.compile(r"[0-9]{26}")
"""Imaging index of the insurance cloud, draft of December 2025: 26 digits name the person (image-qc.md 5)."""


def _child(subject: Subject) -> Answer:
    exam = subject.acquisition.exam
    texts = [text for text in (exam.ProtocolName, exam.SeriesDescription, exam.StudyDescription) if text]
    return bool(_CHILD.search(" ".join(texts))) if texts else NOT_IN_HEADER


def _index(subject: Subject) -> Answers:
    exam, identity = subject.acquisition.exam, subject.acquisition.identity
    person = _PERSON_CODE.fullmatch((identity.PatientID or "").strip()) is not None
    # Twelve digits YYYYMMDDhhmm need the minute, which a TM may leave out.
    time = (
        da(exam.StudyDate) is not None
        and tm(exam.StudyTime) is not None
        and len((exam.StudyTime or "").strip()) >= 4
    )
    return {
        "index.person_code_present": person,
        "index.time_composable": time,
        "index.parts_composable": person and time,
    }


def _report(subject: Subject) -> Answers:
    exam = subject.acquisition.exam
    burned = (exam.BurnedInAnnotation or "").strip()
    expected = exam.ImagesInAcquisition
    return {
        "child.protocol_named": _child(subject),
        "burned_in.stated": burned in ("YES", "NO"),
        "burned_in.flagged": burned == "YES"
        if burned in ("YES", "NO")
        else absent(subject.acquisition, "BurnedInAnnotation"),
        "count.expected": absent(subject.acquisition, "ImagesInAcquisition") if expected is None else expected,
        **_index(subject),
    }


PRODUCER = Reporter("notes/1", family("child", "burned_in", "count", "index"), _report)
