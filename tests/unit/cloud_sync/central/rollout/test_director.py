"""What is said on dn/desired, and when."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from cloud_sync.central.rollout import desired
from cloud_sync.central.rollout.director import Director
from cloud_sync.central.rollout.terms import Plan
from cloud_sync.wire import topics
from cloud_sync.wire.codec import decode
from cloud_sync.wire.control import Desired
from cloud_sync.wire.topics import Address
from tests.unit.cloud_sync.central.rollout.stage import START, Stage, release

AT_ONCE = Plan(canary_percent=100)
BIRTH = Address("box-a", True, "state")


def said(director: Director) -> list[tuple[str, Desired]]:
    return [(out.topic, decode(out.payload, Desired)) for out in director.to_say()]


def test_it_is_said_once_and_again_after_each_birth(stage: Stage) -> None:
    stage.come(["box-a", "box-b"])
    said(stage.director)  # the boxes are unknown to the scheduler: nothing to say yet
    stage.start(release(1), AT_ONCE)
    first = said(stage.director)
    assert [topic for topic, _ in first] == [topics.down("box-a", "desired"), topics.down("box-b", "desired")]
    assert first[0][1].kb[0].version == 1
    assert (first[0][1].rev, first[0][1].t) == (START // 1000, START)
    assert said(stage.director) == []
    stage.director.heard(BIRTH, stage.boxes["box-a"].birth())
    assert [topic for topic, _ in said(stage.director)] == [topics.down("box-a", "desired")]


def test_the_number_counts_up_when_and_only_when_the_set_changes(stage: Stage) -> None:
    stage.come(["box-a"])
    stage.start(release(1), AT_ONCE)
    stage.settle()
    (before,) = _due(stage)
    stage.settle(60)
    assert _due(stage) == [before]
    stage.start(release(2), AT_ONCE)
    (after,) = _due(stage)
    assert after.said.rev > before.said.rev


def test_a_number_never_goes_back_with_the_clock_or_with_a_new_database(stage: Stage) -> None:
    stage.come(["box-a"])
    stage.start(release(1), AT_ONCE)
    (before,) = _due(stage)
    stage.now -= 86_400_000
    stage.start(release(2), AT_ONCE)
    (after,) = _due(stage)
    assert after.said.rev > before.said.rev
    assert before.said.rev == START // 1000


def test_many_boxes_are_told_in_many_turns(stage: Stage) -> None:
    stage.come([f"box-{number:03}" for number in range(250)])
    stage.settle()
    stage.director.to_say()
    director = Director(stage.database, lambda: stage.now, look_s=1000)
    assert said(director) == []  # whatever was before its time is said at births
    for name, box in stage.boxes.items():
        director._look_at = 0
        director.heard(Address(name, True, "state"), box.birth())
    assert [len(said(director)) for _ in range(3)] == [200, 50, 0]


def test_deaths_garbage_and_other_leaves_are_nothing(stage: Stage) -> None:
    stage.come(["box-a"])
    stage.settle()
    said(stage.director)
    stage.director.heard(BIRTH, b"garbage")
    stage.director.heard(BIRTH, b'{"online":false,"boot":"b"}')
    stage.director.heard(Address("box-a", True, "event"), stage.boxes["box-a"].birth())
    assert said(stage.director) == []


def test_a_database_that_does_not_answer_is_asked_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.come(["box-a"])
    stage.start(release(1), AT_ONCE)
    with monkeypatch.context() as broken:
        broken.setattr(desired, "since", _fails)
        assert said(stage.director) == []
    assert len(said(stage.director)) == 1


def _fails(*_: object) -> None:
    raise OperationalError("", {}, Exception())


def _due(stage: Stage) -> list[desired.Due]:
    with stage.database.read() as connection:
        return desired.of(connection, ["box-a"])
