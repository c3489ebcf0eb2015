"""laterality.*: which side, and whether the header contradicts itself, HD10."""

from __future__ import annotations

import re

from capture.acquisition import Exam
from models.header.anatomy_terms import Sides, sides_of
from models.header.modality import PROJECTION
from models.measurement import NotMeasured
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Missing, Reporter, family

_LEGAL = frozenset({"R", "L", "U", "B"})
# Words only: a lone R or L may be part of anything.
_LEFT = re.compile(r"(?<![a-z])(left|links)(?![a-z])|左", re.IGNORECASE)
_RIGHT = re.compile(r"(?<![a-z])(right|rechts)(?![a-z])|右", re.IGNORECASE)
# Asked of projections only: in CT and MR, RT is also radiotherapy and respiratory triggering.
_LT = re.compile(r"(?<![a-z])(lt|lft)(?![a-z])", re.IGNORECASE)
_RT = re.compile(r"(?<![a-z])(rt|rgt)(?![a-z])", re.IGNORECASE)


def _described(exam: Exam) -> frozenset[str]:
    """The one side that the descriptions name; none when they name no side or both."""
    text = " ".join(filter(None, (exam.SeriesDescription, exam.ProtocolName, exam.StudyDescription)))
    short = text if exam.Modality in PROJECTION else ""
    left, right = bool(_LEFT.search(text) or _LT.search(short)), bool(_RIGHT.search(text) or _RT.search(short))
    return frozenset({"L"} if left and not right else {"R"} if right and not left else ())


def _by_part(subject: Subject) -> tuple[Answer, Sides | None]:
    if subject.acquisition.dose_report is not None:
        return NOT_APPLICABLE, None  # its target region is a part, never a side
    if subject.acquisition.exam.Modality == "MG":
        return True, Sides.PAIRED  # a breast, whether or not the body part is written
    fact = subject.so_far.get("body.part")
    if isinstance(fact, NotMeasured):
        return Missing(fact.reason, "the body part is not known"), None
    sides = sides_of(str(fact.value))
    return sides is Sides.PAIRED, sides


def _report(subject: Subject) -> Answers:
    exam = subject.acquisition.exam
    stated = [side.strip().upper() for side in (exam.ImageLaterality, exam.Laterality) if side and side.strip()]
    required, sides = _by_part(subject)
    one_sided = frozenset(stated) & {"L", "R"}
    return {
        "laterality.required": required,
        "laterality.present": bool(stated),
        "laterality.valid": _LEGAL.issuperset(stated) if stated else NOT_IN_HEADER,
        "laterality.stated": next((side for side in stated if side in _LEGAL), NOT_IN_HEADER),
        "laterality.contradiction": len(one_sided | _described(exam)) > 1 if stated else NOT_IN_HEADER,
        "laterality.on_unpaired": required if sides is None else bool(one_sided) and sides is Sides.UNPAIRED,
    }


PRODUCER = Reporter("laterality/1", family("laterality"), _report, needs=frozenset({"body.part"}))
