"""Every outbox keeps the promises of cloud_sync/link/ports.py: the simulated one and the appliance's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cloud_sync.link.ports import OutboxPort, Rejected
from edge.store.database import Database
from edge.store.outbox import Outbox
from tests.simulated_box import SimulatedOutbox, now_ms

Add = Callable[[int], None]
Subject = tuple[OutboxPort, Add]
OTHER_STREAM = "01J9Z3NDEKTSV4RRFFQ69G5FAX"


@pytest.fixture(params=["simulated", "appliance"])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Subject]:
    """An empty outbox and a way to put rows into it."""
    if request.param == "simulated":
        simulated = SimulatedOutbox(tmp_path / "outbox.db")
        yield simulated, simulated.add
        simulated.close()
        return
    with closing(Database(tmp_path / "box.db")) as db:
        real = Outbox(db)

        def add(count: int) -> None:
            for _ in range(count):
                db.write(
                    lambda connection: real.add(connection, "qc.result.v1", lambda seq, id, stream: b"{}", None)
                )

        yield real, add


def seqs(port: OutboxPort, fresh: bool, limit: int = 100, now: int | None = None) -> list[int]:
    return [row.seq for row in port.due(now_ms() if now is None else now, limit, fresh)]


def test_numbers_count_up_from_one_without_gaps(subject: Subject) -> None:
    port, add = subject
    add(5)
    assert seqs(port, True) == [1, 2, 3, 4, 5]
    assert port.status(now_ms()).seq_hi == 5


def test_due_gives_the_lowest_first_and_not_more_than_asked(subject: Subject) -> None:
    port, add = subject
    add(5)
    assert seqs(port, True, limit=2) == [1, 2]


def test_rows_are_fresh_until_the_next_reconnect(subject: Subject) -> None:
    port, add = subject
    add(2)
    port.reconnected()
    add(1)
    assert seqs(port, False) == [1, 2]
    assert seqs(port, True) == [3]


def test_what_was_sent_waits_for_its_time_and_counts_the_attempt(subject: Subject) -> None:
    port, add = subject
    add(2)
    port.sent([1], now_ms() + 60_000)
    assert seqs(port, True) == [2]
    again = {row.seq: row.attempts for row in port.due(now_ms() + 61_000, 10, True)}
    assert again == {1: 1, 2: 0}


def test_reconnected_makes_all_due_from_the_lowest(subject: Subject) -> None:
    port, add = subject
    add(3)
    port.sent([1, 2, 3], now_ms() + 60_000)
    port.reconnected()
    assert seqs(port, False) == [1, 2, 3]


def test_only_what_was_sent_can_be_acknowledged(subject: Subject) -> None:
    port, add = subject
    add(3)
    port.sent([1, 2], now_ms())
    stream = port.status(now_ms()).stream
    assert port.acknowledged(stream, [(1, 1_000)], now_ms()) == 2
    assert seqs(port, True) == [3]
    assert port.status(now_ms()).depth == 1


def test_another_streams_acknowledgement_changes_nothing(subject: Subject) -> None:
    port, add = subject
    add(1)
    port.sent([1], 0)
    assert port.acknowledged(OTHER_STREAM, [(1, 1)], now_ms()) == 0
    assert port.rejected(OTHER_STREAM, [Rejected(1, "schema", "")], now_ms()) == 0
    assert seqs(port, True) == [1]


def test_an_acknowledgement_twice_changes_nothing_more(subject: Subject) -> None:
    port, add = subject
    add(2)
    port.sent([1, 2], 0)
    stream = port.status(now_ms()).stream
    assert port.acknowledged(stream, [(1, 1), (2, 2)], now_ms()) == 2
    assert port.acknowledged(stream, [(1, 2)], now_ms()) == 0


def test_rejected_rows_leave_the_queue_and_are_counted(subject: Subject) -> None:
    port, add = subject
    add(2)
    port.sent([1, 2], 0)
    stream = port.status(now_ms()).stream
    assert port.rejected(stream, [Rejected(2, "schema", "data.grade: enum")], now_ms()) == 1
    assert port.rejected(stream, [Rejected(2, "schema", "")], now_ms()) == 0
    assert seqs(port, True) == [1]
    status = port.status(now_ms())
    assert (status.depth, status.quarantined) == (1, 1)


def test_a_row_never_sent_cannot_be_rejected(subject: Subject) -> None:
    port, add = subject
    add(1)
    assert port.rejected(port.status(now_ms()).stream, [Rejected(1, "schema", "")], now_ms()) == 0


def test_resend_brings_acknowledged_rows_back(subject: Subject) -> None:
    port, add = subject
    add(3)
    port.sent([1, 2, 3], 0)
    port.acknowledged(port.status(now_ms()).stream, [(1, 3)], now_ms())
    assert port.resend([(2, 3), (50, 60)]) == 2
    assert seqs(port, True) == [2, 3]


def test_status_tells_depth_and_age(subject: Subject) -> None:
    port, add = subject
    empty = port.status(now_ms())
    assert (empty.seq_hi, empty.depth, empty.oldest_age_s, empty.quarantined) == (0, 0, 0.0, 0)
    add(2)
    later = port.status(now_ms() + 5_000)
    assert later.depth == 2
    assert later.oldest_age_s >= 5
