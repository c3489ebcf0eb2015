"""A batch goes into the tables once, whatever it holds and however often it comes."""

from __future__ import annotations

import json
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, func, select
from sqlalchemy.exc import IntegrityError

from cloud_sync.central import schema, streams
from cloud_sync.central.database import Database
from cloud_sync.central.judging import Accepted, Refused, judge
from cloud_sync.central.storing import Stored, store
from cloud_sync.wire.codec import MAX_BYTES, encode
from cloud_sync.wire.control import Refusal
from tests.simulated_box import STREAM, result_data, result_event

NOW = 1_795_277_007_000
OTHER = "01J9Z3NDEKTSV4RRFFQ69G5FAX"


def event(seq: int, box: str = "box-a", stream: str = STREAM, variant: int | None = None) -> Accepted | Refused:
    """A genuine message; ``variant`` changes its content."""
    made = result_event(box, stream, seq, data=result_data(seq if variant is None else variant))
    return judge(box, encode(made), {})


def take_in(database: Database, *batch: Accepted | Refused, now: int = NOW) -> Stored:
    with database.write() as connection:
        return store(database, connection, batch, now)


def count(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_batch_is_stored_and_acknowledged_in_ranges(database: Database) -> None:
    stored = take_in(database, *(event(seq) for seq in (1, 2, 3, 7)))
    ((box, ack),) = stored.acks
    assert (box, ack.stream, ack.ok, ack.rej, ack.hi, ack.t) == ("box-a", STREAM, ((1, 3), (7, 7)), (), 7, NOW)
    assert (stored.new, stored.repeated) == (4, 0)
    assert count(database, schema.event) == count(database, schema.result) == 4


def test_what_comes_again_is_acknowledged_again_and_stored_once(database: Database) -> None:
    again = [event(1), event(2)]
    take_in(database, *again)
    stored = take_in(database, *again, again[0])
    assert (stored.new, stored.repeated) == (0, 3)
    assert stored.acks[0][1].ok == ((1, 2),)
    assert count(database, schema.event) == count(database, schema.result) == 2


def test_the_unique_key_is_in_the_database_itself(database: Database) -> None:
    take_in(database, event(1))
    row = {"box": "box-a", "stream": STREAM, "seq": 1, "type": "t", "time": "", "received_at": 0, "sha256": "",
           "payload": b""}  # fmt: skip
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(schema.event.insert().values(row))


def test_boxes_and_streams_do_not_share_numbers(database: Database) -> None:
    stored = take_in(database, event(1), event(1, box="box-b"), event(1, stream=OTHER))
    assert stored.new == 3
    assert {(box, ack.stream) for box, ack in stored.acks} == {
        ("box-a", STREAM), ("box-b", STREAM), ("box-a", OTHER),
    }  # fmt: skip


def test_one_number_with_other_content_is_refused_and_the_first_kept(database: Database) -> None:
    first = event(5)
    take_in(database, first)
    stored = take_in(database, event(5, variant=99), event(6))
    ack = stored.acks[0][1]
    assert ack.ok == ((6, 6),)
    assert ack.rej == (Refusal(seq=5, code="integrity", detail="number taken by other content"),)
    assert stored.conflicts == 1
    with database.read() as connection:
        kept = connection.scalar(select(schema.event.c.sha256).where(schema.event.c.seq == 5))
        alarm = connection.execute(select(schema.alarm)).one()
    assert kept == first.sha256
    assert (alarm.kind, alarm.box, alarm.seq) == ("content", "box-a", 5)


def test_one_number_with_two_contents_in_one_batch(database: Database) -> None:
    other = event(5, variant=99)
    stored = take_in(database, event(5), other)
    assert (stored.new, stored.conflicts) == (1, 1)
    take_in(database, other)
    assert count(database, schema.alarm) == 1


def test_an_unreadable_message_with_a_number_is_refused_by_it(database: Database) -> None:
    tree = json.loads(encode(result_event("box-a", STREAM, 3)))
    tree["data"]["received"] = "yesterday"
    stored = take_in(database, event(2), judge("box-a", json.dumps(tree).encode(), {}), event(4))
    ack = stored.acks[0][1]
    assert ack.ok == ((2, 2), (4, 4))
    assert [(one.seq, one.code) for one in ack.rej] == [(3, "schema")]
    assert "yesterday" not in ack.rej[0].detail
    assert (stored.dead_letters, count(database, schema.dead_letter)) == (1, 1)


def test_garbage_is_refused_by_the_user_properties(database: Database) -> None:
    garbage = judge("box-a", b"\xff\x00garbage", {"stream": STREAM, "seq": "9"})
    assert [(one.seq, one.code) for one in take_in(database, garbage).acks[0][1].rej] == [(9, "utf8")]
    take_in(database, garbage)
    assert count(database, schema.dead_letter) == 1


@pytest.mark.parametrize(
    "user",
    [{}, {"stream": STREAM}, {"stream": STREAM, "seq": "-1"}, {"stream": "x", "seq": "1"},
     {"stream": STREAM, "seq": "9" * 30}, {"stream": STREAM, "seq": "٣"}, {"stream": STREAM, "seq": "0"}],
)  # fmt: skip
def test_garbage_without_a_place_is_kept_and_not_acknowledged(database: Database, user: dict[str, str]) -> None:
    stored = take_in(database, judge("box-a", b"garbage", user))
    assert stored.acks == ()
    assert count(database, schema.dead_letter) == 1


@pytest.mark.parametrize("seq", ["7", True, 0, 2**60, None])
def test_a_number_that_is_none_gives_no_place(seq: object) -> None:
    refused = judge("box-a", json.dumps({"stream": STREAM, "seq": seq}).encode(), {})
    assert isinstance(refused, Refused)
    assert (refused.stream, refused.seq) == (None, None)


def test_an_event_in_another_boxs_name_is_an_alarm(database: Database) -> None:
    stored = take_in(database, judge("box-b", encode(result_event("box-a", STREAM, 1)), {}))
    assert stored.acks[0][0] == "box-b"
    assert [(one.seq, one.code) for one in stored.acks[0][1].rej] == [(1, "source")]
    assert count(database, schema.event) == 0
    with database.read() as connection:
        assert connection.execute(select(schema.alarm.c.kind)).scalar_one() == "source"


def test_a_megabyte_is_refused_and_kept_only_in_part(database: Database) -> None:
    large = judge("box-a", b"x" * 1_000_000, {"stream": STREAM, "seq": "4"})
    assert take_in(database, large).acks[0][1].rej[0].code == "size"
    with database.read() as connection:
        row = connection.execute(select(schema.dead_letter.c.bytes, schema.dead_letter.c.payload)).one()
    assert (row.bytes, len(row.payload)) == (1_000_000, MAX_BYTES)


def test_an_event_of_a_newer_type_is_stored_and_acknowledged(database: Database) -> None:
    tree = json.loads(encode(result_event("box-a", STREAM, 1)))
    tree["type"], tree["data"] = "qc.kb.state.v1", {"anything": [1, 2]}
    stored = take_in(database, judge("box-a", json.dumps(tree).encode(), {}))
    assert stored.acks[0][1].ok == ((1, 1),)
    assert (count(database, schema.event), count(database, schema.result)) == (1, 0)


def test_findings_are_rows(database: Database) -> None:
    take_in(database, event(4))
    with database.read() as connection:
        row = connection.execute(select(schema.finding)).one()
    assert (row.rule, row.severity, row.title_zh) == ("dx.chest.rotation", "major", "胸部旋转")


def test_an_empty_batch_is_nothing(database: Database) -> None:
    assert take_in(database) == Stored(0, 0, 0, 0, ())


def test_nothing_is_stored_when_the_transaction_fails(database: Database) -> None:
    class Crash(Exception):
        pass

    with pytest.raises(Crash), database.write() as connection:
        store(database, connection, [event(1)], NOW)
        raise Crash
    assert count(database, schema.event) == count(database, schema.stream) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=8))
def test_low_water_and_gaps_say_exactly_what_is_missing(batches: list[list[int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/central.db")
        _gaps_are_exact(database, batches)
        database.close()


def _gaps_are_exact(database: Database, batches: list[list[int]]) -> None:
    seen: set[int] = set()
    for batch in batches:
        take_in(database, event(40, box="box-b"), *(event(seq) for seq in batch))
        seen |= set(batch)
        with database.read() as connection:
            row = connection.execute(select(schema.stream).where(schema.stream.c.box == "box-a")).one()
            gaps = [gap for gap in streams.gaps(connection, 10_000) if gap.box == "box-a"]
            missing = streams.missing(connection, "box-a")
        absent = set(range(1, max(seen) + 1)) - seen
        assert row.hi == max(seen)
        assert row.low_water == min(absent, default=row.hi + 1) - 1
        assert {seq for gap in gaps for seq in range(gap.first, gap.last + 1)} == absent
        assert missing == len(absent)


def test_a_dead_letter_with_a_number_is_no_gap(database: Database) -> None:
    take_in(database, event(1), judge("box-a", b"garbage", {"stream": STREAM, "seq": "2"}), event(3))
    with database.read() as connection:
        assert streams.gaps(connection) == []
        assert streams.missing(connection, "box-a") == 0


def test_what_an_earlier_stream_lacks_still_counts(database: Database) -> None:
    take_in(database, event(1), event(4), event(1, stream=OTHER), event(3, stream=OTHER))
    with database.read() as connection:
        assert streams.missing(connection, "box-a") == 3
        assert streams.missing(connection, "box-b") == 0


def test_a_gap_is_as_old_as_what_came_after_it(database: Database) -> None:
    take_in(database, event(1), now=NOW)
    take_in(database, event(5), now=NOW + 1000)
    take_in(database, event(9), now=NOW + 9000)
    with database.read() as connection:
        found = [(gap.first, gap.last, gap.since) for gap in streams.gaps(connection)]
        assert found == [(2, 4, NOW + 1000), (6, 8, NOW + 9000)]
        assert len(streams.gaps(connection, most=1)) == 1


def test_a_long_gap_closes_in_steps(database: Database) -> None:
    take_in(database, *(event(seq) for seq in range(2, 1203)))
    take_in(database, event(1))
    with database.read() as connection:
        assert connection.execute(select(schema.stream.c.low_water)).scalar_one() == 1202


def test_no_column_can_hold_an_identity() -> None:
    words = {"patient", "birth", "accession", "uid", "sex", "operator", "physician", "description"}
    names = {
        f"{table.name}.{column.name}" for table in schema.metadata.tables.values() for column in table.columns
    }
    assert not {name for name in names if words & set(name.replace(".", "_").split("_"))}
