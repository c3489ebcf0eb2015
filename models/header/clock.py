"""clock.*: the device's clock against the box's, HD06."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from capture.acquisition import Acquisition, Exam
from models.circumstances import Circumstances
from models.header.dates import acquired_at, da, exam_dates, tm, zone
from models.measurement import Reason
from models.producer import Subject
from models.reporting import NOT_IN_HEADER, Answer, Answers, Missing, Reporter, family, flawed

_ELEMENTS = ("StudyDate", "StudyTime", "AcquisitionDate", "AcquisitionTime", "ContentDate", "ContentTime")
_UNSYNCED = Missing(Reason.NOT_RELIABLE, "the clock of this box is not synchronised")
_NO_ZONE = Missing(Reason.NOT_CONFIGURED, "the time zone of the site is unknown to this system")


def _zone(exam: Exam, circumstances: Circumstances) -> tzinfo | Missing:
    stated = zone(exam.TimezoneOffsetFromUTC)
    if stated:
        return stated
    try:
        return ZoneInfo(circumstances.timezone)
    except (OSError, ValueError, KeyError):
        return _NO_ZONE


def _valid(acquisition: Acquisition) -> Answer:
    exam = acquisition.exam
    dates = [text for text in exam_dates(exam) if text]
    times = [text for text in (exam.StudyTime, exam.AcquisitionTime, exam.ContentTime) if text]
    if flawed(acquisition, *_ELEMENTS):
        return False
    if not dates and not times:
        return NOT_IN_HEADER
    return all(da(text) for text in dates) and all(tm(text) is not None for text in times)


def _age_s(exam: Exam, circumstances: Circumstances) -> Answer:
    place, acquired = _zone(exam, circumstances), acquired_at(exam)
    if not circumstances.clock_synced:
        return _UNSYNCED
    if isinstance(place, Missing):
        return place
    if acquired is None:
        return NOT_IN_HEADER
    # By subtraction of milliseconds: datetime.timestamp() would overflow on the first years of the calendar.
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    received_s = circumstances.received_at / 1000
    offset = place.utcoffset(acquired)
    passed = acquired.replace(tzinfo=UTC) - epoch
    return received_s - (passed.total_seconds() - (offset.total_seconds() if offset else 0.0))


def _in_future(exam: Exam, circumstances: Circumstances) -> Answer:
    place = _zone(exam, circumstances)
    days = [day for day in map(da, exam_dates(exam)) if day]
    if not circumstances.clock_synced:
        return _UNSYNCED
    if isinstance(place, Missing):
        return place
    if not days:
        return NOT_IN_HEADER
    return max(days) > datetime.fromtimestamp(circumstances.received_at / 1000, place).date()


def _report(subject: Subject) -> Answers:
    exam, circumstances = subject.acquisition.exam, subject.circumstances
    return {
        "clock.exam_time_present": bool(exam.StudyDate and exam.StudyTime),
        "clock.exam_time_valid": _valid(subject.acquisition),
        "clock.age_s": _age_s(exam, circumstances),
        "clock.in_future": _in_future(exam, circumstances),
        "clock.zone_stated": zone(exam.TimezoneOffsetFromUTC) is not None,
    }


PRODUCER = Reporter("clock/1", family("clock"), _report)
