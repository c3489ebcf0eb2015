"""A jump of alerts or repeats is seen where the release is, and only there."""

from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.central.rollout import control, signals
from cloud_sync.central.rollout.signals import Rates, Share, deviations, jumped
from cloud_sync.central.rollout.terms import Plan, RolloutState, SignalRule
from cloud_sync.wire.messages import DecisionData, ResultData
from cloud_sync.wire.words import Action, Grade, Role
from tests.fleet import FleetBox
from tests.unit.cloud_sync.central.rollout.stage import DAY_S, START, Stage, release
from tests.unit.cloud_sync.central.rollout.test_events import event

RULE = SignalRule()
SOAK = Plan(soak_s=10 * DAY_S)


def test_the_test_is_the_two_proportion_test() -> None:
    # Pooled 0.15, spread sqrt(0.15 * 0.85 * 0.02) = 0.0505.
    assert deviations(Share(20, 100), Share(10, 100)) == pytest.approx(1.980, abs=0.001)
    assert deviations(Share(0, 10), Share(0, 10)) == deviations(Share(1, 1), Share(0, 0)) == 0


def test_a_jump_is_above_both_others_and_of_enough_images() -> None:
    high, low, few = Share(30, 100), Share(10, 100), Share(9, 30)
    assert jumped(RULE, Rates(high, low, low))
    assert not jumped(RULE, Rates(high, high, low))  # it was always so there
    assert not jumped(RULE, Rates(high, low, high))  # it is so everywhere now
    assert not jumped(RULE, Rates(few, low, low))
    assert not jumped(RULE, Rates(high, low, Share(0, 10)))
    assert jumped(RULE, Rates(high, Share(0, 0), low))  # a box that had judged nothing before
    assert not jumped(RULE, Rates(Share(13, 100), low, low))


@pytest.fixture(autouse=True)
def _watching(stage: Stage) -> None:
    stage.watch()


@given(st.integers(0, 2**32))
def test_equal_rates_are_no_jump(seed: int) -> None:
    chance = random.Random(seed)
    after, before, control_ = (Share(sum(chance.random() < 0.1 for _ in range(400)), 400) for _ in range(3))
    if jumped(RULE, Rates(after, before, control_)):
        assert deviations(after, control_) > 3.3  # then it was the one of many


def images(stage: Stage, boxes: Iterable[FleetBox], count: int, alerts: float, *, repeat: bool = False) -> None:
    """Each box judges so many images; every n-th is bad, or is repeated."""
    for box in boxes:
        for number in range(count):
            hit = int((number + 1) * alerts) > int(number * alerts)
            grade = Grade.BING if hit and not repeat else Grade.JIA
            data = ResultData(received=stage.now, modality="DX", grade=grade)
            box._seq += 1
            box.outbox[box._seq] = (event(box._seq, data, box=box.name), 0.0)
            if hit and repeat:
                said = DecisionData(result_seq=box._seq, action=Action.REPEAT, role=Role.TECHNOLOGIST, decided=0)
                box._seq += 1
                box.outbox[box._seq] = (event(box._seq, said, box=box.name), 0.0)


def _site(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[FleetBox], list[FleetBox]]:
    """Six boxes, three of them with the release; all had 10 % before."""
    monkeypatch.setattr("tests.fleet.now_ms", lambda: stage.now)
    stage.come([f"box-{number}" for number in range(6)])
    images(stage, stage.boxes.values(), 30, 0.1)
    stage.settle()
    stage.now += 3_600_000
    number = stage.start(release(2), SOAK)
    stage.settle(1)
    having = stage.run(release(2))
    boxes = stage.boxes.values()
    return number, [box for box in boxes if box.name in having], [box for box in boxes if box.name not in having]


@pytest.mark.parametrize("repeat", [False, True])
def test_three_times_the_alerts_or_repeats_pause_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, repeat: bool
) -> None:
    number, having, others = _site(stage, monkeypatch)
    stage.now += 1000
    images(stage, others, 40, 0.1, repeat=repeat)
    images(stage, having, 40, 0.4, repeat=repeat)
    stage.settle(1)
    one = stage.rollout(number)
    assert one.state is RolloutState.PAUSED
    assert one.reason.code == ("repeats" if repeat else "alerts")
    assert (one.reason.values["rate"], one.reason.values["control"]) == (40.0, 10.0)
    assert one.reason.values["images"] == one.reason.values["control_images"] == 120
    with stage.database.write() as connection:
        control.resume(connection, number, by="lead", now=stage.now + 1, why="the other rule was wrong")
    stage.settle(1)
    assert stage.rollout(number).state is RolloutState.RUNNING


def test_a_bad_week_everywhere_pauses_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    number, having, others = _site(stage, monkeypatch)
    stage.now += 1000
    images(stage, [*having, *others], 40, 0.4)
    stage.settle(1)
    assert stage.rollout(number).state is RolloutState.RUNNING


def test_without_the_rule_nothing_is_compared(stage: Stage) -> None:
    stage.come(["box-a"])
    number = stage.start(release(1), Plan(signals=None))
    with stage.database.read() as connection:
        assert signals.suspicion(connection, stage.rollout(number)) is None
    assert stage.now == START
