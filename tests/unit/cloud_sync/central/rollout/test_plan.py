"""Waves and decisions as values: what fleet-sync.md 9 says holds for any fleet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.central.rollout.plan import (
    Candidate,
    Course,
    Decision,
    Member,
    Move,
    Standing,
    Tally,
    decide,
    failure_rate,
    needed,
    tally,
    waves,
)
from cloud_sync.central.rollout.terms import AbortAction, AbortRule, Failure, Plan
from cloud_sync.wire.words import ContentState

NOW = 1_795_277_007_000
PLAN = Plan(soak_s=60)
FIRST = Course(0, last=False, held_at=None, pause_after=False, online=99)
LATER = Course(1, last=False, held_at=None, pause_after=False, online=99)

_candidates = st.integers(1, 150).flatmap(
    lambda count: st.lists(st.booleans(), min_size=count, max_size=count).map(
        lambda online: [
            Candidate(f"box-{number}", there, frozenset({f"DX/{number % 5}"}))
            for number, there in enumerate(online)
        ]
    )
)
_counts = st.lists(st.integers(0, 40), min_size=len(Standing), max_size=len(Standing))


def counted(online: int | None = None, **counts: int) -> Tally:
    """A tally; everybody who is not unreached is online unless said."""
    given = tuple((Standing(name), number) for name, number in counts.items())
    there = sum(number for standing, number in given if standing is not Standing.UNREACHED)
    return Tally(given, there if online is None else online)


def move(wave: Tally, course: Course = LATER, plan: Plan = PLAN, now: int = NOW) -> Decision:
    return decide(plan, course, wave, wave, now)


@given(_candidates, st.integers(1, 1000))
def test_every_box_comes_once_and_always_at_the_same_place(candidates: list[Candidate], number: int) -> None:
    planned = waves(PLAN, number, candidates)
    boxes = [box for wave in planned for box in wave]
    assert sorted(boxes) == sorted(one.box for one in candidates)
    assert planned == waves(PLAN, number, list(reversed(candidates)))
    assert len(planned[0]) == min(len(candidates), max(3, -(-len(candidates) // 100)))
    assert all(len(wave) >= PLAN.reports for wave in planned[1:-1])


@given(_candidates, st.integers(1, 1000))
def test_no_wave_goes_beyond_its_share(candidates: list[Candidate], number: int) -> None:
    planned = waves(PLAN, number, candidates)
    upto = len(planned[0])
    for wave in planned[1:]:
        upto += len(wave)
        shares = [-(-len(candidates) * percent // 100) for percent in PLAN.percents]
        assert upto in shares


@given(_candidates)
def test_the_canary_can_answer_and_has_different_machines(candidates: list[Candidate]) -> None:
    canary = set(waves(PLAN, 7, candidates)[0])
    online = {one.box for one in candidates if one.online}
    assert len(canary & online) == min(len(canary), len(online))
    kinds = {kind for one in candidates if one.box in canary & online for kind in one.kinds}
    there = {kind for one in candidates if one.online for kind in one.kinds}
    assert len(kinds) == min(len(canary & online), len(there))


def test_two_rollouts_do_not_try_on_the_same_boxes() -> None:
    boxes = [Candidate(f"box-{number}", online=True) for number in range(200)]
    assert set(waves(PLAN, 1, boxes)[0]) != set(waves(PLAN, 2, boxes)[0])


@given(_counts, st.integers(0, 400))
def test_who_was_never_reached_changes_no_decision(counts: list[int], more: int) -> None:
    here = dict(zip(Standing, counts, strict=True))
    online = sum(counts) - here[Standing.UNREACHED]
    few = Tally(tuple(here.items()), online)
    many = Tally(tuple({**here, Standing.UNREACHED: here[Standing.UNREACHED] + more}.items()), online)
    assert failure_rate(few, Failure.ANY) == failure_rate(many, Failure.ANY)
    if few.countable >= PLAN.reports:
        assert move(few) == move(many)


@given(_counts)
def test_nobody_goes_on_over_failures(counts: list[int]) -> None:
    wave = Tally(tuple(zip(Standing, counts, strict=True)), sum(counts))
    found = decide(PLAN, Course(1, False, 0, False, 99), wave, wave, NOW)
    if found.move is Move.ADVANCE:
        assert wave.reported >= needed(PLAN, 1, wave)
        assert wave.of(Standing.KEPT) >= 0.95 * wave.reported


def test_the_rate_is_of_those_that_reported() -> None:
    """The mutant failed / assigned: 4 of 100 look like nothing."""
    wave = counted(rolled_back=4, unreached=96)
    assert failure_rate(wave, Failure.ANY) == 100
    assert move(wave).move is Move.PAUSE


def test_it_stops_at_more_than_5_percent_of_at_least_3() -> None:
    assert move(counted(rolled_back=2, working=8)).move is Move.STAY
    assert move(counted(rolled_back=1, kept=2, working=8)).move is Move.PAUSE
    assert move(counted(rolled_back=1, kept=19)).move is not Move.PAUSE
    assert move(counted(failed_selftest=1, kept=18)).move is Move.PAUSE
    assert move(counted(timed_out=3)).move is Move.PAUSE
    assert move(counted(rolled_back=2)).move is Move.PAUSE  # there are only two


def test_a_later_waves_failures_are_not_drowned_in_earlier_successes() -> None:
    all_started = counted(kept=500, rolled_back=3)
    assert decide(PLAN, LATER, counted(rolled_back=3), all_started, NOW).move is Move.PAUSE
    assert decide(PLAN, LATER, counted(working=5), counted(kept=50, rolled_back=5), NOW).move is Move.PAUSE


def test_each_kind_of_failure_may_have_its_own_action() -> None:
    rules = (
        AbortRule(failure=Failure.FAILED_VERIFY, percent=50, action=AbortAction.CANCEL),
        AbortRule(failure=Failure.ROLLED_BACK, percent=10, reports=5, action=AbortAction.SUPERSEDE),
    )
    plan = Plan(abort=rules)
    assert move(counted(failed_verify=3), plan=plan).move is Move.CANCEL
    assert move(counted(rolled_back=1, kept=4), plan=plan).move is Move.SUPERSEDE
    assert move(counted(rolled_back=1, kept=3, working=4), plan=plan).move is Move.STAY
    assert move(counted(failed_selftest=3), plan=plan).move is Move.STAY


def test_reports_of_three_or_60_percent_of_the_online_ones() -> None:
    assert needed(PLAN, 0, counted(kept=1, working=1, unreached=90)) == 3
    assert needed(PLAN, 0, counted(working=10, unreached=90)) == 6
    assert needed(PLAN, 0, counted(working=2)) == 2
    assert needed(PLAN, 0, counted(online=4, working=4, declined=6)) == 3
    assert needed(PLAN, 1, counted(working=2, unreached=9)) == 2
    assert needed(PLAN, 1, counted(unreached=9)) == 0
    assert needed(PLAN, 1, counted(working=3, unreached=9)) == 3
    assert move(counted(kept=5, working=5)).reason.code == "reports"
    assert move(counted(kept=6, working=4)).reason.code == "soak"


def test_who_is_offline_blocks_no_wave_but_the_canary_and_a_dark_fleet() -> None:
    nobody, proven = counted(unreached=17), counted(kept=3, unreached=17)
    assert decide(PLAN, LATER, nobody, proven, NOW).reason.code == "soak"
    assert decide(PLAN, FIRST, counted(unreached=3), counted(unreached=3), NOW).reason.code == "reports"
    dark = Course(1, last=False, held_at=0, pause_after=False, online=2)
    assert decide(PLAN, dark, nobody, proven, NOW).reason.code == "dark"


def test_it_soaks_from_the_success_on() -> None:
    begun = move(counted(kept=6))
    assert (begun.move, begun.held_at) == (Move.STAY, NOW)
    course = Course(1, False, begun.held_at, False, 99)
    assert move(counted(kept=6), course, now=NOW + 59_999).move is Move.STAY
    assert move(counted(kept=6), course, now=NOW + 60_000).move is Move.ADVANCE
    assert move(counted(kept=6, working=10), course, now=NOW + 60_000).held_at is None


def test_after_the_last_wave_it_is_complete_and_a_wish_to_look_is_heard() -> None:
    good = counted(kept=6)
    assert move(good, Course(3, True, 0, True, 99)).move is Move.COMPLETE
    assert move(good, Course(1, False, 0, True, 99)).move is Move.WAIT
    assert move(good, Course(1, False, 0, False, 99), Plan(pause_after=(1,))).move is Move.WAIT


def test_a_canary_where_all_decline_proves_nothing() -> None:
    declined = counted(declined=3)
    assert move(declined, FIRST).reason.code == "reports"
    assert move(declined, Course(2, False, 0, False, 99)).move is Move.ADVANCE


def test_where_a_box_stands() -> None:
    def stands(state: ContentState | None, *, online: bool = True, age_s: int = 0, accepted: bool = False) -> str:
        member = Member("box", 0, online, state, NOW - 1000 * age_s, accepted)
        return member.standing(PLAN, NOW)

    assert stands(None) == stands(ContentState.TESTED) == stands(ContentState.PROBATION) == "working"
    assert stands(ContentState.UNKNOWN) == "working"
    assert stands(None, online=False) == stands(ContentState.SHADOW, online=False) == "unreached"
    assert Member("box", 3, True, None, None).standing(PLAN, NOW) == "later"
    assert stands(ContentState.COMMITTED, online=False) == stands(ContentState.SUPERSEDED) == "kept"
    assert stands(ContentState.ROLLED_BACK, online=False) == "rolled_back"
    assert stands(ContentState.REJECTED) == "declined"
    assert stands(ContentState.TESTED, age_s=86_401) == "timed_out"
    assert stands(ContentState.TESTED, age_s=86_401, online=False) == "unreached"
    assert stands(ContentState.FAILED_VERIFY, accepted=True) == "accepted"


def test_a_tally_counts_apart_what_is_apart() -> None:
    states = (ContentState.COMMITTED, ContentState.REJECTED, ContentState.ROLLED_BACK, None)
    members = [Member(f"box-{n}", 0, n != 3, state, NOW) for n, state in enumerate(states)]
    found = tally(PLAN, members, NOW)
    assert (found.members, found.countable, found.reported, found.failed, found.online) == (4, 3, 2, 1, 2)
