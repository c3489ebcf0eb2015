"""What the appliance must offer to the link, and nothing more. The link never opens a database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pending:
    """One outbox row that the centre has not acknowledged."""

    seq: int
    payload: bytes
    """The whole CloudEvent in JSON, as it goes on the wire."""
    attempts: int
    fresh: bool
    """Made since this boot: goes before the backlog."""


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """What a birth message says of the outbox."""

    stream: str
    seq_hi: int
    depth: int
    oldest_age_s: float
    quarantined: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """One row that the centre refuses for good."""

    seq: int
    code: str
    detail: str


class OutboxPort(Protocol):
    """The outbox as the link sees it. Every call is safe from any thread and durable when it returns."""

    def due(self, now: int, limit: int, fresh: bool) -> Sequence[Pending]:
        """Rows of one lane whose ``next_at`` has come, lowest seq first, not more than ``limit``."""

    def sent(self, seqs: Sequence[int], next_at: int) -> None:
        """These were handed to the broker: count the attempt, do not offer them before ``next_at``."""

    def acknowledged(self, stream: str, ranges: Sequence[tuple[int, int]], now: int) -> int:
        """The centre has committed these (inclusive ranges). Ignores another stream's ack and rows
        never sent; returns how many rows changed."""

    def rejected(self, stream: str, rows: Sequence[Rejected], now: int) -> int:
        """The centre refuses these for good: quarantine them, visible to people, never lost."""

    def resend(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Make rows (also acknowledged ones still kept) due again, because the centre asked."""

    def reconnected(self) -> None:
        """Everything unacknowledged is due again, from the lowest seq."""

    def status(self, now: int) -> OutboxStatus:
        """Depth, age and highest seq."""
