"""Who comes when, and when it goes on or stops. Pure: values in, values out.

The figures are those of fleet-sync.md 9. A rate is failed over *reported*: over all that are assigned, a release
that breaks every box which is online would never stop while many are offline.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cloud_sync.central.rollout.terms import FAILED, KEPT, AbortAction, AbortRule, Failure, Plan, Reason
from cloud_sync.wire.words import ContentState


@dataclass(frozen=True, slots=True)
class Candidate:
    """A box that a release is for. ``kinds``: modality and vendor of the machines that it judges."""

    box: str
    online: bool
    kinds: frozenset[str] = frozenset()


def waves(plan: Plan, rollout: int, candidates: Collection[Candidate]) -> tuple[tuple[str, ...], ...]:
    """Every candidate once, canary first; a wave too small to tell anything joins the next one."""
    order = sorted(candidates, key=lambda one: _place(rollout, one.box))
    canary = _canary(plan, order)
    rest = [one.box for one in order if one.box not in canary]
    found, taken = [tuple(canary)] if canary else [], 0
    for percent in plan.percents:
        upto = max(0, math.ceil(len(order) * percent / 100) - len(canary))
        if upto - taken >= plan.reports or (percent == plan.percents[-1] and upto > taken):
            found.append(tuple(rest[taken:upto]))
            taken = upto
    return tuple(found)


def _place(rollout: int, box: str) -> bytes:
    return hashlib.sha256(f"{rollout}/{box}".encode()).digest()


def _canary(plan: Plan, order: Sequence[Candidate]) -> list[str]:
    """Boxes that are there to answer, with as many different machines as possible."""
    count = min(len(order), max(plan.canary_boxes, math.ceil(len(order) * plan.canary_percent / 100)))
    pool, chosen, covered = list(order), list[str](), set[str]()
    while len(chosen) < count:
        best = max(pool, key=lambda one: (one.online, len(one.kinds - covered)))  # the first of equals, by place
        pool.remove(best)
        chosen.append(best.box)
        covered |= best.kinds
    return chosen


class Standing(StrEnum):
    """Where one box stands in a rollout."""

    LATER = "later"
    """Its wave has not begun."""
    UNREACHED = "unreached"
    """Offline, and has not come to an end. Counted apart."""
    WORKING = "working"
    KEPT = "kept"
    FAILED_VERIFY = "failed_verify"
    FAILED_SELFTEST = "failed_selftest"
    ROLLED_BACK = "rolled_back"
    TIMED_OUT = "timed_out"
    DECLINED = "declined"
    """Not for this box, by its own words. Counted apart, until it is asked again (``declining``)."""
    ACCEPTED = "accepted"
    """Failed, and a person resumed in spite of it. Counted apart."""


FAILURES = {
    Standing.FAILED_VERIFY: Failure.FAILED_VERIFY,
    Standing.FAILED_SELFTEST: Failure.FAILED_SELFTEST,
    Standing.ROLLED_BACK: Failure.ROLLED_BACK,
    Standing.TIMED_OUT: Failure.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Member:
    """One box of a rollout. ``since``: when it was asked or last reported, UTC milliseconds; None: not yet."""

    box: str
    wave: int
    online: bool
    state: ContentState | None
    since: int | None
    accepted: bool = False

    def standing(self, plan: Plan, now: int) -> Standing:
        """Where it stands."""
        if self.state in FAILED:
            return Standing.ACCEPTED if self.accepted else Standing(FAILED[self.state].value)
        if self.state in KEPT:
            return Standing.KEPT
        if self.state is ContentState.REJECTED:
            return Standing.DECLINED
        if self.since is None:
            return Standing.LATER
        if not self.online:
            return Standing.UNREACHED
        if now - self.since > plan.timeout_s * 1000:
            return Standing.ACCEPTED if self.accepted else Standing.TIMED_OUT
        return Standing.WORKING


@dataclass(frozen=True, slots=True)
class Tally:
    """How many boxes stand where."""

    counts: tuple[tuple[Standing, int], ...] = ()
    online: int = 0
    """Of those that count: online now."""

    def of(self, *standings: Standing) -> int:
        """How many stand in one of these."""
        return sum(number for standing, number in self.counts if standing in standings)

    @property
    def members(self) -> int:
        return sum(number for _, number in self.counts)

    @property
    def countable(self) -> int:
        """All but those that are counted apart whether they are there or not."""
        return self.members - self.of(Standing.DECLINED, Standing.ACCEPTED)

    @property
    def failed(self) -> int:
        return self.of(*FAILURES)

    @property
    def reported(self) -> int:
        """Came to an end: kept it or failed."""
        return self.of(Standing.KEPT) + self.failed


def tally(plan: Plan, members: Collection[Member], now: int) -> Tally:
    """Count."""
    stands = [(one, one.standing(plan, now)) for one in members]
    counts = tuple((standing, sum(s is standing for _, s in stands)) for standing in Standing)
    apart = (Standing.DECLINED, Standing.ACCEPTED)
    return Tally(counts, sum(one.online and standing not in apart for one, standing in stands))


def failure_rate(counted: Tally, failure: Failure) -> float:
    """Per cent of the boxes that reported which failed so; 0 when none has."""
    failed = counted.failed if failure is Failure.ANY else counted.of(Standing(failure.value))
    return 100 * failed / counted.reported if counted.reported else 0.0


class Move(StrEnum):
    """What becomes of a rollout now."""

    STAY = "stay"
    ADVANCE = "advance"
    WAIT = "wait"
    COMPLETE = "complete"
    PAUSE = "pause"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and since when the wave has had its success (None: it has not)."""

    move: Move
    reason: Reason
    held_at: int | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """A running rollout as far as a decision needs it. ``held_at``: as in ``Decision``, before."""

    wave: int
    last: bool
    held_at: int | None
    pause_after: bool
    online: int
    """Boxes of all its waves that are there now."""


def decide(plan: Plan, course: Course, wave: Tally, all_started: Tally, now: int) -> Decision:
    """What the counts of the present wave, and of all started waves together, ask for."""
    for rule in plan.abort:
        for counted in (wave, all_started):
            if trips(rule, counted):
                return Decision(_ACTIONS[rule.action], _aborted(rule, counted))
    lacking = _lacking(plan, course, wave, all_started)
    if lacking is not None:
        return Decision(Move.STAY, lacking)
    held_at = now if course.held_at is None else course.held_at
    if now - held_at < plan.soak_s * 1000:
        return Decision(Move.STAY, Reason("soak", (("until", held_at + plan.soak_s * 1000),)), held_at)
    if course.last:
        return Decision(Move.COMPLETE, Reason("completed"), held_at)
    if course.pause_after or course.wave in plan.pause_after:
        return Decision(Move.WAIT, Reason("approval"), held_at)
    return Decision(Move.ADVANCE, Reason("advanced"), held_at)


_ACTIONS = {
    AbortAction.PAUSE: Move.PAUSE,
    AbortAction.CANCEL: Move.CANCEL,
    AbortAction.SUPERSEDE: Move.SUPERSEDE,
}


def trips(rule: AbortRule, counted: Tally) -> bool:
    """Whether too many failed, of enough that reported. All of a wave are enough, however few."""
    enough = counted.reported >= max(1, min(rule.reports, counted.countable))
    return enough and failure_rate(counted, rule.failure) > rule.percent


def needed(plan: Plan, number: int, counted: Tally) -> int:
    """Reports that a wave needs. Who is offline blocks no wave but the canary, without which nothing is proven."""
    if number and counted.online < plan.reports:
        return counted.online
    share = math.ceil(counted.online * plan.reports_percent / 100)
    return min(counted.countable, max(plan.reports, share))


def _lacking(plan: Plan, course: Course, wave: Tally, all_started: Tally) -> Reason | None:
    """What a wave still lacks for its success."""
    least = min(plan.reports, all_started.members)
    if course.wave and course.online < least:
        # The centre or its network is cut off: what nobody can report proves nothing.
        return Reason("dark", (("online", course.online), ("needed", least)))
    need = max(needed(plan, course.wave, wave), 0 if course.wave else 1)
    if wave.reported < need:
        return Reason("reports", (("reported", wave.reported), ("needed", need)))
    kept = 100 * wave.of(Standing.KEPT) / wave.reported if wave.reported else 100.0
    if kept < plan.success_percent:
        return Reason("success", (("percent", round(kept, 1)), ("needed", plan.success_percent)))
    return None


def _aborted(rule: AbortRule, counted: Tally) -> Reason:
    rate = failure_rate(counted, rule.failure)
    failed = round(rate * counted.reported / 100)
    return Reason(
        "failures",
        (("failure", rule.failure.value), ("failed", failed), ("reported", counted.reported),
         ("percent", round(rate, 1)), ("limit", rule.percent)),
    )  # fmt: skip
