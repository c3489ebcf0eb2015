"""DICOM dates, times, zones and ages, strictly as PS3.5 6.2 has them."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone

from capture.acquisition import Exam

_TM = re.compile(r"(\d{2})(?:(\d{2})(?:(\d{2})(?:\.(\d{1,6}))?)?)?")
_ZONE = re.compile(r"([+-])(\d{2})(\d{2})")
_AGE = re.compile(r"(\d{3})([DWMY])")
DAYS_PER_YEAR = 365.2425


def da(text: str | None) -> date | None:
    """YYYYMMDD to a date; None for anything else."""
    if not text or not re.fullmatch(r"[0-9]{8}", text.strip()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def tm(text: str | None) -> time | None:
    """HH[MM[SS[.F]]] to a time; second 60 (leap) reads as 59; None for anything else."""
    match = _TM.fullmatch((text or "").strip())
    if not match:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if hour > 23 or minute > 59 or second > 60:
        return None
    return time(hour, minute, min(second, 59), int((match[4] or "0").ljust(6, "0")))


def zone(text: str | None) -> timezone | None:
    """+HHMM or -HHMM, from -1200 to +1400 (PS3.3 C.12.1.1.7); None for anything else."""
    match = _ZONE.fullmatch((text or "").strip())
    if not match:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3])) * (-1 if match[1] == "-" else 1)
    legal = int(match[3]) < 60 and timedelta(hours=-12) <= offset <= timedelta(hours=14) and match[0] != "-0000"
    return timezone(offset) if legal else None


def stated_years(text: str | None) -> tuple[float, float] | None:
    """nnnD, W, M or Y to the years it may mean, from (inclusive) and to (exclusive); None for anything else."""
    match = _AGE.fullmatch((text or "").strip().upper())
    if not match:
        return None
    per_year = {"D": DAYS_PER_YEAR, "W": DAYS_PER_YEAR / 7, "M": 12.0, "Y": 1.0}[match[2]]
    return int(match[1]) / per_year, (int(match[1]) + 1) / per_year


def completed_years(birth: date, on: date) -> int:
    """Birthdays passed; someone born on 29 February has theirs on 1 March in other years."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def exact_years(birth: date, on: date) -> float:
    """Completed years and the part of the running year that has passed."""
    years = completed_years(birth, on)
    last, following = _birthday(birth, years), _birthday(birth, years + 1)
    return years + (on - last) / (following - last)


def _birthday(birth: date, years: int) -> date:
    try:
        return birth.replace(year=birth.year + years)
    except ValueError:
        return date(birth.year + years, 3, 1)


def exam_dates(exam: Exam) -> tuple[str | None, ...]:
    """The dates an exam may have, the one that rules over the others first."""
    return exam.StudyDate, exam.AcquisitionDate, exam.ContentDate


def exam_date(exam: Exam) -> date | None:
    """The first legal date of the exam."""
    return next((day for day in map(da, exam_dates(exam)) if day), None)


def acquired_at(exam: Exam) -> datetime | None:
    """When the picture was made, without a zone: the first legal pair of date and time."""
    pairs = (
        (exam.AcquisitionDate, exam.AcquisitionTime),
        (exam.ContentDate, exam.ContentTime),
        (exam.StudyDate, exam.StudyTime),
    )
    for day, hour in ((da(day), tm(hour)) for day, hour in pairs):
        if day and hour is not None:
            return datetime.combine(day, hour)
    return None
