"""A rollout from its start to its end; boxes behave, and the centre forgets everything but its rows."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import select

from capture.errors import Misuse
from cloud_sync.central import accounts
from cloud_sync.central.rollout import control, desired, progress, rows, tables
from cloud_sync.central.rollout import plan as planning
from cloud_sync.central.rollout.terms import AbortRule, Plan, RolloutState
from cloud_sync.kit import chain
from cloud_sync.updates.terms import Audience
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.words import ContentState
from tests.end_to_end.mutants import rate_over_assigned
from tests.unit.cloud_sync.central.rollout.stage import DAY_S, Stage, release

FLEET = [f"box-{number:02}" for number in range(12)]
ONE, TWO, THREE = (release(number) for number in (1, 2, 3))
AT_ONCE = Plan(canary_percent=100, soak_s=0)


def two_is_bad(box: str, wanted: Wanted) -> ContentState:
    return ContentState.ROLLED_BACK if wanted.version == 2 else ContentState.COMMITTED


def fails_its_test(box: str, wanted: Wanted) -> ContentState:
    return ContentState.FAILED_SELFTEST


def never_ends(box: str, wanted: Wanted) -> ContentState:
    return ContentState.PROBATION


@cache
def _everywhere() -> Stage:
    folder = Path(tempfile.mkdtemp(prefix="qc-fleet-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    stage = Stage(folder)
    stage.come(FLEET)
    number = stage.start(ONE, AT_ONCE)
    stage.settle()
    assert stage.rollout(number).state is RolloutState.COMPLETED
    assert stage.run(ONE) == set(FLEET)
    stage.database.close()
    return stage


def everywhere(stage: Stage) -> None:
    """Release 1 runs on every box of a fleet: as it came to once."""
    stage.become(_everywhere())


def test_canary_then_10_then_50_then_all(stage: Stage) -> None:
    stage.come(FLEET)
    number = stage.start(ONE)
    seen = []
    for _ in range(5):
        stage.settle()
        seen.append(len(stage.run(ONE)))
        stage.restart()
        stage.settle(DAY_S)
    assert seen == [3, 6, 12, 12, 12]  # 10 % are within the canary
    assert stage.rollout(number).state is RolloutState.COMPLETED


def test_a_bad_release_stops_in_the_canary_and_goes_back_nowhere_else(stage: Stage) -> None:
    everywhere(stage)
    for box in stage.boxes.values():
        box.behaviour = two_is_bad
    stage.go(FLEET[6:])
    number = stage.start(TWO)
    stage.settle(3600)
    stage.restart()
    stage.come(FLEET[6:])
    stage.come(["box-new"], two_is_bad)
    stage.settle(3600)
    assert stage.rollout(number).state is RolloutState.PAUSED
    assert stage.rollout(number).reason.values["failed"] == 3
    assert len(stage.ran(TWO)) == 3
    assert stage.run(ONE) == {*FLEET, "box-new"}


def test_a_release_that_fails_its_self_test_never_runs(stage: Stage) -> None:
    stage.come(FLEET, fails_its_test)
    number = stage.start(ONE)
    stage.settle()
    assert stage.rollout(number).state is RolloutState.PAUSED
    assert stage.ran(ONE) == set()


def _breaks_but_few_answer(stage: Stage) -> int:
    """The canary is fine; of the 17 boxes of the next wave 8 are there, and the release breaks each of them."""
    stage.come(f"box-{number:03}" for number in range(40))
    plan = Plan(soak_s=0, percents=(50, 100), abort=(AbortRule(percent=50),))
    number = stage.start(TWO, plan)
    with stage.database.read() as connection:
        waves = {member.box: member.wave for member in rows.members(connection, rows.one(connection, number))}
    late = [box for box, wave in waves.items() if wave == 1][8:]
    stage.go(late)
    for name, box in stage.boxes.items():
        box.behaviour = two_is_bad if waves[name] else box.behaviour
    stage.settle()
    stage.come(late)
    stage.settle()
    return len(stage.ran(TWO)) - 3


def test_few_reports_are_enough_to_stop_while_most_are_offline(stage: Stage) -> None:
    assert _breaks_but_few_answer(stage) == 8


def test_mutant_rate_over_assigned_is_noticed(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "failure_rate", planning.failure_rate)  # taken back after the test
    rate_over_assigned.mutate()
    assert _breaks_but_few_answer(stage) == 17


def test_who_comes_back_late_skips_what_lies_between(stage: Stage) -> None:
    everywhere(stage)
    stage.go(FLEET[9:])
    for target in (TWO, THREE):
        stage.start(target, AT_ONCE)
        stage.settle()
    stage.come(FLEET[9:])
    stage.come(["box-new"])
    stage.settle()
    assert stage.run(THREE) == {*FLEET, "box-new"}
    assert not stage.ran(TWO) & {*FLEET[9:], "box-new"}
    assert TWO.sha256 not in stage.boxes["box-new"].heard


def test_a_box_that_is_new_waits_for_the_release_to_be_complete(stage: Stage) -> None:
    everywhere(stage)
    stage.start(TWO)
    stage.settle()
    stage.come(["box-new"])
    stage.settle()
    assert "box-new" in stage.run(ONE)


def test_a_failed_box_keeps_what_it_had_though_the_others_go_on(stage: Stage) -> None:
    everywhere(stage)
    stage.boxes[FLEET[5]].behaviour = two_is_bad
    lenient = Plan(canary_percent=100, soak_s=0, success_percent=90, abort=(AbortRule(percent=10),))
    number = stage.start(TWO, lenient)
    stage.settle()
    assert stage.rollout(number).state is RolloutState.COMPLETED
    assert stage.run(ONE) == {FLEET[5]}
    assert [one.sha256 for one in _wanted(stage, FLEET[5])] == [ONE.sha256]


def test_abort_takes_it_back_from_who_has_not_activated_it(stage: Stage) -> None:
    everywhere(stage)
    for box in stage.boxes.values():
        box.behaviour = never_ends
    stage.go(FLEET[6:])
    number = stage.start(TWO, AT_ONCE)
    stage.settle()
    with stage.database.write() as connection:
        control.abort(connection, number, by="lead", now=stage.now, why="it is wrong")
    stage.come(FLEET[6:])
    stage.settle()
    assert stage.ran(TWO) == stage.run(TWO) == set(FLEET[:6])
    assert _wanted(stage, FLEET[0]) == ()  # nothing older is named to who runs it
    with stage.database.read() as connection:
        assert progress.of(connection, rows.one(connection, number), stage.now).still_active == 6
    stage.start(THREE, AT_ONCE)
    stage.settle()
    assert stage.run(THREE) == set(FLEET)


def test_pause_takes_back_and_resume_goes_on(stage: Stage) -> None:
    everywhere(stage)
    stage.go(FLEET[6:])
    number = stage.start(TWO, AT_ONCE)
    with stage.database.write() as connection:
        control.pause(connection, number, by="lead", now=stage.now, why="a doubt")
    stage.come(FLEET)
    stage.settle()
    assert stage.ran(TWO) == set()
    with stage.database.write() as connection:
        control.resume(connection, number, by="lead", now=stage.now, why="no doubt any more")
    stage.settle()
    assert stage.run(TWO) == set(FLEET)


def test_resumed_failures_do_not_stop_it_again(stage: Stage) -> None:
    everywhere(stage)
    number = stage.start(TWO)
    canary = _canary(stage, number)
    stage.boxes[canary[0]].behaviour = two_is_bad
    stage.settle()
    assert stage.rollout(number).state is RolloutState.PAUSED
    with stage.database.write() as connection:
        control.resume(connection, number, by="lead", now=stage.now, why="that box has a broken disk")
    for _ in range(4):
        stage.settle()
        stage.settle(DAY_S)
    assert stage.rollout(number).state is RolloutState.COMPLETED
    assert stage.run(TWO) == set(FLEET) - {canary[0]}


def test_it_waits_for_another_person(stage: Stage) -> None:
    stage.come(FLEET)
    number = stage.start(ONE, Plan(soak_s=0, pause_after=(0,)))
    stage.settle()
    assert stage.rollout(number).state is RolloutState.WAITING
    with pytest.raises(Misuse, match=r"rollout\.same_person"), stage.database.write() as connection:
        control.approve(connection, number, by="lead", now=stage.now)
    with stage.database.write() as connection:
        control.approve(connection, number, by="other", now=stage.now)
        control.pause_after(connection, number, by="lead", now=stage.now)
    stage.settle()
    assert stage.rollout(number).state is RolloutState.WAITING
    assert stage.rollout(number).wave == 1


def test_what_waits_can_still_fail(stage: Stage) -> None:
    stage.come(FLEET, never_ends)
    number = stage.start(TWO, Plan(soak_s=0, pause_after=(0,), reports_percent=0, reports=1))
    canary = _canary(stage, number)
    stage.boxes[canary[0]].behaviour = lambda box, wanted: ContentState.COMMITTED
    stage.settle()
    assert stage.rollout(number).state is RolloutState.WAITING
    for name in canary[1:]:
        stage.boxes[name].behaviour = two_is_bad
    stage.settle()
    assert stage.rollout(number).state is RolloutState.PAUSED


def test_next_does_not_wait_for_reports(stage: Stage) -> None:
    stage.come(FLEET, never_ends)
    number = stage.start(ONE)
    stage.settle()
    for _ in range(3):
        with stage.database.write() as connection:
            control.next_wave(connection, number, by="lead", now=stage.now, why="an emergency")
    assert stage.rollout(number).state is RolloutState.COMPLETED


@pytest.mark.parametrize("deed", [control.pause, control.next_wave, control.abort])
def test_a_person_says_why(stage: Stage, deed: object) -> None:
    stage.come(FLEET)
    number = stage.start(ONE)
    with pytest.raises(Misuse, match=r"rollout\.why"), stage.database.write() as connection:
        deed(connection, number, by="lead", now=stage.now, why=" ")  # type: ignore[operator]  # one of three


def test_a_newer_release_ends_the_older_rollout(stage: Stage) -> None:
    everywhere(stage)
    older = stage.start(TWO)
    stage.settle()
    stage.start(THREE)
    assert stage.rollout(older).state is RolloutState.SUPERSEDED
    with pytest.raises(Misuse, match=r"rollout\.older"):
        stage.start(TWO)


def test_a_release_for_nobody_is_refused(stage: Stage) -> None:
    stage.come(FLEET)
    with pytest.raises(Misuse, match=r"rollout\.nobody"):
        stage.start(release(1, audience=Audience(groups=("nobody",))))
    with pytest.raises(Misuse, match=r"rollout\.unknown"):
        stage.rollout(99)


def test_only_the_audience_is_asked(stage: Stage) -> None:
    stage.come(FLEET)
    with stage.database.write() as connection:
        for box in FLEET[:8]:
            control.put_in_group(connection, box, ["north"], by="lead", now=stage.now)
    stage.start(release(1, audience=Audience(groups=("north",))), AT_ONCE)
    stage.settle()
    assert stage.run(release(1)) == set(FLEET[:8])
    with stage.database.write() as connection:
        control.put_in_group(connection, FLEET[11], ["north"], by="lead", now=stage.now)
    stage.settle()
    assert FLEET[11] in stage.run(release(1))
    with pytest.raises(Misuse, match=r"rollout\.group"), stage.database.write() as connection:
        control.put_in_group(connection, "box-none", ["north"], by="lead", now=stage.now)


def test_a_new_disk_is_a_new_try(stage: Stage) -> None:
    everywhere(stage)
    stage.boxes[FLEET[0]] = box = type(stage.boxes[FLEET[0]])(FLEET[0], stream="01J9Z3NDEKTSV4RRFFQ69G5FAX")
    stage.come([FLEET[0]])
    stage.settle()
    assert box.active is not None
    assert box.active.sha256 == ONE.sha256


def test_a_box_that_says_nothing_has_failed_in_time(stage: Stage) -> None:
    stage.come(FLEET, never_ends)
    number = stage.start(ONE, Plan(timeout_s=3600))
    stage.settle()
    stage.settle(3601)
    assert stage.rollout(number).state is RolloutState.PAUSED
    assert stage.counted(number).of(planning.Standing.TIMED_OUT) == 3


def test_a_centre_that_hears_nothing_decides_nothing(stage: Stage) -> None:
    stage.come(FLEET)
    number = stage.start(ONE, Plan(timeout_s=3600, soak_s=0))
    stage.linked = None
    stage.settle(7200)
    assert (stage.rollout(number).wave, stage.counted(number).of(planning.Standing.KEPT)) == (0, 3)
    stage.linked = stage.now
    stage.settle()
    assert stage.rollout(number).state is RolloutState.COMPLETED


def test_silence_counts_from_the_connection_on(stage: Stage) -> None:
    stage.come(FLEET, never_ends)
    number = stage.start(ONE, Plan(timeout_s=3600))
    stage.settle()
    stage.now += 7_200_000
    stage.linked = stage.now
    stage.settle()
    assert stage.rollout(number).state is RolloutState.RUNNING
    stage.settle(3601)
    assert stage.rollout(number).state is RolloutState.PAUSED


def test_what_is_no_longer_published_is_asked_of_nobody(stage: Stage) -> None:
    everywhere(stage)
    stage.start(TWO, AT_ONCE)
    stage.settle()
    stage.listed = {ONE.sha256}
    stage.come(["box-new"])
    stage.settle()
    assert stage.rollout(2).state is RolloutState.CANCELLED
    assert stage.rollout(2).reason.code == "withdrawn"
    assert "box-new" in stage.run(ONE)
    stage.listed = None  # the repository cannot be read: nothing is withdrawn for that
    stage.settle()
    assert stage.rollout(1).state is RolloutState.COMPLETED


def test_whoever_runs_what_is_no_longer_published_is_told_to_look_once(stage: Stage) -> None:
    everywhere(stage)
    number = stage.start(TWO)
    stage.settle()
    with stage.database.write() as connection:  # it runs on where it runs, and nothing names it
        control.abort(connection, number, by="lead", now=stage.now, why="wrong limit")
    stage.settle()
    ran = set(stage.run(TWO))
    before = {box: stage.boxes[box].rev for box in FLEET}
    stage.listed = {ONE.sha256}
    stage.settle()
    assert {box for box in FLEET if stage.boxes[box].rev > before[box]} == ran
    after = {box: stage.boxes[box].rev for box in FLEET}
    stage.settle(60)
    assert after == {box: stage.boxes[box].rev for box in FLEET}


def test_who_started_it_does_not_hurry_past_the_other_persons_look(stage: Stage) -> None:
    stage.come(FLEET)
    number = stage.start(ONE, Plan(pause_after=(0,)))
    with pytest.raises(Misuse, match=r"rollout\.same_person"), stage.database.write() as connection:
        control.next_wave(connection, number, by="lead", now=stage.now, why="I am in a hurry")


def test_who_did_what_and_why_is_in_an_unbroken_chain(stage: Stage) -> None:
    everywhere(stage)
    number = stage.start(TWO)
    with stage.database.write() as connection:
        control.abort(connection, number, by="lead", now=stage.now, why="wrong limit")
    with stage.database.read() as connection:
        deeds = accounts.deeds(connection)
        steps = connection.execute(select(tables.step.c.deed, tables.step.c.who)).all()
    assert chain.check(deeds).broken_at is None
    assert (deeds[-1][0]["action"], deeds[-1][0]["subject"]) == (
        "rollout.aborted", f"{number} dx-core 2: aborted; wrong limit",
    )  # fmt: skip
    assert [tuple(step) for step in steps] == [
        ("started", "lead"), ("completed", "qcbox-central"), ("started", "lead"), ("aborted", "lead"),
    ]  # fmt: skip


def _wanted(stage: Stage, box: str) -> tuple[Wanted, ...]:
    with stage.database.read() as connection:
        (due,) = desired.of(connection, [box])
    return due.said.kb


def _canary(stage: Stage, number: int) -> list[str]:
    with stage.database.read() as connection:
        one = rows.one(connection, number)
        return [member.box for member in rows.members(connection, one) if member.wave == 0]
