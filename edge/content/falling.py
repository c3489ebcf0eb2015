"""What becomes of the rows when content cannot be run, and when the agent starts and ends. In the caller's
transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from cloud_sync.updates.trust import Standing
from cloud_sync.wire.words import ContentState
from edge.content.chosen import Chosen
from edge.content.loading import Fallen
from edge.content.machine import Machine
from edge.content.probation import BOOTS
from edge.store import content
from edge.store.content import Release

_RUNNING = "running"
_LOST = frozenset({"content.missing", "trust.hash", "trust.length"})
"""Not the release's fault: a disk that lost its bytes, or a restored backup, which has the rows alone. The newest
one is fetched again; an older one may not come from outside any more."""
_SET_BACK_MS = 3600 * 1000
"""A clock that is so far behind a signed time was set back: signing and fetching alone take minutes."""
_OFF_MS = 2000
_WATCHED = (ContentState.SHADOW, ContentState.PROBATION)


def boot(connection: Connection, machine: Machine, choose: Callable[[Connection], Chosen], now: int) -> Chosen:
    """The agent starts. Did the last one end by itself, a release that is watched may have had a part in it."""
    unclean = content.told(connection, _RUNNING) == "1"
    content.keep(connection, _RUNNING, "1")
    for one in content.releases(connection, _WATCHED) if unclean else ():
        content.fault(connection, one.id, "boot", now)
        boots = content.faults(connection, one.id, "boot")
        if boots >= BOOTS:
            machine.roll_back(connection, one, "probation.boots", f"{boots} unclean starts", now)
    return choose(connection)


def leave(connection: Connection) -> None:
    """The agent was asked to end."""
    content.keep(connection, _RUNNING, "0")


def fall(connection: Connection, machine: Machine, fallen: Sequence[Fallen], now: int) -> bool:
    """Releases that cannot be run leave their slots. Whether any stood in one."""
    return any([_fall(connection, machine, one, now) for one in fallen])


def stand(connection: Connection, standing: Standing, refused: str, offset_ms: int | None) -> None:
    """Keep for the pages how the trust and the clock stand.

    Args:
        connection: of the caller's transaction.
        standing: what is believed.
        refused: code of why it could not be renewed; empty: it could, or nobody was there.
        offset_ms: the centre's clock minus ours, if it has said anything.
    """
    stale = refused
    if standing.stale is not None and standing.root is not None:
        stale = f"trust.{standing.stale.code}"
    behind = standing.behind_ms if standing.behind_ms > _SET_BACK_MS else 0
    off = -(offset_ms or 0) if abs(offset_ms or 0) > _OFF_MS else 0
    clock_ms = -behind or off
    for key, value in (("stale", stale), ("clock_ms", str(round(clock_ms, -3)))):
        if content.told(connection, key) != value:
            content.keep(connection, key, value)


def _fall(connection: Connection, machine: Machine, one: Fallen, now: int) -> bool:
    for row in content.slots(connection):
        if row.active is not None and row.active.sha256 == one.sha256:
            machine.fall(connection, row.active, one.code, one.detail, now)
            if one.code in _LOST and (row.active.release or 0) >= row.highest:
                machine.again(connection, row.active, now)
            return True
        if row.previous is not None and row.previous.sha256 == one.sha256:
            content.fill(connection, row.name, row.active.id if row.active else None, None, row.highest, now)
            return True
    trials = content.releases(connection, (ContentState.SHADOW,))
    trial: Release | None = next((release for release in trials if release.sha256 == one.sha256), None)
    if trial is None:
        return False
    machine.roll_back(connection, trial, one.code, one.detail, now)
    return True
