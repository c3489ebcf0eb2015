"""The codec refuses whatever two readers could read differently, and says so without quoting it."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from cloud_sync.wire.codec import MAX_BYTES, MAX_DEPTH, WireError, check_json, decode, decode_event, encode
from cloud_sync.wire.control import Ack, Birth, BoxClock, Command, Death, Presence
from cloud_sync.wire.messages import (
    AlertAckData,
    AlertAckEvent,
    DecisionData,
    DecisionEvent,
    Event,
    Fact,
    OtherEvent,
    ResultData,
    ResultEvent,
    SetAsideData,
    SetAsideEvent,
)
from cloud_sync.wire.words import Action, CommandName, Grade, Role
from tests.simulated_box import STREAM, result_event

SENTINEL = "WANG^SENTINEL"
EVENT = result_event("box-a", STREAM, 7)


def changed(change: Callable[[dict[str, object]], object]) -> bytes:
    """The event's payload after a change to its plain JSON."""
    tree = json.loads(encode(EVENT))
    change(tree)
    return json.dumps(tree).encode()


def refused(payload: bytes) -> WireError:
    with pytest.raises(WireError) as caught:
        decode_event(payload)
    assert "SENTINEL" not in str(caught.value)
    return caught.value


def test_every_kind_of_event_comes_back_as_it_was() -> None:
    place = {
        "id": "x",
        "source": "/box/a",
        "time": "2026-11-21T16:03:27Z",
        "stream": STREAM,
        "seq": 1,
        "boot": "b",
    }
    events: list[Event] = [
        EVENT,
        SetAsideEvent(**place, data=SetAsideData(received=1, reason_code="read.truncated")),
        DecisionEvent(**place, data=DecisionData(action=Action.REPEAT, role=Role.TECHNOLOGIST, decided=2)),
        AlertAckEvent(**place, data=AlertAckData(role=Role.QC_LEAD, acknowledged=3)),
    ]
    for event in events:
        back = decode_event(encode(event))
        assert back == event
        assert type(back) is type(event)


def test_an_event_of_a_newer_type_is_kept_whole() -> None:
    newer = decode_event(changed(lambda tree: tree.update(type="qc.kb.state.v1", data={"a": {"b": [1, 2]}})))
    assert isinstance(newer, OtherEvent)
    assert json.loads(encode(newer))["data"] == {"a": {"b": [1, 2]}}
    assert newer.box == "box-a"


def test_unknown_fields_are_kept_and_unknown_words_become_unknown() -> None:
    def newer(tree: dict[str, object]) -> None:
        tree["traceparent"] = "00-1"
        data = tree["data"]
        assert isinstance(data, dict)
        data["grade"] = "zeta"
        data["detector"] = {"temperature": 31}

    event = decode_event(changed(newer))
    assert isinstance(event.data, ResultData)
    assert event.data.grade is Grade.UNKNOWN
    back = json.loads(encode(event))
    assert back["traceparent"] == "00-1"
    assert back["data"]["detector"] == {"temperature": 31}


def test_an_unknown_command_is_read_as_unknown() -> None:
    command = decode(b'{"id": "1", "name": "self_destruct"}', Command)
    assert command.name is CommandName.UNKNOWN


@pytest.mark.parametrize("word", [5, None, ["jia"]])
def test_a_word_that_is_no_text_is_refused(word: object) -> None:
    command = json.dumps({"id": "1", "name": word}).encode()
    with pytest.raises(WireError, match="schema: name"):
        decode(command, Command)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "json"),
        (b"{", "json"),
        (b"\xff\xfe", "utf8"),
        (b"[NaN]", "number"),
        (b"[-Infinity]", "number"),
        (b"[1e999]", "number"),
        (b"[" + b"9" * 5000 + b"]", "number"),
        (b"[0." + b"9" * 5000 + b"]", "number"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'["\\ud800"]', "text"),
        (b'{"\\udc00": 1}', "text"),
        (b'["a\\u0000b"]', "text"),
        (b"[" * 5000 + b"]" * 5000, "depth"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "depth"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "depth"),
        (b"x" * (MAX_BYTES + 1), "size"),
        (b"[]", "schema"),
        (b"17", "schema"),
        (b"{}", "schema"),
        (b'{"type": 5}', "schema"),
    ],
)
def test_hostile_payloads_have_a_code(payload: bytes, code: str) -> None:
    assert refused(payload).code == code


def test_the_deepest_allowed_is_allowed() -> None:
    assert check_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert check_json('["中文", 1, -2.5, null, true, {"a": "b"}]'.encode())


@pytest.mark.parametrize(
    "field",
    ["id", "source", "type", "time", "stream", "seq", "boot", "data"],
)
def test_a_missing_field_is_named(field: str) -> None:
    assert field in refused(changed(lambda tree: tree.pop(field))).detail or field == "type"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("seq", "7"), ("seq", 0), ("seq", 2**53), ("seq", True), ("seq", 7.5), ("stream", "lower"),
        ("source", "box-a"), ("source", "/box/UPPER"), ("source", "/box/a/b"), ("time", SENTINEL),
        ("specversion", "2.0"), ("type", 5), ("boot", SENTINEL), ("data", [SENTINEL]), ("data", SENTINEL),
    ],
)  # fmt: skip
def test_a_wrong_value_is_refused_and_not_quoted(field: str, value: object) -> None:
    error = refused(changed(lambda tree: tree.update({field: value})))
    assert error.code == "schema"


@pytest.mark.parametrize("pseudonym", ["1.2.840.113619.2.55", "110101199003078515", "WANG^XIAOMING", "A" * 32, ""])
def test_a_pseudonym_has_one_shape_that_no_identity_has(pseudonym: str) -> None:
    with pytest.raises(ValidationError):
        ResultData(received=1, patient=pseudonym)


def test_text_is_cleaned_and_clipped_never_refused() -> None:
    fact = Fact(name="a\x00b\x1fc\ud800" + "长" * 400, value=("x\x7f",))
    assert fact.name.startswith("abc?长")
    assert len(fact.name) == 256
    assert fact.value == ("x",)


def test_numbers_that_json_has_not_are_refused_when_made() -> None:
    with pytest.raises(ValidationError):
        Fact(name="a", value=float("nan"))


def test_values_keep_their_kind() -> None:
    for value in (True, 1.5, "PA", ("a", "b")):
        fact = decode(encode(Fact(name="a", value=value)), Fact)
        assert (fact.value, type(fact.value)) == (value, type(value))


def test_too_large_a_message_is_not_made() -> None:
    data = ResultData(received=1, measurements=tuple(Fact(name=f"{n}", value="x" * 256) for n in range(600)))
    with pytest.raises(WireError, match="size"):
        encode(result_event("box-a", STREAM, 1, data=data))


def test_a_birth_and_its_death_are_told_apart() -> None:
    birth = Birth(
        boot="b1", stream=STREAM, seq_hi=3, depth=0, oldest_age_s=0, agent="1", clock=BoxClock(wall=1, synced=True)
    )
    assert decode(encode(birth), Presence).online
    assert not decode(encode(Death(boot="b1")), Presence).online
    with pytest.raises(WireError):
        decode(encode(Death(boot="b1")), Birth)


def test_a_range_must_not_run_backwards() -> None:
    with pytest.raises(WireError, match=r"schema: ok\.0"):
        decode(json.dumps({"stream": STREAM, "ok": [[5, 2]], "hi": 5, "t": 1}).encode(), Ack)


def test_an_error_travels_between_processes() -> None:
    back = pickle.loads(pickle.dumps(WireError("schema", "data: missing")))
    assert (back.code, back.detail, str(back)) == ("schema", "data: missing", "schema: data: missing")
    assert str(WireError("duplicate_key")) == "duplicate_key"


def test_errors_hide_the_input_when_a_message_is_made() -> None:
    with pytest.raises(ValidationError) as caught:
        ResultEvent(
            id="x", source="/box/a", time=SENTINEL, stream=STREAM, seq=1, boot="b", data=ResultData(received=1)
        )
    assert "SENTINEL" not in str(caught.value)
