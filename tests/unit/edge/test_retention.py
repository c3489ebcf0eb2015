"""Retention: by age and by space, never what a person or the centre still needs, and rows stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select
from sqlalchemy.exc import OperationalError

from capture.arrival import Arrival
from edge.pipeline import states
from edge.pipeline.retention import DAY_MS, Retention
from edge.settings import RetentionSettings
from edge.store import cases
from edge.store.schema import acquisition, alert, case, image_set, outbox, set_member, verdict
from models.sets.image_set import RECORD_MARK
from tests.unit.edge.box import Box, make_box

NOW = 100 * DAY_MS


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path)
    yield made
    made.db.close()


def judged(
    box: Box, age_days: int, *, state: states.State = "reported", must: bool = False, size: int = 1000
) -> Arrival:
    """A case of this age, with its files and its rows."""
    at = NOW - age_days * DAY_MS
    arrival = box.receive(bytes([age_days]) * size, received_at=at)
    box.services.blobs.link_file(box.spool.path(arrival), arrival.digest)
    preview = box.services.blobs.put_bytes(b"preview %d" % age_days)
    with_case = {"case_id": arrival.id}
    empty = {
        "mode": "active",
        "packs": "[]",
        "passed": "[]",
        "not_assessed": "[]",
        "timings": "[]",
        "created_at": at,
    }
    loud = {"level": "warning", "needs_acknowledgement": int(must), "dedupe_key": "", "created_at": at}

    def store(connection: Connection) -> None:
        cases.take_in(connection, arrival, at)
        connection.execute(case.update().where(case.c.id == arrival.id).values(state=state))
        connection.execute(
            acquisition.insert().values(with_case | {"circumstances": "{}", "preview_sha256": preview})
        )
        made = connection.scalars(verdict.insert().values(with_case | empty).returning(verdict.c.id)).one()
        connection.execute(alert.insert().values(with_case | loud | {"verdict_id": made}))

    box.db.write(store)
    box.spool.acknowledge(arrival)
    return arrival


def retention(box: Box, *, days: int = 30, max_gb: float = 1.0, reports: bool = True) -> Retention:
    settings = RetentionSettings(days=days, max_gb=max_gb)
    return Retention(box.db, box.services.blobs, box.services.outbox, settings, reports=reports)


def kept(box: Box, *arrivals: Arrival) -> list[bool]:
    return [box.services.blobs.has(arrival.digest) for arrival in arrivals]


def test_by_age(box: Box) -> None:
    old, young = judged(box, 31), judged(box, 29)
    swept = retention(box).sweep(NOW)
    assert (swept.cases, kept(box, old, young)) == (1, [False, True])
    assert swept.freed == 1000 + len(b"preview 31")
    rows = dict(box.db.read(lambda c: [(r.id, r.pixels_gone_at) for r in c.execute(select(case))]))
    assert rows == {old.id: NOW, young.id: None}
    assert len(box.db.read(lambda c: c.execute(select(verdict)).all())) == 2
    assert retention(box).sweep(NOW).cases == 0


def test_by_space_the_oldest_first(box: Box) -> None:
    oldest, older, young = judged(box, 3), judged(box, 2), judged(box, 1)
    retention(box, max_gb=1500e-9).sweep(NOW)
    assert kept(box, oldest, older, young) == [False, False, True]


def test_a_disk_that_runs_full_makes_room(box: Box) -> None:
    oldest, young = judged(box, 2), judged(box, 1)
    retention(box).sweep(NOW, shortage=500)
    assert kept(box, oldest, young) == [False, True]


def test_what_somebody_still_needs_stays(box: Box) -> None:
    unsynced = judged(box, 90, state="judged")
    waiting = judged(box, 91, state="held")
    undecided = judged(box, 92, must=True)
    aside = judged(box, 93, state="set_aside", must=True)
    assert retention(box, max_gb=1e-9).sweep(NOW, shortage=10**12).cases == 0
    assert kept(box, unsynced, waiting, undecided, aside) == [True] * 4
    box.db.write(lambda c: c.execute(alert.update().values(acknowledged_at=NOW)))
    retention(box).sweep(NOW)
    assert kept(box, unsynced, waiting, undecided, aside) == [True, True, False, False]


def test_without_a_centre_a_verdict_is_enough(box: Box) -> None:
    old = judged(box, 31, state="judged")
    retention(box, reports=False).sweep(NOW)
    assert kept(box, old) == [False]


def test_a_picture_that_two_cases_share_goes_with_the_last(box: Box) -> None:
    old, young = judged(box, 31), judged(box, 1)
    shared = box.services.blobs.put_bytes(b"the same picture")
    box.db.write(lambda c: c.execute(acquisition.update().values(preview_sha256=shared)))
    retention(box).sweep(NOW)
    assert (kept(box, old), box.services.blobs.has(shared)) == ([False], True)
    retention(box).sweep(NOW + 60 * DAY_MS)
    assert (kept(box, young), box.services.blobs.has(shared)) == ([False], False)


def test_bytes_that_come_again_are_there_again(box: Box) -> None:
    old = judged(box, 31)
    retention(box).sweep(NOW)
    again = box.receive(bytes([31]) * 1000, received_at=NOW)
    box.services.blobs.link_file(box.spool.path(again), again.digest)
    assert box.db.write(lambda c: cases.take_in(c, again, NOW)).same_as == old.id
    assert box.db.read(lambda c: c.scalar(select(case.c.pixels_gone_at).where(case.c.id == old.id))) is None


def test_acknowledged_events_stay_thirty_days(box: Box) -> None:
    add = box.services.outbox.add
    for _ in range(3):
        box.db.write(lambda c: add(c, "qc.result.v1", lambda seq, event_id, stream: b"{}", None))
    box.services.outbox.sent([1, 2], NOW)
    box.services.outbox.acknowledged(box.services.outbox.stream, [(1, 1)], NOW - 31 * DAY_MS)
    box.services.outbox.acknowledged(box.services.outbox.stream, [(2, 2)], NOW - 29 * DAY_MS)
    retention(box).sweep(NOW)
    assert box.db.read(lambda c: list(c.scalars(select(outbox.c.seq)))) == [2, 3]


def test_a_full_disk_is_swept_before_anything_is_written(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    old = judged(box, 31)
    outbox = box.services.outbox

    def no_room(connection: Connection, before: int) -> int:
        assert kept(box, old) == [False]
        raise OperationalError("delete", {}, Exception("database or disk is full"))

    monkeypatch.setattr(outbox, "prune", no_room)
    with pytest.raises(OperationalError):
        retention(box).sweep(NOW)


def test_what_is_kept_for_a_series_takes_room_too(box: Box) -> None:
    """Two images of 400 bytes fit into 1,000; with a record of 500 bytes they do not."""
    older, newer = judged(box, 3, size=400), judged(box, 2, size=400)
    assert retention(box, max_gb=1e-6).sweep(NOW).cases == 0
    record = box.services.blobs.put_bytes(RECORD_MARK + b"x" * 500)
    member = {"case_id": newer.id, "set_id": 1, "record_sha256": record, "frames": 1}
    series = {"id": 1, "level": "series", "uid": "1.2", "calling_ae": "", "opened_at": 1, "last_image_at": 1}
    box.db.write(lambda c: [c.execute(image_set.insert(), series), c.execute(set_member.insert(), member)])
    assert retention(box, max_gb=1e-6).sweep(NOW).cases == 1
    assert kept(box, older, newer) == [False, True]


def test_only_a_record_that_no_row_speaks_of_is_an_orphan(box: Box) -> None:
    newer, blobs = judged(box, 2), box.services.blobs
    known, orphan, other = (blobs.put_bytes(begin + b"abc"[at : at + 1]) for at, begin in enumerate(_BEGINNINGS))
    member = {"case_id": newer.id, "set_id": 1, "record_sha256": known, "frames": 1}
    series = {"id": 1, "level": "series", "uid": "1.2", "calling_ae": "", "opened_at": 1, "last_image_at": 1}
    box.db.write(lambda c: [c.execute(image_set.insert(), series), c.execute(set_member.insert(), member)])
    today = time.time_ns() // 1_000_000
    retention(box, days=100_000).sweep(today)
    assert blobs.has(orphan), "its row may be on its way"
    retention(box, days=100_000).sweep(today + 2 * DAY_MS)
    assert [blobs.has(one) for one in (known, orphan, other)] == [True, False, True]
    assert kept(box, newer) == [True]


_BEGINNINGS = (RECORD_MARK, RECORD_MARK, b"another file")
