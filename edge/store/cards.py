"""Cards: a case as the pages show it, one query for all of them. Nothing here writes.

Patient identity is read only when the caller says that the viewer may see it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import LABEL_STYLE_TABLENAME_PLUS_COL, Connection, Select, func, or_, select

from capture.text import Bilingual
from edge.store.cases import SETS, why
from edge.store.schema import (
    account,
    acquisition,
    alert,
    case,
    decision,
    device,
    finding,
    image_set,
    set_member,
    verdict,
)
from edge.store.set_cards import OfSet, in_a_set, sets_of
from edge.store.verdicts import Drawing, drawings_of, finding_of, not_assessed_of
from models.rules.verdict import Finding, NotAssessed, Severity

_WEIGHT = {Severity.VETO: 0, Severity.MAJOR: 1, Severity.MINOR: 2, Severity.INFO: 3}
_LOOK_BACK = 20
"""Rows read for each card shown: so many images alike can stand behind one."""
SHEET = (800, 1200)
"""Rows and columns of a set's picture: models.sets.sheet, which loads what no page needs."""
_any_verdict, _any_decision = verdict.alias("any_verdict"), decision.alias("any_decision")
latest_verdict = (
    select(func.max(_any_verdict.c.id))
    .where(_any_verdict.c.case_id == case.c.id, _any_verdict.c.mode == "active")
    .correlate(case)
    .scalar_subquery()
)
"""Id of the verdict that counts, in a query over ``case``."""
standing_decision = (
    select(func.max(_any_decision.c.id))
    .where(_any_decision.c.case_id == case.c.id, _any_decision.c.undone_at.is_(None))
    .correlate(case)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True, repr=False)
class Patient:
    """Who it is, as the header says. ``repr`` shows nothing."""

    name: str
    id: str
    birth_date: str
    sex: str
    accession_number: str
    descriptions: tuple[str, ...]
    """Study and series description: free text, so it counts as identity."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person decided on a case."""

    id: int
    action: str
    reason_code: str | None
    comment: str | None
    created_at: int
    undone_at: int | None
    account_id: int
    who: str


@dataclass(frozen=True, slots=True)
class Card:
    """One case as the board shows it. ``verdict_id`` None: not judged yet, or set aside."""

    case_id: str
    received_at: int
    state: str
    source: str
    reason_code: str | None
    reason: Bilingual | None
    hint: Bilingual | None
    device: str
    modality: str | None
    body_part: str | None
    view: str | None
    laterality: str | None
    rows: int | None
    columns: int | None
    preview_sha256: str | None
    verdict_id: int | None
    grade: str | None
    score: float | None
    not_assessed: tuple[NotAssessed, ...]
    alert_id: int | None
    dedupe_key: str | None
    level: str | None
    needs_acknowledgement: bool
    acknowledged_at: int | None
    acknowledged_by: str | None
    decided: Decided | None
    findings: tuple[Finding, ...]
    """The gravest first."""
    patient: Patient | None
    drawings: tuple[Drawing, ...]
    of_set: OfSet | None = None
    series_number: int | None = None
    from_screen: bool = False
    """Its picture was taken from a console's screen."""
    alike: int = 1
    """How many images this card stands for: one series with the same findings makes one card."""

    @property
    def open(self) -> bool:
        """Whether it still waits for a person."""
        return self.needs_acknowledgement and self.acknowledged_at is None

    @property
    def marked(self) -> bool:
        """Whether there is something to draw over the picture."""
        return bool(self.drawings) or any(found.regions for found in self.findings)


def recent(connection: Connection, limit: int, *, identity: bool) -> tuple[Card, ...]:
    """The newest cases, judged or not, for a list: without drawings; images alike make one row."""
    newest = (
        select(case.c.id, alert.c.dedupe_key)
        .select_from(case)
        .outerjoin(alert, alert.c.verdict_id == latest_verdict)
        .where(case.c.state != "duplicate", or_(~in_a_set, alert.c.needs_acknowledgement == 1))
        .order_by(case.c.id.desc())
        .limit(limit * _LOOK_BACK)
    )
    return _grouped(connection, newest, limit, identity, drawn=False)


def on_board(connection: Connection, since: int, limit: int, *, identity: bool) -> tuple[Card, ...]:
    """The newest alert, and below it every alert that still waits for a person, newest first."""
    newest = (
        select(alert.c.case_id, alert.c.dedupe_key)
        .join(case, case.c.id == alert.c.case_id)
        .where(or_(~in_a_set, alert.c.needs_acknowledgement == 1))
        .order_by(alert.c.id.desc())
        .limit(1)
    )
    waiting = (
        select(alert.c.case_id, alert.c.dedupe_key)
        .where(alert.c.needs_acknowledgement == 1, alert.c.acknowledged_at.is_(None), alert.c.created_at >= since)
        .order_by(alert.c.id.desc())
        .limit(limit * _LOOK_BACK)
    )
    first = _grouped(connection, newest, 1, identity)
    others = _grouped(connection, waiting, limit, identity)
    shown = {card.dedupe_key for card in first}
    same = {card.dedupe_key: card.alike for card in others}
    return tuple(replace(card, alike=same.get(card.dedupe_key, 1)) for card in first) + tuple(
        card for card in others if card.open and card.dedupe_key not in shown
    )


def one(connection: Connection, case_id: str, *, identity: bool) -> Card | None:
    """One case."""
    found = _read(connection, _cards().where(case.c.id == case_id), identity)
    return found[0] if found else None


def members(connection: Connection, case_id: str, limit: int, *, identity: bool) -> tuple[Card, ...]:
    """Of a study its series; of a series the images that are not as they should be, those alike as one card.

    The first ones first.
    """
    row = connection.execute(select(image_set).where(image_set.c.case_id == case_id)).first()
    if row is None:
        return ()
    if row.level == "study":
        of_it = select(image_set.c.case_id).where(
            image_set.c.exam_id == row.exam_id, image_set.c.level == "series"
        )
        series = _cards().where(case.c.id.in_(of_it)).order_by(case.c.id).limit(limit)
        return _read(connection, series, identity, drawn=False)
    of_it = select(set_member.c.case_id).where(set_member.c.set_id == row.id)
    images = (
        select(case.c.id, alert.c.dedupe_key)
        .select_from(case)
        .outerjoin(verdict, verdict.c.id == latest_verdict)
        .outerjoin(alert, alert.c.verdict_id == verdict.c.id)
        .where(case.c.id.in_(of_it), or_(verdict.c.grade != "jia", case.c.state == "set_aside"))
        .order_by(case.c.id)
    )
    return _grouped(connection, images, limit, identity, drawn=False)


def set_aside(connection: Connection, limit: int, *, identity: bool) -> tuple[Card, ...]:
    """Cases that need a person, newest first."""
    return _read(
        connection, _cards().where(case.c.state == "set_aside").order_by(case.c.id.desc()).limit(limit), identity
    )


def _cards() -> Select[Any]:
    seen_by = account.alias("seen_by")
    decided_by = account.alias("decided_by")
    return (
        select(
            case,
            acquisition,
            device,
            verdict,
            alert,
            decision,
            seen_by.c.display_name.label("seen_by"),
            decided_by.c.display_name.label("decided_by"),
        )
        .set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)
        .select_from(case)
        .outerjoin(acquisition, acquisition.c.case_id == case.c.id)
        .outerjoin(device, device.c.id == case.c.device_id)
        .outerjoin(verdict, verdict.c.id == latest_verdict)
        .outerjoin(alert, alert.c.verdict_id == verdict.c.id)
        .outerjoin(decision, decision.c.id == standing_decision)
        .outerjoin(seen_by, seen_by.c.id == alert.c.acknowledged_by)
        .outerjoin(decided_by, decided_by.c.id == decision.c.account_id)
    )


def _grouped(
    connection: Connection, query: Select[Any], limit: int, identity: bool, *, drawn: bool = True
) -> tuple[Card, ...]:
    """Cards of the first ``limit`` groups of (case id, dedupe key) rows, in their order, with their sizes."""
    first: dict[str, str] = {}
    sizes: dict[str, int] = defaultdict(int)
    for case_id, key in connection.execute(query):
        first.setdefault(key or case_id, case_id)
        sizes[key or case_id] += 1
    chosen = dict(list(first.items())[:limit])
    found = _read(connection, _cards().where(case.c.id.in_(chosen.values())), identity, drawn=drawn)
    by_case = {card.case_id: card for card in found}
    return tuple(
        replace(by_case[case_id], alike=sizes[key]) for key, case_id in chosen.items() if case_id in by_case
    )


def _read(connection: Connection, query: Select[Any], identity: bool, *, drawn: bool = True) -> tuple[Card, ...]:
    rows = connection.execute(query).all()
    found: dict[int | None, list[Finding]] = defaultdict(list)
    judged = [row.verdict_id for row in rows if row.verdict_id is not None]
    for row in connection.execute(select(finding).where(finding.c.verdict_id.in_(judged))):
        found[row.verdict_id].append(finding_of(row))
    of_set = sets_of(connection, [row for row in rows if row.case__kind in SETS])
    return tuple(
        replace(
            _card(row, tuple(sorted(found[row.verdict_id], key=_gravity)), identity, drawn),
            of_set=of_set.get(row.case__id),
        )
        for row in rows
    )


def _gravity(found: Finding) -> tuple[bool, int, float, str]:
    return found.level != "fail", _WEIGHT[found.severity], -found.deduct, found.rule_id


def _card(row: Any, findings: tuple[Finding, ...], identity: bool, drawn: bool) -> Card:
    return Card(
        case_id=row.case__id,
        received_at=row.case__received_at,
        state=row.case__state,
        source=row.case__source,
        reason_code=row.case__reason_code,
        reason=why(row.case__reason),
        hint=why(row.case__hint),
        device=_device_name(row),
        modality=row.acquisition_modality,
        body_part=row.acquisition_body_part,
        view=row.acquisition_view,
        laterality=row.acquisition_laterality,
        rows=SHEET[0] if row.case__kind in SETS else row.acquisition_rows,
        columns=SHEET[1] if row.case__kind in SETS else row.acquisition_columns,
        preview_sha256=row.acquisition_preview_sha256,
        verdict_id=row.verdict_id,
        grade=row.verdict_grade,
        score=row.verdict_score,
        not_assessed=not_assessed_of(row.verdict_not_assessed or "[]"),
        alert_id=row.alert_id,
        dedupe_key=row.alert_dedupe_key,
        level=row.alert_level,
        needs_acknowledgement=bool(row.alert_needs_acknowledgement),
        acknowledged_at=row.alert_acknowledged_at,
        acknowledged_by=row.seen_by,
        decided=None if row.decision_id is None else _decided_on_card(row),
        findings=findings,
        patient=_patient(row) if identity and row.acquisition_case_id is not None else None,
        drawings=drawings_of(row.verdict_marks) if drawn else (),
        series_number=row.acquisition_series_number if row.case__kind != "study" else None,
        from_screen=row.case__kind == "frame",
    )


def _device_name(row: Any) -> str:
    named = (row.device_label, row.device_station, row.device_model, row.case__calling_ae, row.case__source)
    return str(next((name for name in named if name), ""))


def _patient(row: Any) -> Patient:
    descriptions = (row.acquisition_study_description, row.acquisition_series_description)
    return Patient(
        name=row.acquisition_patient_name or "",
        id=row.acquisition_patient_id or "",
        birth_date=row.acquisition_patient_birth_date or "",
        sex=row.acquisition_patient_sex or "",
        accession_number=row.acquisition_accession_number or "",
        descriptions=tuple(text for text in descriptions if text),
    )


def _decided_on_card(row: Any) -> Decided:
    return Decided(
        row.decision_id,
        row.decision_action,
        row.decision_reason_code,
        row.decision_comment,
        row.decision_created_at,
        row.decision_undone_at,
        row.decision_account_id,
        row.decided_by,
    )
