"""Boxes with papers of the centre at a real Mosquitto by the configuration that is shipped (deploy/mosquitto)."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from cloud_sync.central import schema
from cloud_sync.central.enrolment import ca, tables, vault, warden
from cloud_sync.central.ingest import Ingest
from cloud_sync.central.part import Outgoing
from cloud_sync.central.settings import IngestSettings
from cloud_sync.link.broker import Broker
from cloud_sync.link.client import Link
from cloud_sync.link.settings import BrokerSettings, LinkSettings
from cloud_sync.link.terms import Lost, Session, Will
from cloud_sync.wire import topics
from edge.enrol import door
from edge.enrol.enrolling import renew
from edge.enrol.folder import Folder
from edge.enrol.given import enrolled
from edge.enrol.renewal import Renewal
from edge.enrol.through_broker import ThroughBroker
from tests.enrolled_site import Clock, EnrolledSite, shipped_broker
from tests.peers import PATIENCE_S, wait_until
from tests.simulated_box import SimulatedOutbox, facts

pytestmark = [
    pytest.mark.real,
    # paho leaves the socket of a refused handshake to the garbage collector.
    pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"),
]


DAY_MS = 86_400_000


class Running:
    """A centre (door, warden, ingest) at a broker. ``reload``: the command that tells the broker, else SIGHUP."""

    def __init__(self, folder: Path, reload: str = "") -> None:
        self.site = EnrolledSite(folder)
        # The broker reads these files when it starts; the warden writes them before it serves.
        self.broker = shipped_broker(self.site)
        command = reload or f"kill -HUP $(cat {folder / 'broker.pid'})"
        self.site.settings = self.site.settings.model_copy(
            update={"broker_port": self.broker.port, "reload": ("sh", "-c", command)}
        )
        self.at_broker = BrokerSettings(
            host="localhost", port=self.broker.port, reconnect_first_s=0.1, **self.site.papers("centre")
        )
        self._stop = threading.Event()
        self._pid = folder / "broker.pid"
        self._pid.write_text("0")
        self._outgoing: list[Outgoing] = []

    def heard(self, address: topics.Address, payload: bytes) -> None:
        """A part of the centre that only speaks."""

    def to_say(self) -> Iterable[Outgoing]:
        while self._outgoing:
            yield self._outgoing.pop()

    def __enter__(self) -> Running:
        site = self.site
        site.prepare(self.at_broker)
        self.broker.start()
        self.tell_pid()
        site.start_door(self.at_broker)
        assert site.door is not None
        self.ingest = Ingest(
            self.at_broker,
            IngestSettings(),
            site.database,
            parts=[self, site.door.part],
            turned_away=site.door.turned_away,
        )
        self._thread = threading.Thread(target=self.ingest.run, args=(self._stop,))
        self._thread.start()
        wait_until(lambda: self.ingest.status.connected, "the centre is at the broker")
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        self.site.close()
        self.broker.kill()
        gc.collect()

    def say(self, topic: str, *, retain: bool = False) -> None:
        """A message of the centre, by its own connection."""
        self._outgoing.append(Outgoing(topic, b"{}", retain=retain))
        wait_until(lambda: not self._outgoing, "the centre has said it")

    def listed(self, box: str) -> bool:
        """Whether the broker was told that the box is out."""
        table = tables.enrolled
        with self.site.database.read() as connection:
            return connection.scalar(select(table.c.listed_at).where(table.c.box == box)) is not None

    def told(self) -> int:
        """How often the broker has read its files again."""
        return self.broker.text().count("Reloading config")

    def kicked(self, box: str) -> int | None:
        """When its session was last ended."""
        table = tables.enrolled
        with self.site.database.read() as connection:
            return connection.scalar(select(table.c.kicked_at).where(table.c.box == box))

    def believes(self, count: int) -> bool:
        """Whether the broker has so many authorities."""
        return (self.site.publish / "authorities.pem").read_text().count("BEGIN") == count

    def tell_pid(self) -> None:
        """For the command that reloads."""
        self._pid.write_text(str(self.broker.pid))

    def events(self, box: str) -> int:
        """Stored of one box."""
        with self.site.database.read() as connection:
            return len(connection.execute(select(schema.event.c.id).where(schema.event.c.box == box)).all())


class Box:
    """An enrolled box with its link."""

    def __init__(self, folder: Folder, at: Path) -> None:
        self.folder = folder
        given = enrolled(folder.path)
        self.name = str(given["box"])
        link = given["link"]
        assert isinstance(link, dict)
        self.settings = LinkSettings(**link, drain_delay_s=0, reconnect_first_s=0.1, reconnect_most_s=0.3)
        self.outbox = SimulatedOutbox(at / f"{self.name}.db", box=self.name, synced=False)
        self.papers = ThroughBroker(
            lambda payload: self.link.say("papers", payload), lambda: self.link.status().connected
        )
        self.link = Link(
            self.settings, self.outbox, self.name, "boot-1", facts, hear=lambda leaf, said: self.papers.hear(said)
        )
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.link.run, args=(self._stop,), daemon=True)

    def __enter__(self) -> Box:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._stop.set()
        self.link.nudge()
        self._thread.join(PATIENCE_S)
        self.outbox.close()

    def add(self, count: int) -> None:
        self.outbox.add(count)
        self.link.nudge()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests that leave it whole; each has boxes of its own."""
    with Running(tmp_path_factory.mktemp("centre")) as made:
        yield made


def connect(settings: BrokerSettings, name: str, *subscribed: str) -> Broker:
    will = Will(topics.up(name, "state"), b"{}", 0)
    made = Broker(settings, Session(name, clean=True, expiry_s=0, receive_maximum=20, will=will))
    try:
        made.connect(list(subscribed))
    except Lost:
        made.close(polite=False)
        raise
    return made


def test_an_enrolled_box_delivers_and_is_out_when_revoked(running: Running, tmp_path: Path) -> None:
    with Box(running.site.enrolled("rev-a"), tmp_path) as a, Box(running.site.enrolled("rev-b"), tmp_path) as b:
        a.add(5)
        b.add(5)
        wait_until(lambda: running.events("rev-a") == 5 and running.events("rev-b") == 5, "both deliver")
        began = time.monotonic()
        running.site.revoke("rev-a")
        a.add(5)
        wait_until(lambda: not a.link.status().connected, "its session is ended")
        print(f"kicked after {time.monotonic() - began:.2f} s")
        b.add(5)
        wait_until(lambda: running.events("rev-b") == 10, "the other one goes on")
        wait_until(lambda: a.link.status().problem not in ("session_taken_over", "connecting"), "TLS refuses it")
        assert running.events("rev-a") == 5 and a.outbox.numbers("pending") == {6, 7, 8, 9, 10}


def test_a_broker_that_was_not_told_helps_a_revoked_box_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that reloads does nothing: each way in which the box comes back ends at the centre."""
    monkeypatch.setattr(warden, "_AGAIN_S", 0.5)
    with Running(tmp_path, reload="true") as running, Box(running.site.enrolled("box-a"), tmp_path) as a:
        a.add(2)
        wait_until(lambda: running.events("box-a") == 2, "it delivers")
        running.site.revoke("box-a")
        wait_until(lambda: running.kicked("box-a"), "its session is ended")
        first = running.kicked("box-a")
        wait_until(lambda: a.link.status().connected, "it is back, the broker knows no better")
        a.add(2)
        wait_until(lambda: running.kicked("box-a") != first, "it spoke, so it is ended again")
        assert running.events("box-a") == 2 and a.outbox.numbers("pending") == {3, 4}


def test_a_box_cannot_speak_or_listen_under_another_name(running: Running, tmp_path: Path) -> None:
    with Box(running.site.enrolled("acl-b"), tmp_path) as b:
        wait_until(lambda: b.link.status().connected, "box-b is there")
        running.say(topics.down("acl-b", "desired"), retain=True)
        thief = Box(running.site.enrolled("acl-a"), tmp_path).settings
        # It asks for box-b's session, and gets its own.
        mine = connect(thief, "acl-b", topics.all_down("acl-b"), "qc/v1/+/dn/+", "qc/v1/box-b/up/#", "#", "$SYS/#")
        heard: set[str] = set()
        answers: dict[int, int] = {}

        def listen(until: Callable[[], bool]) -> bool:
            happened = mine.poll(0.05)
            heard.update(message.topic for message in happened.arrived)
            answers.update(happened.taken)
            return until()

        for topic in (
            topics.up("acl-b", "event"), topics.up("acl-b", "papers"), topics.down("acl-a", "ack"),
            topics.down("acl-a", "papers"), topics.CENTRE_STATE,
        ):  # fmt: skip
            said = mine.publish(topic, b"{}")
            wait_until(partial(listen, partial(answers.__contains__, said)), "the broker answers")
            assert answers[said] == 0x87, topic
        running.say(topics.down("acl-b", "cmd"))
        running.say(topics.down("acl-b", "papers"))
        running.say(topics.down("acl-a", "cmd"))
        mine_only = {topics.down("acl-a", "cmd"), topics.CENTRE_STATE}
        wait_until(lambda: listen(lambda: mine_only <= heard), "it hears what is its own")
        assert heard == mine_only
        mine.close(polite=True)
        assert b.link.status().connected


def test_who_has_no_papers_of_the_centre_does_not_get_in(running: Running, tmp_path: Path) -> None:
    site, now = running.site, running.site.clock()
    stranger = vault.create(tmp_path / "other", "test", ["localhost"], None, now)
    vault.issue_files(
        stranger,
        site.ca,
        "foreign",
        lambda by, key: ca.issue_box(by, "none-a", key, now, timedelta(days=9)),
    )
    site.issue_client("expired", "none-a", timedelta(days=2), now - 5 * DAY_MS)
    site.issue_client("early", "none-a", timedelta(days=2), now + 5 * DAY_MS)
    for papers in ("none", "foreign", "expired", "early", "broker"):
        own = site.papers(papers) if papers != "none" else {"ca_file": site.publish / "authorities.pem"}
        settings = BrokerSettings(host="localhost", port=running.broker.port, connect_timeout_s=5, **own)
        with pytest.raises(Lost):
            connect(settings, "none-a", topics.all_down("none-a"))
    site.issue_client("good", "none-a")
    connect(running.at_broker.model_copy(update=site.papers("good")), "none-a", topics.all_down("none-a")).close(
        polite=True
    )


def test_a_box_revoked_while_it_was_away_does_not_come_back(running: Running, tmp_path: Path) -> None:
    folder = running.site.enrolled("away-a")
    running.site.revoke("away-a")
    wait_until(lambda: running.listed("away-a"), "the broker has the list")
    with Box(folder, tmp_path) as a:
        a.add(3)
        wait_until(lambda: a.link.status().problem not in ("", "connecting"), "TLS refuses it")
        assert not a.link.status().connected and a.outbox.numbers("pending") == {1, 2, 3}
    running.site.admit(folder, "away-a")
    with Box(folder, tmp_path) as again:
        wait_until(lambda: running.events("away-a") == 3, "with a new token it delivers what it kept")
        assert again.link.status().connected


def test_renewal_is_tried_at_the_broker_before_it_is_used(running: Running, tmp_path: Path) -> None:
    folder = running.site.enrolled("renew-a")
    with Box(folder, tmp_path) as a:
        wait_until(lambda: a.link.status().connected, "connected with the first certificate")
        first = folder.papers("current")
        assert first is not None
        assert Renewal(folder, a.settings).look() and folder.papers("current") == first, "not due yet"
        later = Clock()
        later.days(62)
        renewal = Renewal(folder, a.settings, wall=later)
        running.broker.stop()
        assert not renewal.look() and folder.papers("current") == first, "nobody to try it on: the old one stays"
        waiting = folder.papers("next")
        assert waiting is not None
        running.broker.start()
        running.tell_pid()
        assert renewal.look(), "tried, in use, confirmed"
        second = folder.papers("current")
        assert second is not None and second.grant == waiting.grant and folder.papers("next") is None
        a.add(1)
        wait_until(lambda: running.events("renew-a") == 1, "the link goes on with the new one")
    table = tables.certificate
    with running.site.database.read() as connection:
        rows = connection.execute(
            select(table.c.pem, table.c.reason).where(table.c.box == "renew-a").order_by(table.c.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        (first.grant.certificate, "superseded"),
        (second.grant.certificate, None),
    ]
    assert len(list((folder.path / "keys").iterdir())) == 1, "the old key is gone"


def test_a_site_that_reaches_nothing_but_the_broker_renews_there(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = running.site.enrolled("mqtt-a")
    first, later = folder.papers("current"), Clock()
    assert first is not None

    def walled(*given: object) -> bytes:
        raise door.unreachable("firewall")

    monkeypatch.setattr(door, "_fetch", walled)
    with Box(folder, tmp_path) as a:
        wait_until(lambda: a.link.status().connected, "connected with the first certificate")
        assert Renewal(folder, a.settings, wall=later, broker=a.papers).look(), "it asked for the authorities only"
        assert folder.papers("current") == first
        later.days(62)
        assert not Renewal(folder, a.settings, wall=later).look(), "without the broker there is no way"
        assert Renewal(folder, a.settings, wall=later, broker=a.papers).look(), "renewed, tried, in use, confirmed"
        second = folder.papers("current")
        assert second is not None and second.grant.certificate != first.grant.certificate
        a.add(1)
        wait_until(lambda: running.events("mqtt-a") == 1, "the link goes on with the new one")
    table = tables.certificate
    with running.site.database.read() as connection:
        mine = select(table.c.pem, table.c.reason).where(table.c.box == "mqtt-a").order_by(table.c.id)
        rows = [tuple(row) for row in connection.execute(mine)]
    assert rows == [(first.grant.certificate, "superseded"), (second.grant.certificate, None)]


def test_a_new_authority_leaves_no_box_without_a_way_back(running: Running, tmp_path: Path) -> None:
    """The centre has a new authority, its servers and all new papers are of it; one box was off all the while."""
    site = running.site
    away, here = site.enrolled("box-away"), site.enrolled("box-here")
    told = running.told()
    vault.roll(site.ca, "test", ["localhost", "127.0.0.1"], None, site.clock())
    wait_until(lambda: running.believes(2), "the broker believes both")
    wait_until(lambda: running.told() > told, "the broker has read them")
    with Box(site.enrolled("roll-new"), tmp_path) as first:
        wait_until(
            lambda: first.link.status().connected, "papers of the new one, while servers have the old one's"
        )
    for stem in ("server", "broker"):
        site.issue(stem, ["localhost"])
    wait_until(site.door_has_its_papers, "the door has its new papers")
    running.broker.stop()
    running.broker.start()
    running.tell_pid()
    assert Renewal(here, LinkSettings(enabled=False)).look()
    knows = here.papers("current")
    assert knows is not None and knows.grant.authorities.count("BEGIN") == 2, "told of the new authority"
    site.clock.days(62)
    away_papers = away.papers("current")
    assert away_papers is not None
    renew(away, away_papers, site.clock())
    fresh = away.papers("next")
    assert fresh is not None and fresh.grant.authorities.count("BEGIN") == 2
    with Box(away, tmp_path) as old, Box(here, tmp_path) as new:
        old.add(1)
        new.add(1)
        wait_until(lambda: running.events("box-away") == running.events("box-here") == 1, "both deliver")
