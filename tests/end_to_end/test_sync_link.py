"""What the link does with every message a centre may send, over a real broker (C5, C15)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from cloud_sync.link.client import Link
from cloud_sync.link.ports import BirthFacts
from cloud_sync.link.settings import LinkSettings
from cloud_sync.wire import topics
from cloud_sync.wire.codec import MAX_BYTES, decode, decode_event, encode
from cloud_sync.wire.control import Ack, Birth, CentreState, Command, Death, Presence, Refusal, Reply
from cloud_sync.wire.ranges import from_numbers
from cloud_sync.wire.words import CommandName
from tests.end_to_end.mqtt_peer import Peer, link_settings, peer
from tests.peers import PATIENCE_S, Mosquitto, wait_until
from tests.simulated_box import STREAM, SimulatedOutbox, facts, now_ms

pytestmark = pytest.mark.real
OTHER = "01J9Z3NDEKTSV4RRFFQ69G5FAX"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


@dataclass
class Box:
    """A link under test, its outbox, and the test as the centre."""

    outbox: SimulatedOutbox
    link: Link
    centre: Peer
    stale: list[str] = field(default_factory=lambda: [""])
    """Why it can activate nothing new, if it cannot."""

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


@pytest.fixture
def box(broker: Mosquitto, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Box]:
    outbox = SimulatedOutbox(tmp_path / "outbox.db", synced=False)
    stale = [""]

    def says() -> BirthFacts:
        return replace(facts(), kb_stale=stale[0])

    link = Link(link_settings(broker, **getattr(request, "param", {})), outbox, "box-a", "boot-1", says)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
    made = Box(outbox, link, peer(broker, "centre", topics.ALL_UP), stale)
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
    box.centre.until(lambda: box.link.status().last_ack, "it says so")
    status = box.link.status()
    assert status.connected
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


@pytest.mark.parametrize("box", [{"metrics_s": 1}], indirect=True)
def test_what_is_signed_runs_out_while_it_is_connected(box: Box) -> None:
    def said(code: str) -> bool:
        births = [decode(one.payload, Birth) for one in box.centre.of("qc/v1/box-a/up/state")]
        return births[-1].kb_stale == code

    box.stale[0] = "trust.expired"
    box.centre.until(lambda: said("trust.expired"), "the centre knows")
    box.stale[0] = ""
    box.centre.until(lambda: said(""), "it is young again")
    assert len(box.births()) == 3


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
