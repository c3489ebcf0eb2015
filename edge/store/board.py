"""What the pages read beside the cards: alerts, history, devices and the counts of a day. Nothing here writes."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, or_, select

from edge.store.baselines import drifting
from edge.store.cards import Decided, latest_verdict
from edge.store.facts import facts_of
from edge.store.schema import account, alert, case, decision, device, finding, verdict
from edge.store.set_cards import in_a_set
from edge.store.verdicts import bundles_of, finding_of, packs_of, timings_of
from models.catalogue import catalogue
from models.measurement import Measured
from models.rules.verdict import BundleUsed, Finding, Fingerprint, Timing


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert without its words: what the live stream replays. Holds no identity."""

    id: int
    case_id: str
    level: str
    grade: str | None
    needs_acknowledgement: bool
    acknowledged_at: int | None
    created_at: int


def alerts_after(connection: Connection, last_id: int, limit: int) -> tuple[AlertRow, ...]:
    """The newest ``limit`` alerts with a higher id, oldest first. A good slice is told with its series only."""
    query = (
        select(alert, verdict.c.grade)
        .join(verdict, verdict.c.id == alert.c.verdict_id)
        .join(case, case.c.id == alert.c.case_id)
        .where(alert.c.id > last_id, or_(alert.c.needs_acknowledgement == 1, ~in_a_set))
        .order_by(alert.c.id.desc())
        .limit(limit)
    )
    rows = connection.execute(query).all()
    return tuple(
        AlertRow(
            row.id,
            row.case_id,
            row.level,
            row.grade,
            bool(row.needs_acknowledgement),
            row.acknowledged_at,
            row.created_at,
        )
        for row in reversed(rows)
    )


def last_alert_id(connection: Connection) -> int:
    """0 when there is none."""
    return int(connection.scalar(select(func.max(alert.c.id))) or 0)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """One verdict of a case's history."""

    id: int
    mode: str
    grade: str | None
    score: float | None
    packs: tuple[Fingerprint, ...]
    bundles: tuple[BundleUsed, ...]
    timings: tuple[Timing, ...]
    passed: int
    created_at: int


def verdicts(connection: Connection, case_id: str) -> tuple[Verdicts, ...]:
    """Every verdict of a case, newest first."""
    rows = connection.execute(select(verdict).where(verdict.c.case_id == case_id).order_by(verdict.c.id.desc()))
    return tuple(
        Verdicts(
            row.id,
            row.mode,
            row.grade,
            row.score,
            packs_of(row.packs),
            bundles_of(row.bundles),
            timings_of(row.timings),
            len(json.loads(row.passed)),
            row.created_at,
        )
        for row in rows
    )


def facts(connection: Connection, verdict_id: int, *, identity: bool) -> tuple[Measured, ...]:
    """All measurements of a verdict by name, measured or not; free text of the site only with identity."""
    known = facts_of(connection, [verdict_id]).get(verdict_id, ())
    return tuple(fact for fact in known if identity or leaves_site(fact.name))


def leaves_site(name: str) -> bool:
    """Whether a measurement may be told to those who may not see a patient: the catalogue says so."""
    entry = catalogue().get(name)
    return entry is not None and entry.leaves_site


def decisions(connection: Connection, case_id: str) -> tuple[Decided, ...]:
    """Every decision on a case, also undone ones, newest first."""
    query = (
        select(decision, account.c.display_name)
        .join(account, account.c.id == decision.c.account_id)
        .where(decision.c.case_id == case_id)
        .order_by(decision.c.id.desc())
    )
    return tuple(_decided(row) for row in connection.execute(query))


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device and its day."""

    id: int
    name: str
    key: str
    modality: str | None
    manufacturer: str | None
    model: str | None
    station: str | None
    institution: str | None
    calling_ae: str
    last_seen: int
    today: dict[str, int]
    """Images and series since midnight by grade; ``none`` for those that no pack judged."""
    findings: tuple[Finding, ...]
    """Findings of the latest images, newest first."""
    drifts: tuple[str, ...] = ()
    """Measures whose latest numbers moved away from the first ones."""

    @property
    def images_today(self) -> int:
        return sum(self.today.values())


def devices(connection: Connection, since: int, with_findings: int = 0) -> tuple[DeviceRow, ...]:
    """Devices, the one that sent last first, with counts by grade since a time."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    counted = (
        select(case.c.device_id, verdict.c.grade, func.count())
        .select_from(case)
        .join(verdict, verdict.c.id == latest_verdict)
        .where(case.c.received_at >= since, case.c.device_id.is_not(None), ~in_a_set)
        .group_by(case.c.device_id, verdict.c.grade)
    )
    for device_id, grade, count in connection.execute(counted):
        counts[device_id][grade or "none"] = count
    moved = drifting(connection)
    return tuple(
        DeviceRow(
            row.id,
            _name_of(row),
            row.key,
            row.modality,
            row.manufacturer,
            row.model,
            row.station,
            row.institution,
            row.calling_ae,
            row.last_seen,
            counts[row.id],
            _last_findings(connection, row.id, with_findings),
            moved.get(row.id, ()),
        )
        for row in connection.execute(select(device).order_by(device.c.last_seen.desc()))
    )


def graded(connection: Connection, since: int) -> dict[str, int]:
    """Images and series since a time by grade; ``none`` for those that no pack judged."""
    query = (
        select(verdict.c.grade, func.count())
        .select_from(case)
        .join(verdict, verdict.c.id == latest_verdict)
        .where(case.c.received_at >= since, ~in_a_set)
        .group_by(verdict.c.grade)
    )
    return {grade or "none": count for grade, count in connection.execute(query)}


def _name_of(row: Any) -> str:
    return str(row.label or row.station or row.model or row.calling_ae or row.key)


def _last_findings(connection: Connection, device_id: int, limit: int) -> tuple[Finding, ...]:
    if not limit:
        return ()
    query = (
        select(finding)
        .join(verdict, verdict.c.id == finding.c.verdict_id)
        .join(case, case.c.id == verdict.c.case_id)
        .where(case.c.device_id == device_id, verdict.c.id == latest_verdict)
        .order_by(finding.c.id.desc())
        .limit(limit * 10)
    )
    newest = {row.rule_id: row for row in reversed(connection.execute(query).all())}
    rows = sorted(newest.values(), key=lambda row: int(row.id), reverse=True)
    return tuple(finding_of(row) for row in rows[:limit])


def _decided(row: Any) -> Decided:
    return Decided(
        row.id,
        row.action,
        row.reason_code,
        row.comment,
        row.created_at,
        row.undone_at,
        row.account_id,
        row.display_name,
    )
