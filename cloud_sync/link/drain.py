"""How many results may be on their way, which go first, and when one is sent again. Pure bookkeeping."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cloud_sync.link.ports import Pending
from cloud_sync.wire.ranges import Range


@dataclass(frozen=True, slots=True)
class Limits:
    """Most messages and bytes on their way at once, and the part kept for the backlog."""

    messages: int
    bytes: int
    backlog_share: float

    @property
    def reserve(self) -> int:
        """Places that fresh results may not take while there is a backlog."""
        return math.ceil(self.messages * self.backlog_share)


@dataclass(frozen=True, slots=True)
class _Sent:
    size: int
    expires: float
    backlog: bool


class Window:
    """What is on its way: not acknowledged by the centre, or not yet taken by the broker.

    Both count. The broker's Receive Maximum is about its own PUBACKs; the window is about the centre's.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._sent: dict[int, _Sent] = {}
        self._untaken: set[int] = set()

    def __len__(self) -> int:
        return len(self._sent)

    def choose(self, fresh: Sequence[Pending], backlog: Sequence[Pending]) -> list[Pending]:
        """The rows to send now: fresh first, but the backlog keeps its share; never more than fits."""
        places = self._limits.messages - max(len(self._sent), len(self._untaken))
        kept = self._limits.reserve - sum(sent.backlog for sent in self._sent.values())
        for_backlog = max(0, min(kept, len(backlog), places))
        picked = list(fresh[: max(0, places - for_backlog)])
        picked += backlog[: max(0, places - len(picked))]
        return self._that_fit(picked)

    def sent(self, row: Pending, mid: int, expires: float) -> None:
        """``row`` was handed to the broker as message ``mid``; it is due again at ``expires``."""
        self._sent[row.seq] = _Sent(len(row.payload), expires, not row.fresh)
        self._untaken.add(mid)

    def taken(self, mid: int) -> None:
        """The broker has message ``mid``. It frees a place there, and says nothing of the centre."""
        self._untaken.discard(mid)

    def acknowledged(self, ranges: Iterable[Range]) -> None:
        """The centre has these."""
        for first, last in ranges:
            for seq in [seq for seq in self._sent if first <= seq <= last]:
                del self._sent[seq]

    def expire(self, now: float) -> None:
        """Give back the places of what was due again at ``now``: the outbox offers it anew."""
        self._sent = {seq: sent for seq, sent in self._sent.items() if sent.expires > now}

    def forget(self) -> None:
        """Nothing is on its way to the centre any more."""
        self._sent.clear()

    def _that_fit(self, rows: Iterable[Pending]) -> list[Pending]:
        room = self._limits.bytes - sum(sent.size for sent in self._sent.values())
        fitting: list[Pending] = []
        for row in rows:
            room -= len(row.payload)
            if room < 0 and (fitting or self._sent):
                break
            fitting.append(row)
        return fitting


def delay(attempts: int, first: float, most: float, chance: random.Random) -> float:
    """Seconds to wait after so many failures: ``first`` doubled each time up to ``most``, plus up to half."""
    doubled: float = min(most, first * 2.0 ** min(attempts, 32))
    return doubled * (1 + 0.5 * chance.random())
