"""What the ingest does with every message a box may send, over a real broker (C6, C7, C15)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cloud_sync.central import schema, streams
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import Ingest
from cloud_sync.central.settings import IngestSettings
from cloud_sync.link.client import Link
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.wire import topics
from cloud_sync.wire.codec import decode, encode
from cloud_sync.wire.control import Ack, Birth, BoxClock, Command, Death
from tests.end_to_end.mqtt_peer import Peer, link_settings, peer
from tests.peers import PATIENCE_S, Mosquitto, wait_until
from tests.simulated_box import STREAM, SimulatedOutbox, facts, now_ms, result_event

pytestmark = pytest.mark.real


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@dataclass
class Centre:
    """An ingest under test, its database, and the test as a box."""

    database: Database
    ingest: Ingest
    box: Peer

    def send(self, payload: bytes, seq: int, name: str = "box-a") -> None:
        self.box.broker.publish(topics.up(name, "event"), payload, user={"stream": STREAM, "seq": str(seq)})

    def acks(self) -> list[Ack]:
        return [decode(message.payload, Ack) for message in self.box.of("qc/v1/box-a/dn/ack")]

    def settled(self) -> set[int]:
        ok = {seq for ack in self.acks() for first, last in ack.ok for seq in range(first, last + 1)}
        return ok | {one.seq for ack in self.acks() for one in ack.rej}

    def refused(self) -> dict[int, str]:
        return {one.seq: one.code for ack in self.acks() for one in ack.rej}

    def born(self, *, online: bool = True) -> None:
        birth = Birth(
            boot="b1", stream=STREAM, seq_hi=9, depth=0, oldest_age_s=0, agent="1",
            clock=BoxClock(wall=now_ms(), synced=True),
        )  # fmt: skip
        self.box.broker.publish(topics.up("box-a", "state"), encode(birth if online else Death(boot="b1")))


@pytest.fixture
def centre(broker: Mosquitto, tmp_path: Path) -> Iterator[Centre]:
    database = Database(f"sqlite:///{tmp_path / 'central.db'}")
    settings = IngestSettings(gap_patience_s=1, gap_look_s=0.1)
    ingest = Ingest(BrokerSettings(port=broker.port, reconnect_first_s=0.05), settings, database)
    stop = threading.Event()
    thread = threading.Thread(target=ingest.run, args=(stop,), daemon=True)
    made = Centre(database, ingest, peer(broker, "box-a", topics.all_down("box-a"), topics.CENTRE_STATE))
    thread.start()
    made.box.until(lambda: made.box.of(topics.CENTRE_STATE), "the centre is online")
    yield made
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    last = made.box.of(topics.CENTRE_STATE)
    made.box.until(lambda: len(made.box.of(topics.CENTRE_STATE)) > len(last) - 1, "it said goodbye")
    made.box.broker.close(polite=True)
    database.close()


def genuine(seq: int, box: str = "box-a") -> bytes:
    return encode(result_event(box, STREAM, seq))


def test_nothing_a_box_sends_stops_the_rest(centre: Centre) -> None:
    centre.send(b"\xff\x00 no json", 1)
    centre.send(b"x" * 1_000_000, 2)
    centre.send(genuine(3).replace(b'"received":', b'"received":-'), 3)
    centre.send(b'{"a":' * 20_000, 4)
    centre.send(genuine(5, "box-b"), 5)
    centre.box.broker.publish("qc/v1/box-a/up/nonsense", b"{}")
    centre.box.broker.publish("qc/v1/UPPER/up/event", b"{}")
    centre.send(genuine(6), 6)
    centre.box.until(lambda: centre.settled() == {1, 2, 3, 4, 5, 6}, "all six are settled")
    assert centre.refused() == {1: "utf8", 2: "size", 3: "schema", 4: "depth", 5: "source"}
    with centre.database.read() as connection:
        assert list(connection.scalars(select(schema.event.c.seq))) == [6]
        assert connection.scalar(select(func.count()).select_from(schema.dead_letter)) == 5
        assert streams.gaps(connection) == []


def test_a_message_that_would_fill_the_memory_never_comes(centre: Centre) -> None:
    """Five hundred of them would; and the broker would bring them again after every crash."""
    centre.send(b"x" * 3_000_000, 1)
    centre.send(genuine(2), 2)
    centre.box.until(lambda: 2 in centre.settled(), "the next message is stored")
    assert centre.settled() == {2} and centre.refused() == {}


def test_a_number_used_twice_is_an_alarm_and_the_first_stays(centre: Centre) -> None:
    first = genuine(1)
    centre.send(first, 1)
    centre.box.until(lambda: centre.settled() == {1}, "the first is settled")
    centre.send(first.replace(b'"PA"', b'"AP"'), 1)
    centre.box.until(lambda: centre.refused() == {1: "integrity"}, "the second is refused")
    centre.send(first, 1)
    centre.box.until(
        lambda: len(centre.acks()) == 3 and centre.acks()[-1].ok == ((1, 1),), "the first again is fine"
    )
    with centre.database.read() as connection:
        assert list(connection.scalars(select(schema.event.c.payload))) == [first]
        assert list(connection.scalars(select(schema.alarm.c.kind))) == ["content"]


def test_a_gap_is_asked_for_again_and_again_while_the_box_is_there(centre: Centre) -> None:
    def asked() -> list[tuple[tuple[int, int], ...]]:
        return [decode(message.payload, Command).ranges for message in centre.box.of("qc/v1/box-a/dn/cmd")]

    for seq in (1, 2, 6):
        centre.send(genuine(seq), seq)
    centre.box.until(lambda: centre.settled() == {1, 2, 6}, "three are settled")
    centre.born()
    centre.box.until(lambda: len(asked()) >= 2, "asked for twice")
    assert set(asked()) == {((3, 5),)}
    for seq in (3, 4, 5):
        centre.send(genuine(seq), seq)
    centre.box.until(lambda: centre.settled() == {1, 2, 3, 4, 5, 6}, "all are settled")


def test_two_boxes_of_one_name_throw_each_other_out_and_are_an_alarm(
    centre: Centre, broker: Mosquitto, tmp_path: Path
) -> None:
    """Mosquitto 2.0 closes the first connection without a word, so the alarm rests on the boots alone."""
    stop = threading.Event()
    outboxes = [SimulatedOutbox(tmp_path / f"{name}.db", synced=False) for name in ("one", "two")]
    links = [
        Link(link_settings(broker), outbox, "box-twin", f"boot-{index}", facts)
        for index, outbox in enumerate(outboxes)
    ]
    threads = [threading.Thread(target=link.run, args=(stop,), daemon=True) for link in links]
    for thread in threads:
        thread.start()

    def alarmed() -> bool:
        with centre.database.read() as connection:
            return list(connection.scalars(select(schema.alarm.c.kind).distinct())) == ["clone"]

    wait_until(alarmed, "the centre has noticed")
    stop.set()
    for link, thread, outbox in zip(links, threads, outboxes, strict=True):
        link.nudge()
        thread.join(PATIENCE_S)
        outbox.close()


def test_a_database_that_cannot_commit_costs_nothing(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    """C6: disk full. The message is not confirmed, comes again, and is stored when there is room."""
    from sqlalchemy.exc import OperationalError

    real, failures = centre.database.write, iter(range(2))

    def full() -> object:
        if next(failures, None) is not None:
            raise OperationalError("insert", None, Exception("disk full"))
        return real()

    monkeypatch.setattr(centre.database, "write", full)
    centre.send(genuine(1), 1)
    centre.box.until(lambda: centre.settled() == {1}, "stored at the third attempt")
    assert centre.ingest.status.connected
