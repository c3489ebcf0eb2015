"""The outbox gives numbers without gaps, and only the centre's own word takes a row off it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from cloud_sync.link.ports import OutboxPort, Rejected
from edge.store.database import Database
from edge.store.outbox import Outbox, new_stream, restart
from edge.store.schema import case, outbox

LATER = 10**15


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "q.db")
    yield database
    database.close()


@pytest.fixture
def box(db: Database) -> Outbox:
    return Outbox(db)


def payload(seq: int, event_id: str, stream: str) -> bytes:
    return json.dumps({"seq": seq, "id": event_id, "stream": stream}).encode()


def fill(db: Database, box: Outbox, count: int) -> list[int]:
    return [db.write(lambda c: box.add(c, "qc.result.v1", payload, None)) for _ in range(count)]


def send(box: Outbox, *seqs: int) -> None:
    box.sent(seqs, LATER)


def state_of(db: Database, seq: int) -> str:
    return db.read(lambda c: str(c.scalar(select(outbox.c.state).where(outbox.c.seq == seq))))


def test_it_is_what_the_link_wants(box: Outbox) -> None:
    port: OutboxPort = box
    assert port.status(0).depth == 0


def test_numbers_have_no_gap_and_are_inside_the_payload(db: Database, box: Outbox) -> None:
    def fails(connection: Connection) -> None:
        box.add(connection, "qc.result.v1", payload, None)
        raise ValueError("rolled back")

    assert fill(db, box, 2) == [1, 2]
    with pytest.raises(ValueError, match="rolled back"):
        db.write(fails)
    assert fill(db, box, 1) == [3]
    rows = box.due(0, 10, fresh=True)
    assert [row.seq for row in rows] == [1, 2, 3]
    assert json.loads(rows[2].payload) == {"seq": 3, "id": f"{box.stream}-000003", "stream": box.stream}


def test_a_number_is_never_used_again(db: Database, box: Outbox) -> None:
    fill(db, box, 2)
    send(box, 1, 2)
    box.acknowledged(box.stream, [(1, 2)], now=1)
    assert db.write(lambda c: box.prune(c, before=2)) == 2
    assert fill(db, box, 1) == [3]
    assert box.status(0).seq_hi == 3


def test_what_was_sent_is_not_due_before_its_time(db: Database, box: Outbox) -> None:
    fill(db, box, 3)
    box.sent([1, 2], next_at=50)
    assert [row.seq for row in box.due(49, 10, fresh=True)] == [3]
    again = box.due(50, 10, fresh=True)
    assert [(row.seq, row.attempts) for row in again] == [(1, 1), (2, 1), (3, 0)]
    assert [row.seq for row in box.due(50, 2, fresh=True)] == [1, 2]


def test_only_an_acknowledgement_for_what_was_sent_counts(db: Database, box: Outbox) -> None:
    fill(db, box, 4)
    send(box, 1, 2)
    assert box.acknowledged(new_stream(0), [(1, 4)], now=1) == 0
    assert box.acknowledged(box.stream, [(3, 9), (50, 60)], now=1) == 0
    assert box.acknowledged(box.stream, [(1, 1), (2, 4)], now=1) == 2
    assert [state_of(db, seq) for seq in (1, 2, 3, 4)] == ["acked", "acked", "pending", "pending"]
    assert box.acknowledged(box.stream, [(1, 2)], now=1) == 0
    assert box.acknowledged(box.stream, [], now=1) == 0
    assert box.status(0).depth == 2


def test_an_acknowledged_result_moves_its_case(db: Database, box: Outbox) -> None:
    row = {"sha256": "0" * 64, "size": 1, "kind": "dicom", "source": "dicom", "calling_ae": "", "peer": ""}
    row |= {"received_at": 0, "updated_at": 0}
    db.write(
        lambda c: c.execute(
            case.insert(), [row | {"id": "a", "state": "judged"}, row | {"id": "b", "state": "judged"}]
        )
    )
    db.write(lambda c: box.add(c, "qc.result.v1", payload, "a"))
    db.write(lambda c: box.add(c, "qc.decision.v1", payload, "b"))
    send(box, 1, 2)
    box.acknowledged(box.stream, [(1, 2)], now=7)
    states = dict(db.read(lambda c: [(r.id, r.state) for r in c.execute(select(case.c.id, case.c.state))]))
    assert states == {"a": "reported", "b": "judged"}


def test_what_the_centre_refuses_is_kept_and_shown(db: Database, box: Outbox) -> None:
    fill(db, box, 2)
    send(box, 1)
    wrong = [Rejected(1, "schema", "data.score"), Rejected(2, "schema", ""), Rejected(9, "schema", "")]
    assert box.rejected(new_stream(0), wrong, now=1) == 0
    assert box.rejected(box.stream, wrong, now=1) == 1
    assert state_of(db, 1) == "quarantined"
    assert (box.status(0).quarantined, box.status(0).depth) == (1, 1)
    assert db.write(lambda c: box.prune(c, before=LATER)) == 0


def test_the_centre_may_ask_again_for_what_is_still_here(db: Database, box: Outbox) -> None:
    fill(db, box, 3)
    send(box, 1, 2, 3)
    box.acknowledged(box.stream, [(1, 1)], now=1)
    box.rejected(box.stream, [Rejected(2, "schema", "")], now=1)
    assert box.resend([]) == 0
    assert box.resend([(1, 2), (7, 9)]) == 2
    assert [row.seq for row in box.due(0, 10, fresh=True)] == [1, 2]


def test_after_a_reconnect_all_is_due_and_all_of_it_is_backlog(db: Database, box: Outbox) -> None:
    fill(db, box, 2)
    send(box, 1, 2)
    box.reconnected()
    fill(db, box, 1)
    assert [row.seq for row in box.due(0, 10, fresh=False)] == [1, 2]
    assert [row.seq for row in box.due(0, 10, fresh=True)] == [3]


def test_a_restart_keeps_the_stream_and_calls_the_rest_backlog(db: Database, box: Outbox) -> None:
    fill(db, box, 2)
    again = Outbox(db)
    assert (again.stream, again.boot == box.boot) == (box.stream, False)
    assert [row.seq for row in again.due(0, 10, fresh=False)] == [1, 2]
    assert fill(db, again, 1) == [3]
    assert [row.seq for row in again.due(0, 10, fresh=True)] == [3]


def test_status_knows_the_oldest(db: Database, box: Outbox) -> None:
    assert box.status(10**15).oldest_age_s == 0
    fill(db, box, 1)
    made = db.read(lambda c: c.scalar(select(outbox.c.created_at))) or 0
    assert box.status(made + 2500).oldest_age_s == 2.5
    assert box.status(made - 2500).oldest_age_s == 0


def test_a_restored_database_begins_a_stream_and_numbers_anew(db: Database, box: Outbox) -> None:
    fill(db, box, 3)
    send(box, 1, 2, 3)
    box.acknowledged(box.stream, [(1, 1)], now=1)
    assert db.write(restart) == 2
    again = Outbox(db)
    assert again.stream != box.stream
    rows = again.due(0, 10, fresh=False)
    assert [json.loads(row.payload)["seq"] for row in rows] == [row.seq for row in rows] == [1, 2]
    assert {json.loads(row.payload)["stream"] for row in rows} == {again.stream}
    assert fill(db, again, 1) == [3]


def test_a_stream_is_a_ulid_and_sorts_by_time() -> None:
    early, late = new_stream(1_000), new_stream(2_000)
    assert len(early) == 26 and early < late
    assert set(early) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert new_stream(2**48 - 1)[0] == "7"


def test_an_acknowledgement_may_have_as_many_ranges_as_a_message_holds(db: Database, box: Outbox) -> None:
    """A centre that went wrong must not end the agent."""
    fill(db, box, 3)
    send(box, 1, 2, 3)
    every_other = [(seq, seq) for seq in range(1, 12_000, 2)]
    assert box.acknowledged(box.stream, every_other, 1) == 2
    assert [state_of(db, seq) for seq in (1, 2, 3)] == ["acked", "pending", "acked"]
    assert box.resend(every_other) == 2
    assert box.acknowledged(box.stream, [(1, 2**53 - 1)], 1) == 3
