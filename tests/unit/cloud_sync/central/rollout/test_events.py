"""What boxes say of content and overrides becomes rows, in whatever order it comes."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Table, select

from cloud_sync.central.judging import judge
from cloud_sync.central.rollout import content, rows, tables
from cloud_sync.central.storing import store
from cloud_sync.updates.terms import Audience
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode
from cloud_sync.wire.messages import (
    AppliedLimit,
    Data,
    DecisionData,
    Event,
    KbStateData,
    KbStateEvent,
    OverrideData,
    PackUsed,
    ResultData,
)
from cloud_sync.wire.words import Action, ContentState, Role, Severity
from models.content.factory import packs
from models.content.rules import rule_set
from tests.fleet import FleetBox
from tests.simulated_box import STREAM, result_data
from tests.unit.cloud_sync.central.rollout.stage import START, Stage

LATER_DISK = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
SHA = "ab" * 32
_TYPES: dict[type[Data], str] = {
    KbStateData: "qc.kb_state.v1", OverrideData: "qc.override.v1", DecisionData: "qc.decision.v1",
    ResultData: "qc.result.v1",
}  # fmt: skip


def event(seq: int, data: Data, stream: str = STREAM, box: str = "box-a") -> bytes:
    return encode(
        Event(
            id=topics.event_id(stream, seq), source=topics.source(box), stream=stream, seq=seq, boot="b",
            type=_TYPES[type(data)], time="2026-11-22T10:11:12Z", data=data,
        )
    )  # fmt: skip


def state(word: ContentState, at: int, **more: Any) -> KbStateData:
    return KbStateData(name="dx-core", version=2, sha256=SHA, rollout="1", state=word, at=at, **more)


def take_in(stage: Stage, *payloads: bytes) -> None:
    with stage.database.write() as connection:
        store(stage.database, connection, [judge("box-a", payload, {}) for payload in payloads], stage.now)


def row(stage: Stage, table: Table) -> Any:
    with stage.database.read() as connection:
        return connection.execute(select(table).where(table.c.box == "box-a")).one()


PATH = [
    event(1, state(ContentState.TESTED, 10)),
    event(2, state(ContentState.PROBATION, 20, runs=SHA)),
    event(3, state(ContentState.ROLLED_BACK, 30, error_code="alerts", rollback_code="gone", runs=None)),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_word_counts_in_any_order(stage: Stage, order: tuple[int, ...]) -> None:
    stage.come(["box-a"])
    for index in order:
        take_in(stage, PATH[index])
    found = row(stage, tables.content_state)
    assert (found.state, found.active_at, found.at, found.seq) == ("rolled_back", 20, 30, 3)
    assert (found.error_code, found.rollback_code) == ("alerts", "gone")
    assert row(stage, tables.content_runs).sha256 is None


def test_one_event_is_taken_once(stage: Stage) -> None:
    stage.come(["box-a"])
    take_in(stage, PATH[2], PATH[2])
    take_in(stage, PATH[2])
    assert row(stage, tables.content_state).seq == 3


def test_words_of_an_earlier_disk_do_not_count(stage: Stage) -> None:
    stage.come(["box-a"])
    take_in(stage, event(1, state(ContentState.TESTED, 50), LATER_DISK))
    take_in(stage, *PATH)
    found = row(stage, tables.content_state)
    assert (found.state, found.active_at, found.stream) == ("tested", None, LATER_DISK)


def test_a_birth_says_what_runs_and_a_kept_one_does_not_take_back_what_came_after(stage: Stage) -> None:
    box = FleetBox("box-a", online=True)
    stage.boxes["box-a"] = box
    stage.come(["box-a"])
    take_in(stage, event(4, state(ContentState.COMMITTED, 40, runs=SHA)))
    kb = PackUsed(name="dx-core", version=1, sha256="cd" * 32).model_dump_json().encode()
    old = box.birth().replace(b'"kb":[]', b'"kb":[' + kb + b"]")
    stage._say({"box-a": old})
    assert row(stage, tables.content_runs).sha256 == SHA
    stage._say({"box-a": old.replace(b'"seq_hi":0', b'"seq_hi":9')})
    found = row(stage, tables.content_runs)
    assert (found.version, found.sha256) == (1, "cd" * 32)


def test_numbers_that_no_column_holds_stop_nothing(stage: Stage) -> None:
    stage.come(["box-a"])
    huge = encode(KbStateEvent.model_validate_json(PATH[0])).replace(b'"version":2', b'"version":' + b"9" * 30)
    take_in(stage, huge)
    assert row(stage, tables.content_state).version == 2**53 - 1


def test_machines_are_met_once(stage: Stage) -> None:
    stage.come(["box-a"])
    for seq in (1, 4, 7):
        take_in(stage, event(seq, result_data(0)))
    assert row(stage, tables.machine).modality == "DX"
    with stage.database.read() as connection:
        (box,) = rows.candidates(connection, Audience(modalities=("DX", "CR")))
        assert rows.candidates(connection, Audience(modalities=("MR",))) == []
    assert box.kinds == {"DX/Ray Works"}


def test_a_decision_and_its_undoing(stage: Stage) -> None:
    stage.come(["box-a"])
    said = DecisionData(result_seq=7, action=Action.REPEAT, role=Role.TECHNOLOGIST, decided=START)
    take_in(stage, event(8, said))
    assert (row(stage, tables.decision).result_seq, row(stage, tables.decision).undone) == (7, 0)


def override(**more: Any) -> OverrideData:
    return OverrideData(
        **{
            "override": "5", "layer": "L4", "rule": "dx.chest.rotation", "role": Role.QC_LEAD, "at": START,
            "limits": (AppliedLimit(name="max_deg", value=7.0),), **more,
        }
    )  # fmt: skip


def test_an_override_is_shown_against_the_limit_of_its_pack(stage: Stage) -> None:
    rules = rule_set(packs())
    rule = next(one for pack in rules.packs for one in pack.rules if one.spec.limit and one.layer >= "L1")
    name, given = next(iter(rule.spec.limit.items()))
    stage.come(["box-a"])
    limits = (AppliedLimit(name=name, value=1e6), AppliedLimit(name="no-such", value=1.0))
    take_in(stage, event(1, override(rule=rule.spec.id, limits=limits, severity=Severity.MINOR, enabled=False)))
    take_in(stage, event(2, override(override="6", rule="no.such.rule", removed=True)))
    with stage.database.read() as connection:
        known, unknown = content.changes(connection, rules.packs)
        assert content.changes(connection, rules.packs, "box-b") == []
    assert known.rule is not None
    assert (known.rule.pack, known.enabled, known.severity, known.removed) == (rule.pack, False, "minor", False)
    assert known.limits[0].standard == getattr(given, "value", given)
    assert known.limits[1].standard is None
    assert known.limits[0].outside == (known.limits[0].bounds is not None)
    assert (unknown.rule, unknown.removed, unknown.version) == (None, True, None)


def test_an_override_taken_back_before_it_was_heard_of_stays_taken_back(stage: Stage) -> None:
    stage.come(["box-a"])
    take_in(stage, event(9, override(removed=True)))
    take_in(stage, event(8, override()))
    assert row(stage, tables.override).removed == 1


def test_overrides_of_a_disk_that_is_gone_are_gone(stage: Stage) -> None:
    stage.come(["box-a"])
    take_in(stage, event(1, override()))
    stage.boxes["box-a"] = FleetBox("box-a", stream=LATER_DISK)
    stage.come(["box-a"])
    with stage.database.read() as connection:
        assert content.changes(connection, []) == []


def test_the_content_of_a_box(stage: Stage) -> None:
    stage.come(["box-a"])
    take_in(stage, *PATH)
    stage.settle()
    with stage.database.read() as connection:
        found = content.of(connection, "box-a")
        assert content.of(connection, "box-none") is None
    assert found is not None
    (attempt,) = found.attempts
    assert (attempt.state, attempt.rollout, attempt.gone) == (ContentState.ROLLED_BACK, None, False)
    assert found.shall == ()
