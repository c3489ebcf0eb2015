"""What the centre believes of its boxes."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from cloud_sync.central import fleet, schema
from cloud_sync.central.database import Database
from cloud_sync.link.terms import Arrived
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode
from cloud_sync.wire.control import Birth, BoxClock, Death, Gauge, Metrics
from cloud_sync.wire.topics import Address
from cloud_sync.wire.words import Wire
from tests.simulated_box import STREAM

NOW = 1_795_277_007_000


def birth(boot: str = "b1", wall: int = NOW - 5000, depth: int = 3) -> Birth:
    return Birth(
        boot=boot, stream=STREAM, seq_hi=9, depth=depth, oldest_age_s=1.5, quarantined=1, disk_pct=40.0,
        agent="1.0", site="North", clock=BoxClock(wall=wall, synced=False),
    )  # fmt: skip


def say(
    database: Database, message: Wire | bytes, leaf: str = "state", *, retained: bool = False, now: int = NOW
) -> None:
    payload = message if isinstance(message, bytes) else encode(message)
    said = Arrived(topics.up("box-a", leaf), payload, 1, 1, retained, {})
    with database.write() as connection:
        fleet.hear(database, connection, said, Address("box-a", True, leaf), now)
        if not retained:
            fleet.seen(database, connection, {"box-a"}, now)


def box(database: Database) -> fleet.BoxRow:
    with database.read() as connection:
        (row,) = fleet.boxes(connection)
    return row


def alarms(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.scalars(select(schema.alarm.c.kind)))


def test_a_birth_tells_who_it_is(database: Database) -> None:
    say(database, birth())
    row = box(database)
    assert (row.online, row.site, row.agent, row.depth, row.quarantined) == (True, "North", "1.0", 3, 1)
    assert (row.clock_offset_ms, row.clock_synced, row.disk_pct) == (-5000, False, 40.0)
    assert (row.settled, row.missing, row.unheard, row.waiting) == (0, 0, 9, 9)
    with database.read() as connection:
        assert fleet.online(connection) == {"box-a"}


def test_a_death_of_the_same_boot_takes_it_offline(database: Database) -> None:
    say(database, birth("b1"))
    say(database, Death(boot="b1"))
    assert not box(database).online


def test_a_late_death_of_an_earlier_boot_changes_nothing(database: Database) -> None:
    say(database, birth("b1"))
    say(database, birth("b2"))
    say(database, Death(boot="b1"))
    assert box(database).online


def test_a_box_that_starts_anew_again_and_again_is_no_clone(database: Database) -> None:
    for boot in ("b1", "b1", "b2", "b2", "b3"):
        say(database, birth(boot))
    assert alarms(database) == []


def test_an_earlier_boot_that_comes_back_is_a_second_box(database: Database) -> None:
    for boot in ("b1", "b2", "b1", "b2"):
        say(database, birth(boot))
    assert set(alarms(database)) == {"clone"}


def test_what_the_broker_kept_says_nothing_of_now(database: Database) -> None:
    say(database, birth(), now=NOW)
    say(database, birth(), retained=True, now=NOW + 60_000)
    row = box(database)
    assert (row.last_seen, row.clock_offset_ms) == (NOW, -5000)


def test_metrics_refresh_the_queue_of_the_same_boot_only(database: Database) -> None:
    say(database, birth("b1"))
    gauges = (
        Gauge(name="depth", value=7),
        Gauge(name="oldest_age_s", value=2.5),
        Gauge(name="new_gauge", value=1),
    )
    say(database, Metrics(boot="b0", t=1, gauges=gauges), "metrics")
    assert box(database).depth == 3
    say(database, Metrics(boot="b1", t=1, gauges=gauges), "metrics")
    assert (box(database).depth, box(database).oldest_age_s) == (7, 2.5)
    say(database, Metrics(boot="b1", t=1), "metrics")
    assert box(database).depth == 7


def test_garbage_and_replies_do_no_harm(database: Database) -> None:
    say(database, birth())
    for leaf in ("state", "metrics", "reply"):
        say(database, b"\xffgarbage", leaf)
    assert box(database).online


def test_nobody_spoke(database: Database) -> None:
    with database.write() as connection:
        fleet.seen(database, connection, set(), NOW)
        assert fleet.boxes(connection) == []


@pytest.mark.parametrize("count", [10**30, 2**63])
def test_a_birth_that_no_column_can_hold_is_left_out(database: Database, count: int) -> None:
    """It is retained: a centre that falls over it would fall at every start."""
    say(database, birth())
    honest = birth().model_dump(mode="json")
    for name in ("depth", "quarantined", "seq_hi"):
        say(database, json.dumps({**honest, name: count}).encode())
    assert box(database).depth == 3


@pytest.mark.parametrize(("said", "kept"), [(1e300, 2**53 - 1), (-5.0, 0)])
def test_a_gauge_may_say_any_number(database: Database, said: float, kept: int) -> None:
    say(database, birth("b1"))
    say(database, Metrics(boot="b1", t=1, gauges=(Gauge(name="depth", value=said),)), "metrics")
    assert box(database).depth == kept
