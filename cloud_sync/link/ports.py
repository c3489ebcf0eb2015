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
    """Made since the last :meth:`OutboxPort.reconnected`: goes before the backlog. (Not "since this boot": a box
    that stayed up through an outage of days would call the whole backlog fresh.)"""


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


@dataclass(frozen=True, slots=True)
class BirthFacts:
    """What only the appliance knows and a birth message tells."""

    agent: str
    """Version of the appliance's program."""
    site: str = ""
    """What the site calls itself; set in the box's configuration."""
    disk_pct: float | None = None
    """How full the disk of the store is, 0 to 100."""
    clock_synced: bool = False
    packs: tuple[tuple[str, int, str], ...] = ()
    """Name, version and sha256 of each package that judges."""
    kb_stale: str = ""
    """Code of why nothing newly signed can be activated; empty: all is well."""


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
        """Everything unacknowledged is due again, from the lowest seq, and is backlog from now on; rows made
        after this call are fresh."""

    def status(self, now: int) -> OutboxStatus:
        """Depth, age and highest seq."""
