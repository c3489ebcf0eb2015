"""What link and ingest do with every message the other side may send, over a real broker (C5, C7, C15)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cloud_sync.central import schema, streams
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import Ingest
from cloud_sync.central.settings import IngestSettings
from cloud_sync.link.broker import Arrived, Broker, Session, Will
from cloud_sync.link.client import Link
from cloud_sync.link.settings import BrokerSettings, LinkSettings
from cloud_sync.wire import topics
from cloud_sync.wire.codec import MAX_BYTES, decode, decode_event, encode
from cloud_sync.wire.control import Ack, Birth, BoxClock, CentreState, Command, Death, Presence, Refusal, Reply
from cloud_sync.wire.ranges import from_numbers
from cloud_sync.wire.words import CommandName
from tests.peers import PATIENCE_S, Mosquitto, wait_until
from tests.simulated_box import STREAM, SimulatedOutbox, facts, now_ms, result_event

pytestmark = pytest.mark.real
OTHER = "01J9Z3NDEKTSV4RRFFQ69G5FAX"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@dataclass
class Peer:
    """The other side, played by the test: hears all, says what the test wants."""

    broker: Broker
    heard: list[Arrived] = field(default_factory=list)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Listen until something is so."""

        def turn() -> object:
            happened = self.broker.poll(0.02)
            for message in happened.arrived:
                self.broker.confirm(message)
                self.heard.append(message)
            return condition()

        wait_until(turn, what)

    def of(self, topic: str) -> list[Arrived]:
        """What was heard on one topic."""
        return [message for message in self.heard if message.topic == topic]


def peer(broker: Mosquitto, name: str, *subscribed: str) -> Peer:
    will = Will("qc/v1/test/will", b"{}", 0)
    settings = BrokerSettings(port=broker.port)
    made = Broker(settings, Session(name, clean=True, expiry_s=0, receive_maximum=500, will=will))
    made.connect(list(subscribed))
    return Peer(made)


@dataclass
class Box:
    """A link under test, its outbox, and the test as the centre."""

    outbox: SimulatedOutbox
    link: Link
    centre: Peer

    def sent(self) -> set[int]:
        """Numbers that the centre has heard."""
        return {decode_event(message.payload).seq for message in self.centre.of("qc/v1/box-a/up/event")}

    def say(self, leaf: str, payload: bytes) -> None:
        self.centre.broker.publish(topics.down("box-a", leaf), payload)

    def ack(self, *numbers: int, stream: str = STREAM, refused: tuple[Refusal, ...] = ()) -> None:
        ok = from_numbers(numbers)
        self.say("ack", encode(Ack(stream=stream, ok=ok, rej=refused, hi=max(numbers, default=0), t=now_ms())))

    def ack_until_delivered(self, seq: int) -> None:
        """As the centre does: at each time it comes."""

        def again() -> bool:
            self.ack(seq)
            return not self.outbox.numbers("pending")

        self.centre.until(again, "delivered")

    def births(self) -> list[Presence]:
        return [decode(message.payload, Presence) for message in self.centre.of("qc/v1/box-a/up/state")]


def link_settings(broker: Mosquitto, **changes: float) -> LinkSettings:
    plain = {"drain_delay_s": 0, "ack_timeout_s": 20, "reconnect_first_s": 0.05, "reconnect_most_s": 0.2}
    return LinkSettings(port=broker.port, **(plain | changes))


@pytest.fixture
def box(broker: Mosquitto, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Box]:
    outbox = SimulatedOutbox(tmp_path / "outbox.db", synced=False)
    link = Link(link_settings(broker, **getattr(request, "param", {})), outbox, "box-a", "boot-1", facts)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
    made = Box(outbox, link, peer(broker, "centre", topics.ALL_UP))
    thread.start()
    made.centre.until(made.births, "a birth")
    yield made
    stop.set()
    link.nudge()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    made.centre.broker.close(polite=True)
    outbox.close()


def test_only_the_centres_acknowledgement_empties_the_outbox(box: Box) -> None:
    box.outbox.add(5)
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {1, 2, 3, 4, 5}, "all five are heard")
    assert box.outbox.numbers("pending") == {1, 2, 3, 4, 5}
    box.ack(1, 2, 5)
    box.centre.until(lambda: box.outbox.numbers("acked") == {1, 2, 5}, "three are acknowledged")
    status = box.link.status()
    assert status.connected
    assert status.last_ack
    assert status.problem == ""
    assert status.clock_offset_ms is not None


def test_foreign_repeated_and_premature_acknowledgements_change_nothing(box: Box) -> None:
    box.outbox.add(2)
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {1, 2}, "both are heard")
    box.ack(1, 2, stream=OTHER)
    box.ack(*range(3, 60))
    for garbage in (b"", b"\xff", b"{}", b"[" * 2000, encode(Death(boot="x"))):
        box.say("ack", garbage)
    box.ack(1)
    box.ack(1)
    box.centre.until(lambda: box.outbox.numbers("acked") == {1}, "only the genuine one counts")
    box.outbox.add(1)
    box.link.nudge()
    box.centre.until(lambda: 3 in box.sent(), "a row acknowledged before it was made is sent")
    assert box.outbox.numbers("pending") == {2, 3}


def test_refused_rows_are_set_aside_and_the_rest_goes_on(box: Box) -> None:
    box.outbox.add(2)
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {1, 2}, "both are heard")
    box.ack(refused=(Refusal(seq=1, code="schema", detail="data: missing"),))
    box.ack(2)
    box.centre.until(lambda: box.outbox.numbers("acked") == {2}, "the other is delivered")
    assert box.outbox.numbers("quarantined") == {1}


def test_a_row_that_no_broker_carries_is_set_aside_and_does_not_block(box: Box) -> None:
    box.outbox.add(1, lambda seq: b"x" * (MAX_BYTES + 1))
    box.outbox.add(1)
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {2}, "the next row is heard")
    assert box.outbox.numbers("quarantined") == {1}


@pytest.mark.parametrize("box", [{"ack_timeout_s": 0.3, "ack_timeout_most_s": 0.3}], indirect=True)
def test_a_lost_acknowledgement_is_asked_for_again(box: Box) -> None:
    box.outbox.add(1)
    box.link.nudge()
    box.centre.until(lambda: len(box.centre.of("qc/v1/box-a/up/event")) >= 2, "it comes again")
    assert len({message.payload for message in box.centre.of("qc/v1/box-a/up/event")}) == 1
    box.ack_until_delivered(1)


@pytest.mark.parametrize("box", [{"ack_timeout_s": 0.2, "ack_timeout_most_s": 0.2}], indirect=True)
def test_a_mute_centre_makes_the_link_build_a_new_connection(box: Box) -> None:
    box.outbox.add(1)
    box.link.nudge()
    box.centre.until(lambda: len(box.births()) >= 2, "a second birth")
    box.ack_until_delivered(1)


def test_commands_are_obeyed_and_answered(box: Box) -> None:
    box.outbox.add(3)
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {1, 2, 3}, "all are heard")
    box.ack(1, 2, 3)
    box.centre.until(lambda: not box.outbox.numbers("pending"), "delivered")
    box.centre.heard.clear()
    for command in (
        Command(id="1", name=CommandName.REBIRTH),
        Command(id="2", name=CommandName.RESEND, stream=STREAM, ranges=((2, 3),)),
        Command(id="3", name=CommandName.RESEND, stream=OTHER, ranges=((1, 3),)),
        Command(id="4", name=CommandName.UNKNOWN),
    ):
        box.say("cmd", encode(command))
    box.say("cmd", b"garbage")
    box.centre.until(lambda: len(box.centre.of("qc/v1/box-a/up/reply")) == 4, "four answers")
    replies = {
        reply.id: reply for reply in (decode(m.payload, Reply) for m in box.centre.of("qc/v1/box-a/up/reply"))
    }
    assert (replies["1"].ok, replies["2"].count, replies["3"].count) == (True, 2, 0)
    assert (replies["4"].ok, replies["4"].code) == (False, "unknown_command")
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {2, 3}, "what was asked for comes again")
    assert box.births()


def test_another_life_of_the_centre_starts_the_window_over(box: Box) -> None:
    def centre_is(boot: str, *, online: bool) -> None:
        box.centre.broker.publish(topics.CENTRE_STATE, encode(CentreState(online=online, boot=boot)))

    centre_is("c1", online=True)
    box.outbox.add(2)
    box.link.nudge()
    box.centre.until(lambda: box.sent() == {1, 2}, "both are heard")
    box.centre.heard.clear()
    centre_is("c2", online=True)
    box.centre.until(lambda: box.sent() == {1, 2}, "both come again at once")
    centre_is("c2", online=False)
    box.centre.until(lambda: box.link.status().problem == "centre_offline", "held")
    box.outbox.add(1)
    box.link.nudge()
    centre_is("c2", online=True)
    box.centre.until(lambda: 3 in box.sent(), "goes on")


def test_a_box_that_is_asked_to_end_says_so(broker: Mosquitto, tmp_path: Path) -> None:
    outbox = SimulatedOutbox(tmp_path / "outbox.db", synced=False)
    link = Link(link_settings(broker), outbox, "box-a", "boot-1", facts)
    centre = peer(broker, "centre", topics.ALL_UP)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
    thread.start()
    states = Box(outbox, link, centre).births
    centre.until(lambda: states() and states()[-1].online, "a birth")
    stop.set()
    link.nudge()
    centre.until(lambda: not states()[-1].online, "a death at once, not after the will's delay")
    thread.join(PATIENCE_S)
    centre.broker.close(polite=True)
    outbox.close()


def test_a_broker_that_is_not_there_is_a_problem_not_an_end(tmp_path: Path) -> None:
    outbox = SimulatedOutbox(tmp_path / "outbox.db", synced=False)
    settings = LinkSettings(port=1, reconnect_first_s=0.05, reconnect_most_s=0.1)
    link = Link(settings, outbox, "box-a", "boot-1", facts)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
    thread.start()
    wait_until(lambda: link.status().problem == "unreachable", "the problem is said")
    assert not link.status().connected
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    outbox.close()


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
