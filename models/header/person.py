"""person.*: sex, birth date and age, HD02."""

from __future__ import annotations

from datetime import date

from models.header.dates import completed_years, da, exact_years, exam_date, stated_years
from models.measurement import Reason
from models.producer import Subject
from models.reporting import INVALID, NOT_IN_HEADER, Answer, Answers, Missing, Reporter, family, flawed

OLDEST_YEARS = 130
"""A birth date further back than this is a typing mistake: nobody is known to have lived beyond 122."""


_NO_AGE = Missing(Reason.NOT_RELIABLE, "000Y without a birth date is what devices write when they do not know")


def _sex_valid(sex: str | None) -> Answer:
    return sex.strip() in ("M", "F", "O") if sex and sex.strip() else NOT_IN_HEADER


def _is_plausible(birth: date, on: date | None) -> bool:
    """Where the exam has a date: not born after it, nor absurdly long before it."""
    return on is None or (birth <= on and completed_years(birth, on) <= OLDEST_YEARS)


def _disagreement(birth: date, on: date, stated: tuple[float, float]) -> float:
    """Years from the age by birth date to the nearest age that PatientAge may mean."""
    exact, (least, beyond) = exact_years(birth, on), stated
    return max(least - exact, exact - beyond, 0.0)


def _ages(birth: date | None, on: date | None, stated: tuple[float, float] | None, given: bool) -> Answers:
    """The three age facts. ``given``: something was written where an age could come from."""
    unknown = INVALID if given else NOT_IN_HEADER
    age: Answer = unknown
    source: Answer = unknown
    disagreement: Answer = unknown
    if birth and on:
        age, source = completed_years(birth, on), "PatientBirthDate"
        disagreement = _disagreement(birth, on, stated) if stated else NOT_IN_HEADER
    elif stated == (0.0, 1.0):
        age = source = disagreement = _NO_AGE
    elif stated:
        age, source, disagreement = int(stated[0]), "PatientAge", NOT_IN_HEADER
    return {
        "person.age_years": age,
        "person.age_source": source,
        "person.age_disagreement_years": disagreement,
    }


def _report(subject: Subject) -> Answers:
    exam = subject.acquisition.exam
    text = (subject.acquisition.identity.PatientBirthDate or "").strip()
    on, stated = exam_date(exam), stated_years(exam.PatientAge)
    wrong = flawed(subject.acquisition, "PatientBirthDate")
    birth = da(text)
    if birth and not _is_plausible(birth, on):
        birth = None
    given = bool(text or exam.PatientAge) or flawed(subject.acquisition, "PatientBirthDate", "PatientAge")
    return {
        "person.sex_present": bool((exam.PatientSex or "").strip()),
        "person.sex_valid": _sex_valid(exam.PatientSex),
        "person.birth_date_present": bool(text) or wrong,
        "person.birth_date_valid": birth is not None and not wrong if text or wrong else NOT_IN_HEADER,
        **_ages(birth, on, stated, given),
    }


PRODUCER = Reporter("person/1", family("person"), _report)
