"""body.*: which part of the body, as the standard's term, HD09."""

from __future__ import annotations

from capture.acquisition import Exam
from models.header.anatomy_terms import is_term, term_of, term_of_code
from models.producer import Subject
from models.reporting import INVALID, NOT_IN_HEADER, Answer, Answers, Reporter, family


def _report(subject: Subject) -> Answers:
    exam: Exam = subject.acquisition.exam
    text, code = (exam.BodyPartExamined or "").strip(), (exam.AnatomicRegion or "").strip()
    by_text, by_code = term_of(text), term_of_code(code)
    unknown: Answer = INVALID if text or code else NOT_IN_HEADER
    agree: Answer = unknown if text and code else NOT_IN_HEADER
    if by_text and by_code:
        agree = by_text == by_code
    return {
        "body.present": bool(text or code),
        "body.is_standard_term": is_term(text) if text else NOT_IN_HEADER,
        "body.part": by_text or by_code or unknown,
        "body.sources_agree": agree,
    }


PRODUCER = Reporter("body/1", family("body"), _report)
