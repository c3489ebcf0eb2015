"""What a person does with an alert: acknowledge it, decide, undo. Each is one transaction of the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from sqlalchemy import Connection, insert, select, update

from capture.errors import Misuse
from capture.text import Bilingual
from edge.store import audit
from edge.store.accounts import Account
from edge.store.schema import alert, decision, verdict

Action = Literal["accept", "repeat", "override"]
ACTIONS: tuple[Action, ...] = get_args(Action)
_BAD_GRADES = ("bing", "fei")
AGAIN = Bilingual("刷新页面后再试", "Reload the page and try again")


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision as stored; ``undone_at`` set: taken back."""

    id: int
    case_id: str
    action: Action
    reason_code: str | None
    created_at: int
    undone_at: int | None


def decide(
    connection: Connection,
    case_id: str,
    who: Account,
    action: str,
    *,
    reason_code: str | None,
    comment: str | None,
    now: int,
) -> Decision:
    """Store a decision on the case's verdict and acknowledge its alert.

    An image of grade C or D cannot simply be accepted: it is repeated or released, both with a reason
    (image-qc.md, section 5).

    Raises:
        Misuse: no verdict to decide on, an unknown action, or the reason is missing.
    """
    judged = _verdict(connection, case_id)
    if action not in ACTIONS:
        raise Misuse("decision.action", Bilingual("没有这种决定", "There is no such decision"), AGAIN)
    if action == "accept" and judged.grade in _BAD_GRADES:
        raise Misuse(
            "decision.accept",
            Bilingual("丙级和废片不能直接接受", "Grades C and D cannot simply be accepted"),
            AGAIN,
        )
    if action != "accept" and not reason_code:
        raise Misuse("decision.reason", Bilingual("缺少原因", "The reason is missing"), AGAIN)
    if action == "override" and not plain(comment or ""):
        raise Misuse("decision.comment", Bilingual("人工放行需要说明", "A release needs a comment"), AGAIN)
    values = {"reason_code": reason_code, "comment": plain(comment or "") or None}
    made = connection.execute(
        insert(decision).values(
            case_id=case_id, verdict_id=judged.id, account_id=who.id, action=action, created_at=now, **values
        )
    )
    acknowledge(connection, case_id, who, now)
    audit.add(connection, now, who.id, f"decision.{action}", case_id, reason_code or "")
    number = cast("tuple[int]", made.inserted_primary_key)[0]
    return Decision(number, case_id, action, reason_code, now, None)


def undo(connection: Connection, decision_id: int, who: Account, now: int, window_ms: int) -> Decision:
    """Take a decision back; its alert waits for a person again.

    Raises:
        Misuse: it is somebody else's (a QC lead may), too old, or taken back already.
    """
    row = connection.execute(select(decision).where(decision.c.id == decision_id)).one_or_none()
    if row is None or row.undone_at is not None:
        raise Misuse("decision.gone", Bilingual("该决定已撤销", "This decision was taken back already"), AGAIN)
    if row.account_id != who.id and who.role != "qc-lead":
        raise Misuse(
            "decision.other", Bilingual("只能撤销自己的决定", "Only your own decisions can be undone"), AGAIN
        )
    if now - row.created_at > window_ms:
        raise Misuse("decision.late", Bilingual("超过可撤销的时间", "It is too late to undo this"), AGAIN)
    connection.execute(update(decision).where(decision.c.id == decision_id).values(undone_at=now))
    connection.execute(
        update(alert)
        .where(alert.c.verdict_id == row.verdict_id)
        .values(acknowledged_at=None, acknowledged_by=None)
    )
    audit.add(connection, now, who.id, "decision.undone", row.case_id, row.action)
    return Decision(row.id, row.case_id, row.action, row.reason_code, row.created_at, now)


def acknowledge(connection: Connection, case_id: str, who: Account, now: int) -> bool:
    """A person has seen the alert of the case's verdict, and those of images alike that share its card.

    False: it was seen before, or there is none.
    """
    judged = _verdict(connection, case_id)
    same_card = select(alert.c.dedupe_key).where(alert.c.verdict_id == judged.id).scalar_subquery()
    changed = connection.execute(
        update(alert)
        .where(alert.c.dedupe_key == same_card, alert.c.acknowledged_at.is_(None))
        .values(acknowledged_at=now, acknowledged_by=who.id)
    ).rowcount
    if changed:
        audit.add(connection, now, who.id, "case.acknowledged", case_id)
    return bool(changed)


def plain(text: str) -> str:
    """Text that any database takes and any page shows: no control characters, no lone surrogates, clipped."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:500]


def _verdict(connection: Connection, case_id: str) -> Any:
    latest = (
        select(verdict)
        .where(verdict.c.case_id == case_id, verdict.c.mode == "active")
        .order_by(verdict.c.id.desc())
        .limit(1)
    )
    row = connection.execute(latest).one_or_none()
    if row is None:
        raise Misuse(
            "decision.unjudged", Bilingual("该图像尚无判定", "There is no verdict on this image yet"), AGAIN
        )
    return row
