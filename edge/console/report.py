"""What a person did, as events for the centre. Roles only: no name of a patient or of staff leaves the site."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from cloud_sync.wire import messages, words
from edge.pipeline.report import RESULT
from edge.services import Services
from edge.store.accounts import Account
from edge.store.decisions import Decision
from edge.store.overrides import SiteOverride
from edge.store.schema import outbox


def tell_decision(connection: Connection, services: Services, made: Decision, who: Account) -> None:
    """Queue a decision, or its undoing, in the transaction that stores it."""
    content = messages.DecisionData(
        result_seq=_result_seq(connection, made.case_id),
        action=words.Action(made.action),
        reason_code=made.reason_code,
        role=words.Role(who.role),
        decided=made.undone_at or made.created_at,
        undone=made.undone_at is not None,
    )
    _queue(connection, services, messages.DecisionEvent, content, made.case_id)


def tell_acknowledged(connection: Connection, services: Services, case_id: str, who: Account, now: int) -> None:
    """Queue that a person has seen an alert."""
    content = messages.AlertAckData(
        result_seq=_result_seq(connection, case_id), role=words.Role(who.role), acknowledged=now
    )
    _queue(connection, services, messages.AlertAckEvent, content, case_id)


def tell_override(connection: Connection, services: Services, made: SiteOverride | None, who: Account) -> None:
    """Queue what the site changed in a rule, or took back. Persons and notes stay on the site."""
    if made is None:
        return
    change = made.change
    content = messages.OverrideData(
        override=str(made.id),
        layer=made.layer,
        subject=made.subject if made.layer == "L5" else "",
        rule=change.rule,
        limits=tuple(messages.AppliedLimit(name=name, value=value) for name, value in change.limit.items()),
        enabled=change.enabled,
        severity=None if change.severity is None else words.Severity(change.severity),
        role=words.Role(who.role),
        at=made.removed_at or made.at,
        removed=made.removed_at is not None,
    )
    _queue(connection, services, messages.OverrideEvent, content)


def _queue(
    connection: Connection,
    services: Services,
    event: type[messages.Event],
    content: words.Wire,
    case_id: str | None = None,
) -> None:
    def payload(seq: int, event_id: str, stream: str) -> bytes:
        return services.reporter.encode(event, content, seq, event_id, stream)

    services.outbox.add(connection, str(event.model_fields["type"].default), payload, case_id)


def _result_seq(connection: Connection, case_id: str) -> int | None:
    """The number of the result that the centre knows the case by."""
    query = select(func.max(outbox.c.seq)).where(outbox.c.case_id == case_id, outbox.c.type == RESULT)
    found: int | None = connection.scalar(query)
    return found
