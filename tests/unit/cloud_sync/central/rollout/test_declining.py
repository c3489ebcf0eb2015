"""A box that declined is asked again: later and later, at once when it has changed, and never against a person."""

from __future__ import annotations

import pytest

from cloud_sync.central.rollout import control, declining, progress, rows
from cloud_sync.central.rollout.declining import Declined
from cloud_sync.central.rollout.plan import Standing
from cloud_sync.central.rollout.terms import Plan, RolloutState
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.words import ContentState
from tests.unit.cloud_sync.central.rollout.stage import DAY_S, Stage, release

HOUR_S = 3600.0
ONE = release(1)
BOXES = [f"box-{number}" for number in range(4)]
OLD = BOXES[0]
PLAN = Plan(canary_percent=100, soak_s=0)


class Choosy:
    """Boxes of which some decline; ``asked``: when each of those was asked, by the centre's clock."""

    def __init__(self, stage: Stage, *choosy: str) -> None:
        self._stage, self.choosy = stage, set(choosy)
        self.asked: list[int] = []

    def __call__(self, box: str, wanted: Wanted) -> ContentState:
        if box not in self.choosy:
            return ContentState.COMMITTED
        self.asked.append(self._stage.now)
        return ContentState.REJECTED


@pytest.fixture
def choosy(stage: Stage) -> Choosy:
    """One of four boxes declines what is rolled out to all at once; the rollout is complete."""
    made = Choosy(stage, OLD)
    stage.come(BOXES, made)
    stage.start(ONE, PLAN)
    stage.settle()
    assert stage.rollout(1).state is RolloutState.COMPLETED
    assert len(made.asked) == 1
    return made


def test_it_is_asked_again_later_and_later(stage: Stage, choosy: Choosy) -> None:
    for hours in (1, 2, 4):
        stage.settle(hours * HOUR_S - 1)
        before = len(choosy.asked)
        stage.settle(1)
        assert len(choosy.asked) == before + 1
    for _ in range(10):
        stage.settle(7 * DAY_S)
    week = 7 * 86_400_000
    assert choosy.asked[-1] - choosy.asked[-2] == week
    assert stage.counted(1).of(Standing.DECLINED) == 1


def test_it_is_taken_when_the_box_can(stage: Stage, choosy: Choosy) -> None:
    choosy.choosy.clear()
    stage.settle(HOUR_S)
    assert stage.run(ONE) == set(BOXES)
    assert stage.counted(1).of(Standing.KEPT) == 4


def test_another_program_is_asked_at_once(stage: Stage, choosy: Choosy) -> None:
    stage.go([OLD])
    stage.boxes[OLD].agent = "2.0"
    choosy.choosy.clear()
    stage.come([OLD])
    stage.settle()
    assert OLD in stage.run(ONE)


def test_other_groups_are_a_reason_to_ask(stage: Stage, choosy: Choosy) -> None:
    with stage.database.write() as connection:
        control.put_in_group(connection, OLD, ["north"], by="lead", now=stage.now)
    stage.settle()
    assert len(choosy.asked) == 2
    stage.settle()
    assert len(choosy.asked) == 2


def test_a_lost_connection_is_none(stage: Stage, choosy: Choosy) -> None:
    """The same program comes back: nothing about the box is other than when it declined."""
    box = stage.boxes[OLD]
    stage.go([OLD])
    box._boot -= 1  # a birth counts it up again
    stage.come([OLD])
    stage.settle()
    assert len(choosy.asked) == 1


def test_nobody_is_asked_while_it_is_paused_or_aborted(stage: Stage) -> None:
    refusing = Choosy(stage, *BOXES)
    stage.come(BOXES, refusing)
    stage.start(ONE, Plan(soak_s=DAY_S))
    stage.settle()
    asked = len(refusing.asked)
    with stage.database.write() as connection:
        control.pause(connection, 1, by="lead", now=stage.now, why="a doubt")
    stage.settle(2 * HOUR_S)
    assert len(refusing.asked) == asked
    with stage.database.write() as connection:
        control.resume(connection, 1, by="lead", now=stage.now, why="none")
    stage.settle()
    assert len(refusing.asked) > asked
    asked = len(refusing.asked)
    with stage.database.write() as connection:
        control.abort(connection, 1, by="lead", now=stage.now, why="wrong")
    stage.settle(30 * DAY_S)
    assert len(refusing.asked) == asked


def test_a_box_that_then_fails_counts(stage: Stage) -> None:
    choosy = Choosy(stage, *BOXES[:3])
    stage.come(BOXES, choosy)
    stage.start(ONE, Plan(soak_s=DAY_S))
    stage.settle()
    assert stage.counted(1).reported == 0 or stage.counted(1).failed == 0
    for name in BOXES:
        stage.boxes[name].behaviour = lambda box, wanted: ContentState.FAILED_SELFTEST
    stage.settle(HOUR_S)
    assert stage.rollout(1).state is RolloutState.PAUSED


def test_the_page_knows_when(stage: Stage, choosy: Choosy) -> None:
    with stage.database.read() as connection:
        found = progress.of(connection, rows.one(connection, 1), stage.now)
    [box] = [box for box in found.boxes if box.declined is not None]
    assert (box.member.box, box.again_at, box.error_code) == (OLD, stage.now + 3_600_000, "trust.min_agent")


def test_names_of_tries() -> None:
    assert [declining.name_of(12, tries) for tries in (1, 2)] == ["12", "12.2"]
    assert {declining.number_of(name) for name in ("12", "12.2")} == {"12"}
    waits = [Declined(times, 0).again_at(Plan()) / 3_600_000 for times in (1, 2, 3, 99)]
    assert waits == [1, 2, 4, 168]
    assert Declined(5, 7, changed=True).again_at(Plan()) == 7
