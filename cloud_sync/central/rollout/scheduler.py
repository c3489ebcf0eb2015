"""Looks again and again at every rollout that runs, and does what its plan says. Keeps nothing but a clock, and
whom it has told of withdrawals: said twice is harmless.

Whatever it does is one transaction over rows, decided from rows: the centre may end at any moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from cloud_sync.central.database import Database
from cloud_sync.central.rollout import changes, desired, rows, signals
from cloud_sync.central.rollout.changes import Deed
from cloud_sync.central.rollout.plan import Course, Decision, Move, decide, tally
from cloud_sync.central.rollout.rows import Rollout
from cloud_sync.central.rollout.settings import RolloutSettings
from cloud_sync.central.rollout.terms import OPEN, Reason, RolloutState

log = structlog.get_logger()

CENTRE = "qcbox-central"
"""Who the audit says it was when nobody did it."""
_STOPS = (Move.PAUSE, Move.CANCEL, Move.SUPERSEDE)
_ENDS = {
    Move.WAIT: (RolloutState.WAITING, "stopped_to_look"),
    Move.PAUSE: (RolloutState.PAUSED, "paused"),
    Move.CANCEL: (RolloutState.CANCELLED, "aborted"),
    Move.SUPERSEDE: (RolloutState.CANCELLED, "aborted"),
}


class Scheduler:
    """Runs in a thread of its own."""

    def __init__(
        self, database: Database, settings: RolloutSettings, wall: Callable[[], int], *,
        linked: Callable[[], int | None], listed: Callable[[], Collection[str] | None],
        at: Callable[[str], None] = lambda step: None,
    ) -> None:  # fmt: skip
        """``linked``: since when the centre hears the boxes, None while it does not. ``listed``: SHA-256 of all
        that is published, None where nothing can be said. ``wall``: UTC milliseconds; ``at``: crash points."""
        self._database, self._settings, self._wall, self._at = database, settings, wall, at
        self._linked, self._listed = linked, listed
        self._signals_at = 0.0
        self._told: set[tuple[str, str]] = set()
        """Boxes, each with the sha256 of a withdrawn release that they run."""

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``. A database that does not answer is asked again at the next look."""
        while not stop.wait(self._settings.look_s):
            try:
                self.look()
            except SQLAlchemyError:
                log.warning("rollout.unread")

    def look(self) -> bool:
        """Look once; whether anything was written. A look that finds nothing never holds up the ingest, and a
        centre that hears nothing decides nothing."""
        linked = self._linked()
        if linked is None:
            return False
        watch = time.monotonic() >= self._signals_at
        if watch:
            self._signals_at = time.monotonic() + self._settings.signals_s
        seen = _Seen(self._wall(), linked, watch, self._listed())
        with self._database.read() as connection:
            still = _still_run(connection, seen)
            idle = all(_settled(connection, one, seen) for one in _going(connection)) and still <= self._told
            if idle and not _withdrawn(connection, seen) and not desired.stale(connection, seen.now):
                self._told = still
                return False
        with self._database.write() as connection:
            for one in _withdrawn(connection, seen):
                gone = Deed("withdrawn", CENTRE, seen.now, Reason("withdrawn"))
                changes.move(connection, one, RolloutState.CANCELLED, gone)
            for one in _going(connection):
                _do(connection, rows.one(connection, one.id, lock=True), seen)
            desired.refresh(connection, seen.now)
            desired.again(connection, {box for box, _ in still - self._told}, seen.now)
            self._at("rollout.before_commit")
        self._told = still
        self._at("rollout.after_commit")
        return True


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look looks at, beside the rows. ``watch``: whether it compares rates, too."""

    now: int
    linked: int
    watch: bool
    listed: Collection[str] | None


def _withdrawn(connection: Connection, seen: _Seen) -> list[Rollout]:
    """Rollouts of what is no longer published: no box would believe it."""
    if seen.listed is None:
        return []
    meant = rows.listed(connection, None, *OPEN, RolloutState.COMPLETED)
    return [one for one in meant if one.target.sha256 not in seen.listed]


def _still_run(connection: Connection, seen: _Seen) -> set[tuple[str, str]]:
    """What boxes run though it is no longer published: they shall look now, not at their next hour."""
    if seen.listed is None:
        return set()
    return {(box, sha256) for box, sha256 in rows.running(connection) if sha256 not in seen.listed}


def _do(connection: Connection, one: Rollout, seen: _Seen) -> None:
    found = _decided(connection, one, seen)
    changes.hold(connection, one, found.held_at)
    if found.move is Move.STAY:
        changes.say(connection, one, found.reason)
        return
    if found.move in (Move.ADVANCE, Move.COMPLETE):
        changes.advance(connection, one, Deed(found.reason.code, CENTRE, seen.now, found.reason))
    else:
        state, name = _ENDS[found.move]
        changes.move(connection, one, state, Deed(name, CENTRE, seen.now, found.reason))
    log.info("rollout.moved", state=found.move, reason=found.reason.code, count=one.id)


def _going(connection: Connection) -> list[Rollout]:
    """Rollouts that boxes are at work on. One that waits for a person can still fail."""
    return rows.listed(connection, None, RolloutState.RUNNING, RolloutState.WAITING)


def _settled(connection: Connection, one: Rollout, seen: _Seen) -> bool:
    """Whether a rollout stays exactly as its rows say."""
    found = _decided(connection, one, seen)
    held_at = rows.waves(connection, one.id)[one.wave].held_at
    return found == Decision(Move.STAY, one.reason, held_at)


def _decided(connection: Connection, one: Rollout, seen: _Seen) -> Decision:
    waves, now = rows.waves(connection, one.id), seen.now
    # What a box says while the centre does not listen comes late: its time counts from the connection on.
    members = [
        replace(member, since=None if member.since is None else max(member.since, seen.linked))
        for member in rows.members(connection, one)
    ]
    held_at = waves[one.wave].held_at
    started = [member for member in members if member.wave <= one.wave]
    present = [member for member in started if member.wave == one.wave]
    there = sum(member.online for member in members)
    course = Course(one.wave, one.wave == len(waves) - 1, held_at, one.pause_after, there)
    counted = tally(one.plan, present, now), tally(one.plan, started, now)
    found = decide(one.plan, course, *counted, now)
    suspicion = signals.suspicion(connection, one) if seen.watch and found.move not in _STOPS else None
    if suspicion is not None:
        return Decision(Move.PAUSE, suspicion)
    if one.state is RolloutState.WAITING and found.move not in _STOPS:
        return Decision(Move.STAY, one.reason, held_at)
    return found
