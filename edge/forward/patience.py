"""What becomes of something that was sent, and when it is sent again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Table, or_

LONGEST_WAIT_S = 600.0
SUCCESS = 0x0000
NO_CONTEXT = "peer.no_context"
"""Code of what is refused before it is sent: the peer takes no such class or transfer syntax."""
_OUT_OF_RESOURCES = 0xA700
_N_WARNINGS = (0x0107, 0x0116)
_RESOURCE_LIMITATION = 0x0213

Outcome = Literal["sent", "later", "refused"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one. ``code``: the DICOM status in hexadecimal, why there was no association, or a word."""

    id: str
    outcome: Outcome
    code: str
    sop_uid: str | None = None
    alone: bool = False
    """The connection was lost over this very one: others go first next time."""


def outcome_of(status: int | None) -> Outcome:
    """PS3.4 B.2.3, PS3.7 C.4: success and warnings are taken; out of resources or no answer is later."""
    if status is None or status & 0xFF00 == _OUT_OF_RESOURCES or status == _RESOURCE_LIMITATION:
        return "later"
    return "sent" if status == SUCCESS or status & 0xF000 == 0xB000 or status in _N_WARNINGS else "refused"


def answered(id_: str, status: int | None, sop_uid: str | None = None) -> Sent:
    """From a response's status; None when there was no response."""
    code = "no answer" if status is None else f"{status:04X}"
    return Sent(id_, outcome_of(status), code, sop_uid, alone=status is None)


@dataclass(frozen=True, slots=True)
class Patience:
    """``retry_s`` and ``tries`` as in the settings."""

    retry_s: float
    tries: int

    def pause_s(self, attempts: int) -> float:
        """Seconds until the next try."""
        return min(self.retry_s * 2.0 ** min(attempts - 1, 16), LONGEST_WAIT_S)

    def row(self, sent: Sent, attempts: int, now: int) -> dict[str, Any]:
        """Columns of a row that was tried ``attempts`` times before.

        What is refused for itself is tried ``tries`` times; what could not be sent waits with its queue.
        """
        row: dict[str, Any] = {"state": "waiting", "attempts": attempts, "code": sent.code, "updated_at": now}
        if sent.outcome == "sent":
            return row | {"state": "sent", "next_at": now}
        if sent.outcome == "later" and not sent.alone:
            return row | {"next_at": now}
        given_up = sent.outcome == "refused" and attempts + 1 >= self.tries
        next_at = now + round(self.pause_s(attempts + 1) * 1000)
        return row | {
            "attempts": attempts + 1,
            "state": "refused" if given_up else "waiting",
            "next_at": next_at,
        }


def due(rows: Table, now: int) -> ColumnElement[bool]:
    """Whether the time of a row has come. Later than anybody waits means that the clock was put back: due, too."""
    return or_(rows.c.next_at <= now, rows.c.next_at > now + round(LONGEST_WAIT_S * 1000))
