"""From the broker into the database: batch, COMMIT, acknowledge to the box, confirm to the broker. In that order.

A crash anywhere leaves the broker or the box with the message, and the unique key makes its return harmless.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import DBAPIError

from cloud_sync.central import fleet
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment import revoking
from cloud_sync.central.judging import judge
from cloud_sync.central.part import Part
from cloud_sync.central.settings import IngestSettings
from cloud_sync.central.storing import Stored, store
from cloud_sync.central.streams import Gap, gaps
from cloud_sync.link.broker import Broker
from cloud_sync.link.drain import delay
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.link.terms import Arrived, Lost, Session, Will
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode
from cloud_sync.wire.control import CentreState, Command
from cloud_sync.wire.words import CommandName

log = structlog.get_logger()

_IDLE_S = 1.0


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """How the ingest is. ``since``: UTC milliseconds of the last change."""

    connected: bool
    since: int
    problem: str


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Ingest:
    """Runs in a thread of its own; ``status`` from any."""

    def __init__(
        self, broker: BrokerSettings, settings: IngestSettings, database: Database, *, parts: Sequence[Part] = (),
        turned_away: Callable[[str], None] = lambda box: None,
        wall: Callable[[], int] = _wall_ms, at: Callable[[str], None] = lambda step: None,
    ) -> None:  # fmt: skip
        """``parts`` share the connection; ``turned_away`` hears of boxes that were revoked and still speak;
        ``wall`` gives UTC milliseconds; ``at`` is called at crash points."""
        self._parts, self._turned_away = parts, turned_away
        self._broker_settings, self._settings, self._database = broker, settings, database
        self._wall, self._at = wall, at
        self._boot = secrets.token_hex(4)
        self._chance = random.Random()  # noqa: S311  # spreads load, guards nothing
        self._asked: dict[tuple[str, str, int], float] = {}
        self._gaps_at = 0.0
        self.status = IngestStatus(False, wall(), "connecting")
        self.turned_at = time.monotonic()
        """When the loop last turned: what a watchdog looks at."""

    def run(self, stop: threading.Event) -> None:
        """Take in what boxes send until ``stop``; reconnect after every loss."""
        failures = 0
        while not stop.is_set():
            came = self.turned_at = time.monotonic()
            try:
                self._converse(stop)
            except (Lost, DBAPIError) as error:
                # A database that cannot commit (disk full, failed over): nothing was acknowledged, so nothing
                # is lost. The connection ends, our will makes the boxes wait.
                problem = error.code if isinstance(error, Lost) else "database"
                failures = 1 if time.monotonic() - came > 60 else failures + 1
                self.status = IngestStatus(False, self._wall(), str(problem))
                log.warning("link.lost", reason=problem)
                stop.wait(delay(failures - 1, self._broker_settings.reconnect_first_s, 30, self._chance))

    def _converse(self, stop: threading.Event) -> None:
        will = Will(topics.CENTRE_STATE, encode(CentreState(online=False, boot=self._boot)), delay_s=10)
        session = Session(
            self._settings.client_id,
            clean=False,
            expiry_s=300,
            receive_maximum=self._settings.batch_most,
            will=will,
        )
        broker = Broker(self._broker_settings, session)
        polite = False
        try:
            broker.connect([topics.ALL_UP])
            self._say_state(broker, online=True)
            self.status = IngestStatus(True, self._wall(), "")
            log.info("link.connected")
            while not stop.is_set():
                self.turned_at = time.monotonic()
                self._take_in(broker, self._collect(broker))
                self._ask_for_gaps(broker)
                self._let_speak(broker)
            self._say_state(broker, online=False)
            polite = True
        finally:
            broker.close(polite=polite)

    def _say_state(self, broker: Broker, *, online: bool) -> None:
        state = CentreState(online=online, boot=self._boot, t=self._wall())
        broker.publish(topics.CENTRE_STATE, encode(state), retain=True)

    def _collect(self, broker: Broker) -> Sequence[Arrived]:
        """What has come, and what still comes within the batch time, up to a full batch."""
        batch = list(broker.poll(_IDLE_S).arrived)
        end = time.monotonic() + self._settings.batch_ms / 1000
        while batch and len(batch) < self._settings.batch_most and (rest := end - time.monotonic()) > 0:
            batch.extend(broker.poll(rest).arrived)
        return batch

    def _take_in(self, broker: Broker, batch: Sequence[Arrived]) -> None:
        if not batch:
            return
        began, now = time.monotonic(), self._wall()
        addressed = [(topics.parse(message.topic), message) for message in batch]
        known = [(address, message) for address, message in addressed if address and address.up]
        judged = [
            judge(address.box, message.payload, message.user)
            for address, message in known
            if address.leaf == "event"
        ]
        with self._database.write() as connection:
            # In this transaction: after a revocation is committed no event of that box is. Nothing is acknowledged
            # to it either, so it keeps its results for the day on which it is enrolled again.
            out = revoking.revoked(connection, {address.box for address, _ in known})
            events = [one for one in judged if one.box not in out]
            spoke = {address.box for address, message in known if not message.retained}
            fleet.seen(self._database, connection, spoke, now)
            stored = store(self._database, connection, events, now)
            for address, message in known:
                if address.leaf != "event":
                    fleet.hear(self._database, connection, message, address, now)
            self._at("central.before_commit")
        self._at("central.after_commit")
        for box, ack in stored.acks:
            broker.publish(topics.down(box, "ack"), encode(ack), expiry_s=60)
        self._at("central.after_ack")
        for message in batch:
            broker.confirm(message)
        for address, message in known:
            if address.box not in out:
                for part in self._parts:
                    part.heard(address, message.payload)
            elif address.leaf != "state" and not message.retained:
                log.warning("ingest.revoked", box=address.box, where=address.leaf)
                self._turned_away(address.box)
        _report(stored, (time.monotonic() - began) * 1000)

    def _let_speak(self, broker: Broker) -> None:
        for part in self._parts:
            for out in part.to_say():
                broker.publish(out.topic, out.payload, qos=out.qos, retain=out.retain, expiry_s=out.expiry_s)

    def _ask_for_gaps(self, broker: Broker) -> None:
        """Ask online boxes for numbers that have been missing for long, again and again until they come."""
        if time.monotonic() < self._gaps_at:
            return
        self._gaps_at = time.monotonic() + self._settings.gap_look_s
        now = self._wall()
        with self._database.read() as connection:
            online = fleet.online(connection)
            old = [
                gap
                for gap in gaps(connection)
                if gap.box in online and now - gap.since >= 1000 * self._settings.gap_patience_s
            ]
        for gap in old:
            self._ask(broker, gap)

    def _ask(self, broker: Broker, gap: Gap) -> None:
        key = (gap.box, gap.stream, gap.first)
        if time.monotonic() - self._asked.get(key, float("-inf")) < self._settings.gap_patience_s:
            return
        self._asked[key] = time.monotonic()
        log.warning("ingest.gap", box=gap.box, stream=gap.stream, seq=gap.first, count=gap.last - gap.first + 1)
        command = Command(
            id=secrets.token_hex(8), name=CommandName.RESEND, stream=gap.stream, ranges=((gap.first, gap.last),)
        )
        broker.publish(topics.down(gap.box, "cmd"), encode(command), expiry_s=60)


def _report(stored: Stored, ms: float) -> None:
    if stored.new:
        log.info("ingest.committed", count=stored.new, ms=round(ms, 1))
    if stored.dead_letters:
        log.error("ingest.dead_letter", count=stored.dead_letters)
    if stored.conflicts:
        log.error("ingest.integrity", count=stored.conflicts, code="content")
