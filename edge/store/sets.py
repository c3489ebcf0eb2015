"""Sets: which images belong to a series or study, and what is known of it when it is judged.

A set is a case whose ``next_at`` is the time at which it is due: it survives any crash, and dispatch finds it as
it finds an image. Whenever an image joins or a device says something, that time is worked out anew
(:mod:`edge.store.set_due`).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert

from capture.acquisition import DoseReport, Identity
from capture.arrival import Arrival, arrival_id
from edge.store.evidence import said_of
from edge.store.schema import acquisition, case, device, image_set, set_member
from edge.store.set_due import Quiet, counted_by_headers, hold
from models.sets.image_set import Completeness, Level

_DOSE_REPORT = TypeAdapter(DoseReport)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of an image that belongs to a set, and where the rest is kept."""

    frames: int
    excluded: str | None = None
    expected: int | None = None
    dose_report: DoseReport | None = None
    record_sha256: str | None = None
    time: int | None = None
    """Which of the times of a dynamic series it is of."""
    times: int | None = None
    """How many that series was to have."""


@dataclass(frozen=True, slots=True)
class Content:
    """A set as it stood when it was claimed."""

    level: Level
    changes: int
    device_key: str
    records: tuple[tuple[str, str, str], ...]
    """SeriesInstanceUID, id of the arrival and sha256 of its record, in the order of arrival."""
    dose_reports: tuple[DoseReport, ...]
    completeness: Completeness
    images: int
    """Different ones, of those that count for the verdict."""


class Visit:
    """One transaction in which images join their sets. :meth:`close` works out when those sets are due."""

    def __init__(self, connection: Connection, quiet: Quiet, now: int) -> None:
        self._connection, self._quiet, self._now = connection, quiet, now
        self._new: dict[int, bool] = {}

    def join(
        self, arrival: Arrival, identity: Identity, kept: Kept, *, device_id: int, exam_id: int | None
    ) -> None:
        """An image has been judged: enter it into its series and study, which are then due later, or again."""
        if identity.SeriesInstanceUID is None:
            return
        connection = self._connection
        place = {"exam_id": exam_id, "device_id": device_id}
        series = _seen(connection, "series", identity.SeriesInstanceUID, arrival, place)
        is_new = not _is_known(connection, series.id, identity.SOPInstanceUID, arrival.id)
        _enter(connection, series.id, arrival.id, kept)
        self._touch(series, arrival, is_new, judged=kept.excluded is None and kept.frames > 0)
        if identity.StudyInstanceUID is not None:
            study = _seen(connection, "study", identity.StudyInstanceUID, arrival, place)
            self._touch(study, arrival, is_new, judged=kept.frames > 0)

    def close(self) -> None:
        """Once for each set, however many images joined it."""
        for row in self._rows(list(self._new)):
            hold(self._connection, row, self._quiet, self._now, joined=True, is_new=self._new[row.id])

    def rethink(self, sets: Sequence[int]) -> None:
        """Something was said about these sets: work out anew when they are due."""
        for row in self._rows(sets):
            hold(self._connection, row, self._quiet, self._now, joined=False, is_new=False)

    def _rows(self, sets: Sequence[int]) -> Sequence[Row[Any]]:
        query = select(image_set).where(image_set.c.id.in_(sets), image_set.c.case_id.is_not(None))
        return self._connection.execute(query).all()

    def _touch(self, row: Row[Any], arrival: Arrival, is_new: bool, *, judged: bool) -> None:
        self._new[row.id] = self._new.get(row.id, False) or is_new
        if judged and row.case_id is None:
            _give_case(self._connection, row, arrival, self._now)


def of_association(connection: Connection, association: str) -> list[int]:
    """The sets that have an image which this association brought."""
    query = (
        select(set_member.c.set_id)
        .join(case, case.c.id == set_member.c.case_id)
        .where(case.c.association == association)
        .distinct()
    )
    return list(connection.scalars(query))


def content(connection: Connection, case_id: str) -> Content:
    """What a set that was claimed consists of.

    Raises:
        sqlalchemy.exc.NoResultFound: the case is not a set.
    """
    row = connection.execute(select(image_set).where(image_set.c.case_id == case_id)).one()
    query = (
        select(set_member, _series.c.uid.label("series_uid"), acquisition.c.sop_uid, case.c.pixels_gone_at)
        .join(_series, _series.c.id == set_member.c.set_id)
        .join(case, case.c.id == set_member.c.case_id)
        .outerjoin(acquisition, acquisition.c.case_id == set_member.c.case_id)
        .where(_is_of(row))
        .order_by(set_member.c.case_id)
    )
    members = connection.execute(query).all()
    judged = [one for one in members if row.level == "study" or one.excluded is None]
    kept = [one for one in judged if one.record_sha256 and one.pixels_gone_at is None]
    images = len({one.sop_uid or one.case_id for one in judged if one.dose_report is None})
    reports = [one.dose_report for one in members if one.dose_report]
    return Content(
        level=row.level,
        changes=row.changes,
        device_key=connection.scalar(select(device.c.key).where(device.c.id == row.device_id)) or "",
        records=tuple((one.series_uid, one.case_id, one.record_sha256) for one in kept),
        dose_reports=tuple(_DOSE_REPORT.validate_json(one) for one in reports),
        completeness=_completeness(
            connection, row, len([one for one in judged if not one.dose_report]) - len(kept)
        ),
        images=images,
    )


def changes(connection: Connection, case_id: str) -> int:
    """How often the set has changed so far."""
    return int(connection.scalars(select(image_set.c.changes).where(image_set.c.case_id == case_id)).one())


def identity_of(connection: Connection, case_id: str, level: Level) -> Identity:
    """Who a set is of, by one of its images."""
    row = connection.execute(select(acquisition).where(acquisition.c.case_id == case_id)).one()
    return Identity(
        PatientID=row.patient_id,
        PatientName=row.patient_name,
        PatientBirthDate=row.patient_birth_date,
        IssuerOfPatientID=row.patient_id_issuer,
        AccessionNumber=row.accession_number,
        OperatorsName=row.operator,
        StudyInstanceUID=row.study_uid,
        SeriesInstanceUID=row.series_uid if level == "series" else None,
    )


_SET = insert(image_set)
_SEEN = _SET.on_conflict_do_update(
    index_elements=["level", "uid"],
    set_={
        "last_image_at": func.max(image_set.c.last_image_at, _SET.excluded.last_image_at),
        "changes": image_set.c.changes + 1,
        "exam_id": _SET.excluded.exam_id,
        "device_id": _SET.excluded.device_id,
    },
).returning(image_set)
_MEMBER = insert(set_member)
_ENTER = _MEMBER.on_conflict_do_update(
    index_elements=["case_id"],
    set_={one.name: _MEMBER.excluded[one.name] for one in set_member.c if one.name != "case_id"},
)
# Images of one UID are few; with the set in the condition, SQLite would look through all images of the set.
_SAME_IMAGE = (
    select(set_member.c.set_id)
    .join(acquisition, acquisition.c.case_id == set_member.c.case_id)
    .where(
        acquisition.c.sop_uid.is_not_distinct_from(bindparam("sop_uid")),
        set_member.c.case_id != bindparam("case_id"),
    )
)


def _seen(
    connection: Connection, level: Level, uid: str, arrival: Arrival, place: dict[str, int | None]
) -> Row[Any]:
    at = arrival.received_at
    row = {"level": level, "uid": uid, "calling_ae": arrival.calling_ae, "opened_at": at, "last_image_at": at}
    return connection.execute(_SEEN, {**row, "changes": 1, **place}).one()


def _is_known(connection: Connection, set_id: int, sop_uid: str | None, case_id: str) -> bool:
    """Whether the set has this very image already, perhaps with other bytes."""
    return set_id in connection.scalars(_SAME_IMAGE, {"sop_uid": sop_uid, "case_id": case_id}).all()


def _enter(connection: Connection, set_id: int, case_id: str, kept: Kept) -> None:
    report = kept.dose_report
    row = {
        "case_id": case_id,
        "set_id": set_id,
        "excluded": kept.excluded,
        "record_sha256": kept.record_sha256,
        "frames": kept.frames,
        "expected": kept.expected,
        "time": kept.time,
        "times": kept.times,
        "dose_report": None if report is None else _DOSE_REPORT.dump_json(report).decode(),
    }
    connection.execute(_ENTER, row)


def _give_case(connection: Connection, row: Row[Any], arrival: Arrival, now: int) -> None:
    """A case of its own, made when the first image comes that the set can be judged by."""
    sha256 = secrets.token_hex(32)
    case_id = arrival_id(arrival.received_at, sha256)
    connection.execute(
        case.insert().values(
            id=case_id,
            sha256=sha256,
            size=0,
            kind=row.level,
            source=arrival.source,
            calling_ae=arrival.calling_ae,
            peer=arrival.peer,
            received_at=row.last_image_at,
            state="held",
            device_id=row.device_id,
            exam_id=row.exam_id,
            updated_at=now,
        )
    )
    connection.execute(image_set.update().where(image_set.c.id == row.id).values(case_id=case_id))


_series = image_set.alias("series")


def _is_of(row: Row[Any]) -> ColumnElement[bool]:
    """Over ``_series``: whether a series is this one, or one of this study."""
    if row.level == "series":
        return _series.c.id == int(row.id)
    return and_(_series.c.level == "series", _series.c.exam_id == int(row.exam_id))


def _completeness(connection: Connection, row: Row[Any], unread: int) -> Completeness:
    said = said_of(connection, row.level, row.uid, row.id)
    expected, short = (None, False) if said is None else (said.expected, said.missing)
    contradicts = False
    if said is None and row.level == "series":
        count = counted_by_headers(connection, row.id)
        expected, short, contradicts = count.expected, count.is_short, count.contradicts
    unread += _set_aside_beside(connection, row)
    whole = row.because is not None and not short and unread == 0
    return Completeness(whole, row.because if whole else None, expected, unread, contradicts)


def _set_aside_beside(connection: Connection, row: Row[Any]) -> int:
    """Objects that nobody could read and that came with these images: they may have been of this set."""
    beside = (
        select(case.c.association)
        .join(set_member, set_member.c.case_id == case.c.id)
        .join(_series, _series.c.id == set_member.c.set_id)
        .where(_is_of(row), case.c.association.is_not(None))
    )
    query = select(func.count()).where(
        case.c.state == "set_aside", case.c.kind == "dicom", case.c.association.in_(beside)
    )
    return connection.scalar(query) or 0
