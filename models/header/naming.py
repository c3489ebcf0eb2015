"""naming.*: whether the series is called what the rules of the region ask for, HD12, CC16.

Grammar (image-qc.md 6.6): ``part-plane-weight or kernel-thickness-phase``, as ``CHEST-AX-LUNG-1.25-PLAIN``.
It has a plane and a thickness, so it is for slices; a radiograph's description has no grammar.
"""

from __future__ import annotations

import re

from capture.acquisition import Exam
from models.header.modality import SLICES
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Reporter, family

_PLANE = re.compile(
    r"ax|axi|axial|tra|trans|transverse|cor|coronal|sag|sagittal|obl|oblique|(横断|轴|冠状?|矢状?|斜)[位面]?",
    re.IGNORECASE,
)
_THICKNESS = re.compile(r"(\d{1,2}(?:\.\d{1,3})?)(?:mm)?", re.IGNORECASE)
_PHASE = re.compile(
    r"(?<![a-z])(plain|non[- ]?contrast|nc|pre|post|c\+|c-|ce|arterial|art|venous|portal|pv|delay(ed)?|enhanced)"
    r"(?![a-z])"
    r"|平扫|增强|动脉期|静脉期|门脉期|延迟期|排泄期|实质期",
    re.IGNORECASE,
)
TOLERANCE_MM = 0.1


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[-－—]", text)]


def _named_thickness(parts: list[str]) -> float | None:
    match = _THICKNESS.fullmatch(parts[3]) if len(parts) in (4, 5) else None
    return float(match[1]) if match else None


def names_phase(exam: Exam) -> bool | None:
    """Whether series, protocol or study are called after a phase of contrast; None when none of them is named."""
    descriptions = " ".join(filter(None, (exam.SeriesDescription, exam.ProtocolName, exam.StudyDescription)))
    return _PHASE.search(descriptions) is not None if descriptions.strip() else None


def _report(subject: Subject) -> Answers:
    exam = subject.acquisition.exam
    text = (exam.SeriesDescription or "").strip()
    phase = names_phase(exam)
    parts, actual = _parts(text), subject.acquisition.technique.SliceThickness
    named = _named_thickness(parts)

    def of_slices(answer: Answer) -> Answer:
        if exam.Modality not in SLICES:
            return NOT_APPLICABLE
        return answer if text else NOT_IN_HEADER

    fits = len(parts) in (4, 5) and all(parts) and _PLANE.fullmatch(parts[1]) is not None and named is not None
    agrees: Answer = NOT_IN_HEADER
    if named is not None and actual is not None:
        agrees = abs(named - actual) <= TOLERANCE_MM + 1e-9
    return {
        "naming.description_present": bool(text),
        "naming.part_count": of_slices(len(parts)),
        "naming.matches_grammar": of_slices(fits),
        "naming.thickness_mm": of_slices(NOT_IN_HEADER if named is None else named),
        "naming.thickness_agrees": of_slices(agrees),
        "naming.phase_named": NOT_IN_HEADER if phase is None else phase,
    }


PRODUCER = Reporter("naming/1", family("naming"), _report)
