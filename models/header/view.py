"""view.*: the projection, HD11."""

from __future__ import annotations

from functools import lru_cache

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from capture.acquisition import Exam
from models.header.modality import PROJECTION, is_image
from models.producer import Subject
from models.reporting import INVALID, NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Reporter, family

_DX, _MG = codes.CID4010, codes.CID4014
_BY_CODE = (
    ("PA", _DX.PosteroAnterior),
    ("PA", Code("R-10214", "SRT", "postero-anterior")),  # older editions; pydicom's map has only R-40888
    ("AP", _DX.AnteroPosterior),
    ("LL", _DX.LeftLateral),
    ("RL", _DX.RightLateral),
    ("LLO", _DX.LeftOblique),
    ("RLO", _DX.RightOblique),
    ("LAT", _DX.LateralProjection),
    ("CC", _MG.CranioCaudal),
    ("MLO", _MG.MedioLateralObliqueProjection),
    ("ML", _MG.MedioLateralProjection),
    ("LM", _MG.LateroMedial),
    ("LMO", _MG.LateroMedialOblique),
    ("FB", _MG.CaudoCranial),
    ("SIO", _MG.SuperolateralToInferomedialOblique),
    ("ISO", _MG.InferomedialToSuperolateralOblique),
    ("XCCL", _MG.CranioCaudalExaggeratedLaterally),
    ("XCCM", _MG.CranioCaudalExaggeratedMedially),
)
"""ViewPosition of a coded view (PS3.16 CID 4010, CID 4014 with ACR terms). LAT is a lateral of unknown side."""

STANDARD = frozenset({"RLD", "LLD"} | {term for term, _ in _BY_CODE}) - {"LAT"}
"""Defined terms: PS3.3 C.8.1.2 for CR, and the ACR terms of CID 4014 for mammography."""
_WRITTEN = {"LAT": "LAT", "LATERAL": "LAT", "P-A": "PA", "A-P": "AP", "LLAT": "LL", "RLAT": "RL"}
"""Other ways in which devices write the same."""


@lru_cache(maxsize=256)
def _by_code(value: str) -> str | None:
    code = Code(value, "SCT" if value.isdecimal() else "SRT", "")
    return next((term for term, known in _BY_CODE if known == code), None)


def _by_text(text: str) -> str | None:
    term = text.upper()
    return term if term in STANDARD else _WRITTEN.get(term)


def _agree(by_text: str, by_code: str) -> bool:
    """A lateral of unknown side agrees with either lateral."""
    return by_text == by_code or ("LAT" in (by_text, by_code) and {by_text, by_code} <= {"LAT", "LL", "RL"})


def _report(subject: Subject) -> Answers:
    exam: Exam = subject.acquisition.exam
    text, code = (exam.ViewPosition or "").strip(), (exam.ViewCode or "").strip()
    by_text, by_code = _by_text(text), _by_code(code) if code else None
    projection = exam.Modality in PROJECTION and is_image(subject.acquisition)
    unknown: Answer = INVALID if text or code else NOT_IN_HEADER

    agree: Answer = unknown if text and code else NOT_IN_HEADER
    if by_text and by_code:
        agree = _agree(by_text, by_code)

    def of_projection(answer: Answer) -> Answer:
        return answer if projection else NOT_APPLICABLE

    return {
        "view.required": projection,
        "view.present": of_projection(bool(text or code)),
        "view.projection": of_projection(by_text or by_code or unknown),
        "view.is_standard_term": of_projection(text in STANDARD if text else NOT_IN_HEADER),
        "view.sources_agree": of_projection(agree),
        "view.orientation_present": of_projection(any(part.strip() for part in exam.PatientOrientation)),
    }


PRODUCER = Reporter("view/1", family("view"), _report)
