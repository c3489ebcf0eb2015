"""The one transaction in which a judged case gets its rows: all of them, or none."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, select

from capture.digest import bears_its_name
from capture.errors import SetAside
from cloud_sync.wire.messages import DeviceFacts, SetAsideData, SetAsideEvent
from edge.clock import now_ms
from edge.pipeline import baselines, report, states
from edge.pipeline.alerting import alert_for, alert_for_set_aside
from edge.pipeline.work import Outcome
from edge.services import Services
from edge.store import cases, devices, sets
from edge.store.alerts import add_alert
from edge.store.cases import Case
from edge.store.schema import outbox
from edge.store.sets import Content, Visit
from edge.store.verdicts import add_acquisition, add_verdict
from models.circumstances import Circumstances
from models.rules.verdict import Grade, Verdict


@dataclass(frozen=True, slots=True)
class Stored:
    """How a case ended. ``alert_id`` None: nothing was stored, judge again knowing ``same_uid_other_bytes``."""

    alert_id: int | None
    ended: str = ""
    grade: Grade | None = None
    score: float | None = None
    device: str = ""
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of an outcome are."""

    preview_sha256: str | None = None
    record_sha256: str | None = None


def store_outcome(
    connection: Connection, services: Services, case: Case, outcome: Outcome, files: Files, visit: Visit
) -> Stored:
    """Acquisition, device, study, verdict, measurements, findings, alert, event, and the case's new state."""
    now = now_ms()
    read, arrival = outcome.acquisition, case.arrival
    who, modality = read.identity, read.exam.Modality
    if not outcome.circumstances.same_uid_other_bytes:
        others = cases.other_hashes(connection, who.SOPInstanceUID, arrival.digest)
        # The same bytes have another hash where they came before hashes were BLAKE3.
        if any(not bears_its_name(services.blobs.path(arrival.digest), other) for other in others):
            return Stored(None)
    key = outcome.circumstances.device_key
    device_id = devices.seen(connection, key, read.device, arrival.calling_ae, modality, arrival.received_at)
    study_uid = who.StudyInstanceUID
    exam_id = devices.study(connection, study_uid, modality, arrival.received_at) if study_uid else None
    states.move(connection, case.id, "judging", "judged", now, device_id=device_id, exam_id=exam_id)
    # What a screen shows of one image, first and after a change, is one card.
    of_screen = arrival.association if arrival.kind == "frame" else ""
    group = who.SeriesInstanceUID or of_screen or case.id
    alert_id = _write(connection, services, case, outcome, files.preview_sha256, group)
    if outcome.kept is not None:
        kept = replace(outcome.kept, record_sha256=files.record_sha256)
        visit.join(arrival, who, kept, device_id=device_id, exam_id=exam_id)
    return _stored(alert_id, outcome)


def store_set(
    connection: Connection, services: Services, case: Case, content: Content, outcome: Outcome, files: Files
) -> Stored:
    """The verdict on a set, if it is still the set that was judged. Its identity is that of its middle image."""
    now = now_ms()
    if sets.changes(connection, case.id) != content.changes:
        # An image joined meanwhile and set the time at which it is due; that is no attempt that failed.
        states.move(connection, case.id, "judging", "held", now, attempts=0)
        return Stored(None)
    states.move(connection, case.id, "judging", "judged", now, next_at=None)
    who = sets.identity_of(connection, outcome.acquisition.arrival_id, content.level)
    outcome = replace(outcome, acquisition=replace(outcome.acquisition, identity=who))
    of_set = report.OfSet(content.level, content.images, content.completeness.whole)
    alert_id = _write(connection, services, case, outcome, files.preview_sha256, case.id, of_set)
    return _stored(alert_id, outcome)


def _write(
    connection: Connection,
    services: Services,
    case: Case,
    outcome: Outcome,
    preview_sha256: str | None,
    group: str,
    of_set: report.OfSet | None = None,
) -> int:
    """The rows that every verdict has; return the alert's id. ``group``: whose alerts make one card."""
    now, verdict, arrival, reporter = now_ms(), outcome.verdict, case.arrival, services.reporter
    add_acquisition(connection, case.id, outcome.acquisition, outcome.circumstances, preview_sha256)
    verdict_id = add_verdict(connection, case.id, verdict, outcome.facts, now)
    baselines.learn(connection, case, outcome, now)
    if outcome.shadow is not None:
        # The facts are those of the verdict that counts; stored twice they would say nothing more.
        add_verdict(connection, case.id, outcome.shadow, (), now)
    alert_id = add_alert(connection, case.id, verdict_id, alert_for(verdict, group, now), now)
    content = report.result_data(
        outcome.acquisition, outcome.facts, verdict, arrival.received_at, now, arrival.calling_ae,
        reporter.pseudonym, of_set, None if case.kind == "dicom" else _replaced(connection, case.id),
    )  # fmt: skip
    services.outbox.add(
        connection,
        report.RESULT,
        lambda seq, event_id, stream: reporter.encode_result(content, seq, event_id, stream),
        case.id,
    )
    return alert_id


def _stored(alert_id: int, outcome: Outcome) -> Stored:
    verdict = outcome.verdict
    key = outcome.circumstances.device_key
    return Stored(alert_id, verdict.grade or "not_judged", verdict.grade, verdict.score, key)


def _replaced(connection: Connection, case_id: str) -> int | None:
    """The number of the event that told the centre the verdict before."""
    query = select(func.max(outbox.c.seq)).where(outbox.c.case_id == case_id, outbox.c.type == report.RESULT)
    seq: int | None = connection.scalar(query)
    return seq


def store_set_aside(
    connection: Connection, services: Services, case: Case, circumstances: Circumstances, error: SetAside
) -> Stored:
    """A case nobody could judge: a verdict without a grade, an alert and an event, so that it is not silent."""
    now = now_ms()
    arrival, reporter = case.arrival, services.reporter
    cases.set_aside(connection, case.id, error, now)
    add_acquisition(connection, case.id, None, circumstances, None)
    nothing = Verdict(grade=None, score=None, findings=(), not_assessed=(), passed=(), packs=())
    verdict_id = add_verdict(connection, case.id, nothing, (), now)
    alert_id = add_alert(connection, case.id, verdict_id, alert_for_set_aside(case.id), now)
    content = SetAsideData(
        device=DeviceFacts(ae=arrival.calling_ae or None), received=arrival.received_at, reason_code=error.code
    )
    services.outbox.add(
        connection,
        report.SET_ASIDE,
        lambda seq, event_id, stream: reporter.encode(SetAsideEvent, content, seq, event_id, stream),
        case.id,
    )
    return Stored(alert_id, "set_aside", code=error.code)
