"""A judgement as rows: the acquisition, its verdict and findings. One owner of their JSON columns.

JSON columns hold the frozen values of ``models`` field by field (``finding.detail`` the fields that have no
column of their own), written and read only here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, bindparam, func, select

from capture.acquisition import Acquisition
from capture.text import Bilingual
from edge.store.facts import add_facts
from edge.store.schema import acquisition, finding, verdict
from models.circumstances import Circumstances
from models.measurement import Mark, Measured, Measurement, Region
from models.rules.verdict import BundleUsed, Finding, Fingerprint, Limit, NotAssessed, Severity, Timing, Verdict

_CIRCUMSTANCES = TypeAdapter(Circumstances)
_FINGERPRINTS = TypeAdapter(tuple[Fingerprint, ...])
_BUNDLES = TypeAdapter(tuple[BundleUsed, ...])
_TEXTS = TypeAdapter(tuple[str, ...])
_NOT_ASSESSED = TypeAdapter(tuple[NotAssessed, ...])
_TIMINGS = TypeAdapter(tuple[Timing, ...])


@dataclass(frozen=True, slots=True)
class FindingDetail:
    """What ``finding.detail`` holds."""

    evidence: tuple[Measurement, ...]
    limits: tuple[Limit, ...]
    layer: str
    pack: str
    source: str
    evidence_label: str
    codes: tuple[str, ...]
    regions: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One mark, and the measurements that it belongs to: the lungs belong to many."""

    mark: Mark
    facts: tuple[str, ...]


_DETAIL = TypeAdapter(FindingDetail)
_DRAWINGS = TypeAdapter(tuple[Drawing, ...])
_FORGET = acquisition.delete().where(acquisition.c.case_id == bindparam("of_case"))
_ACQUISITION = acquisition.insert()
_EARLIER = select(func.max(verdict.c.id)).where(
    verdict.c.case_id == bindparam("of_case"), verdict.c.mode == bindparam("mode")
)
_VERDICT = verdict.insert().returning(verdict.c.id)
_FINE = 4
"""Decimals of a mark's points that are kept: a third of a pixel of the largest detector."""


def add_acquisition(
    connection: Connection,
    case_id: str,
    read: Acquisition | None,
    circumstances: Circumstances,
    preview_sha256: str | None,
) -> None:
    """The row with identity; of an unreadable object only the circumstances. A later try replaces it."""
    row: dict[str, object] = {
        "case_id": case_id,
        "circumstances": _CIRCUMSTANCES.dump_json(circumstances).decode(),
    }
    if read is not None:
        row |= _identity(read) | _exam(read) | {"preview_sha256": preview_sha256}
    connection.execute(_FORGET, {"of_case": case_id})
    connection.execute(_ACQUISITION, row)


def add_verdict(connection: Connection, case_id: str, judged: Verdict, facts: Iterable[Measured], now: int) -> int:
    """Verdict, facts and findings; return the verdict's id. A later one names the one it replaces."""
    known = tuple(facts)
    drawings = _drawings(known)
    row = {
        "case_id": case_id,
        "mode": judged.mode,
        "grade": judged.grade,
        "score": judged.score,
        "packs": _FINGERPRINTS.dump_json(judged.packs).decode(),
        "bundles": _BUNDLES.dump_json(judged.bundles).decode(),
        "passed": _TEXTS.dump_json(judged.passed).decode(),
        "not_assessed": _NOT_ASSESSED.dump_json(judged.not_assessed).decode(),
        "timings": _TIMINGS.dump_json(judged.timings).decode(),
        "marks": _DRAWINGS.dump_json(drawings).decode() if drawings else None,
        "replaces": connection.scalar(_EARLIER, {"of_case": case_id, "mode": judged.mode}),
        "created_at": now,
    }
    verdict_id = int(connection.scalars(_VERDICT, row).one())
    add_facts(connection, verdict_id, known)
    if judged.findings:
        connection.execute(finding.insert(), [_finding(verdict_id, found) for found in judged.findings])
    return verdict_id


def finding_of(row: Row[Any]) -> Finding:
    """A row of ``finding`` as the value it was."""
    detail = _DETAIL.validate_json(row.detail)
    return Finding(
        rule_id=row.rule_id,
        level=row.level,
        severity=Severity(row.severity),
        group=row.group_,
        deduct=row.deduct,
        title=Bilingual(row.title_zh, row.title_en),
        advice=Bilingual(row.advice_zh, row.advice_en),
        evidence=detail.evidence,
        limits=detail.limits,
        layer=detail.layer,
        pack=detail.pack,
        source=detail.source,
        evidence_label=detail.evidence_label,
        codes=detail.codes,
        regions=detail.regions,
    )


def packs_of(packs: str) -> tuple[Fingerprint, ...]:
    """The column ``verdict.packs``."""
    return _FINGERPRINTS.validate_json(packs)


def drawings_of(marks: str | None) -> tuple[Drawing, ...]:
    """The column ``verdict.marks``: none when nothing was drawn, or when the picture is gone."""
    return _DRAWINGS.validate_json(marks) if marks else ()


def bundles_of(bundles: str) -> tuple[BundleUsed, ...]:
    """The column ``verdict.bundles``."""
    return _BUNDLES.validate_json(bundles)


def not_assessed_of(not_assessed: str) -> tuple[NotAssessed, ...]:
    """The column ``verdict.not_assessed``."""
    return _NOT_ASSESSED.validate_json(not_assessed)


def timings_of(timings: str) -> tuple[Timing, ...]:
    """The column ``verdict.timings``."""
    return _TIMINGS.validate_json(timings)


def circumstances_of(circumstances: str) -> Circumstances:
    """The column ``acquisition.circumstances``."""
    return _CIRCUMSTANCES.validate_json(circumstances)


def _identity(read: Acquisition) -> dict[str, object]:
    who = read.identity
    return {
        "sop_uid": who.SOPInstanceUID,
        "series_uid": who.SeriesInstanceUID,
        "study_uid": who.StudyInstanceUID,
        "patient_id": who.PatientID,
        "patient_id_issuer": who.IssuerOfPatientID,
        "patient_name": who.PatientName,
        "patient_birth_date": who.PatientBirthDate,
        "patient_sex": read.exam.PatientSex,
        "accession_number": who.AccessionNumber,
        "operator": who.OperatorsName,
    }


def _exam(read: Acquisition) -> dict[str, object]:
    exam = read.exam
    return {
        "sop_class": exam.SOPClassUID,
        "modality": exam.Modality,
        "body_part": exam.BodyPartExamined,
        "view": exam.ViewPosition,
        "laterality": exam.ImageLaterality or exam.Laterality,
        "study_description": exam.StudyDescription,
        "series_description": exam.SeriesDescription,
        "series_number": _fits(exam.SeriesNumber),
        "instance_number": _fits(exam.InstanceNumber),
        "acquired": acquired(read),
        "rows": read.display.Rows,
        "columns": read.display.Columns,
    }


def acquired(read: Acquisition) -> str | None:
    """The device's own local time of the exposure, ISO 8601 without zone, from the first date that is there."""
    exam = read.exam
    for date, time in (
        (exam.AcquisitionDate, exam.AcquisitionTime),
        (exam.ContentDate, exam.ContentTime),
        (exam.StudyDate, exam.StudyTime),
    ):
        if date and len(date) == 8 and date.isdigit():
            day = f"{date[:4]}-{date[4:6]}-{date[6:]}"
            whole = time is not None and len(time) >= 6 and time[:6].isdigit()
            return f"{day}T{time[:2]}:{time[2:4]}:{time[4:6]}" if whole and time else day
    return None


def _fits(number: int | None) -> int | None:
    """An INTEGER of SQLite has 64 bits; an IS of a broken object may have more."""
    return number if number is not None and abs(number) < 1 << 63 else None


def _drawings(facts: Iterable[Measured]) -> tuple[Drawing, ...]:
    """Each mark once. Where only captions differ, that of the first name stays: mm before percent."""
    found: dict[object, Drawing] = {}
    for fact in sorted(facts, key=lambda fact: fact.name):
        for mark in fact.marks if isinstance(fact, Measurement) else ():
            points = tuple((round(x, _FINE), round(y, _FINE)) for x, y in mark.points)
            if not points or not all(math.isfinite(number) for point in points for number in point):
                continue
            key = mark.kind, mark.name, points
            earlier = found.get(key, Drawing(replace(mark, points=points), ()))
            found[key] = replace(earlier, facts=(*earlier.facts, fact.name))
    return tuple(found.values())


def _finding(verdict_id: int, found: Finding) -> dict[str, object]:
    # The marks are beside the verdict; here they would stand once more for every finding.
    evidence = tuple(replace(fact, marks=()) for fact in found.evidence)
    detail = FindingDetail(
        evidence, found.limits, found.layer, found.pack,
        found.source, found.evidence_label, found.codes, found.regions,
    )  # fmt: skip
    return {
        "verdict_id": verdict_id,
        "rule_id": found.rule_id,
        "level": found.level,
        "severity": found.severity,
        "group_": found.group,
        "deduct": found.deduct,
        "title_zh": found.title.zh,
        "title_en": found.title.en,
        "advice_zh": found.advice.zh,
        "advice_en": found.advice.en,
        "detail": _DETAIL.dump_json(detail).decode(),
    }
