"""body.*: which part of the body, as the standard's term, HD09."""

from __future__ import annotations

from capture.acquisition import DoseReport, Exam
from models.header.anatomy_terms import is_term, term_of, term_of_code
from models.measurement import Reason
from models.producer import Subject
from models.reporting import INVALID, NOT_IN_HEADER, Answer, Answers, Missing, Reporter, family

_SEVERAL = Missing(Reason.NOT_RELIABLE, "the dose report's events are of several regions")


_LOCALIZER = "constant angle acquisition"
"""Meaning of 113805, DCM: a topogram, whose region is often that of the whole table."""


def _of_report(report: DoseReport) -> Answers:
    """By the Target Region (123014, DCM) of the events; of several regions none can be compared with a limit."""
    scans = [event for event in report.events if (event.acquisition_type or "").strip().lower() != _LOCALIZER]
    codes = {event.region.strip() for event in scans or report.events if event.region and event.region.strip()}
    terms = {term_of_code(code) for code in codes}
    part: Answer = INVALID if codes else NOT_IN_HEADER
    if len(terms) > 1:
        part = _SEVERAL
    elif only := next(iter(terms), None):
        part = only
    return {
        "body.present": bool(codes),
        "body.is_standard_term": NOT_IN_HEADER,
        "body.part": part,
        "body.sources_agree": NOT_IN_HEADER,
    }


def _report(subject: Subject) -> Answers:
    exam: Exam = subject.acquisition.exam
    text, code = (exam.BodyPartExamined or "").strip(), (exam.AnatomicRegion or "").strip()
    if subject.acquisition.dose_report is not None and not text and not code:
        return _of_report(subject.acquisition.dose_report)
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
