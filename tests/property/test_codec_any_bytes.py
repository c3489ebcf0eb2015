"""Any bytes are a message or a WireError that quotes none of them; every message comes back as it was."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.wire import ranges
from cloud_sync.wire.codec import MAX_BYTES, WireError, check_json, decode, decode_event, encode
from cloud_sync.wire.control import Ack
from cloud_sync.wire.messages import Fact, ResultData
from cloud_sync.wire.words import Grade
from tests.simulated_box import STREAM, result_event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
GENUINE = encode(result_event("box-a", STREAM, 7))


def read(payload: bytes) -> bool:
    """Whether it is an event. Anything but a WireError is a failure of the test."""
    try:
        event = decode_event(payload)
    except WireError:
        return False
    assert len(encode(event)) <= MAX_BYTES * 2
    return True


@given(st.binary(max_size=400))
def test_any_bytes(payload: bytes) -> None:
    read(payload)


@given(JSON)
def test_any_json(value: object) -> None:
    read(json.dumps(value).encode("utf-8", "surrogatepass"))


@given(st.integers(0, len(GENUINE) - 1), st.binary(max_size=8), st.integers(0, 40))
def test_a_genuine_event_damaged(where: int, put: bytes, cut: int) -> None:
    read(GENUINE[:where] + put + GENUINE[where + cut :])


@given(st.sampled_from(["id", "source", "type", "time", "stream", "seq", "boot", "clock", "data", "extra"]), JSON)
def test_any_value_in_any_field(field: str, value: object) -> None:
    tree = json.loads(GENUINE)
    tree[field] = value
    read(json.dumps(tree).encode("utf-8", "surrogatepass"))


@given(st.text(min_size=12, alphabet=st.characters(min_codepoint=0x4E00, max_codepoint=0x4EFF)), st.data())
def test_an_error_never_quotes(secret: str, data: st.DataObject) -> None:
    tree = json.loads(GENUINE)
    field = data.draw(st.sampled_from(["source", "type", "time", "stream", "seq", "boot", "data"]))
    tree[field] = {secret: secret} if field == "data" else secret
    try:
        decode_event(json.dumps(tree, ensure_ascii=False).encode())
    except WireError as error:
        assert secret not in f"{error} {error.detail} {error!r} {error.__context__}"
    else:
        raise AssertionError("read as an event")


VALUES = st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)


@given(
    st.lists(st.tuples(st.text(max_size=30), VALUES), max_size=10),
    st.sampled_from([*Grade, None]),
    st.none() | st.floats(0, 100),
)
def test_every_result_comes_back(
    facts: list[tuple[str, bool | float | str]], grade: Grade | None, score: float
) -> None:
    made = ResultData(
        received=1,
        grade=grade,
        score=score,
        measurements=tuple(Fact(name=name, value=value) for name, value in facts),
    )
    event = result_event("box-a", STREAM, 9, data=made)
    assert decode_event(encode(event)) == event
    check_json(encode(event))


@given(st.sets(st.integers(1, 400)))
def test_an_acknowledgement_names_exactly_the_numbers(numbers: set[int]) -> None:
    ack = Ack(stream=STREAM, ok=ranges.from_numbers(numbers), hi=max(numbers, default=0), t=1)
    back = decode(encode(ack), Ack)
    assert {seq for first, last in back.ok for seq in range(first, last + 1)} == numbers
    assert ranges.count(back.ok) == len(numbers)
