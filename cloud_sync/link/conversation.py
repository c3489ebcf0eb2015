"""One connection of a box, from its birth message to its loss: sends what is due, believes only the centre.

The outbox row is the queue. What the broker confirms (PUBACK) frees a place in its receive window and means
nothing more; a row is delivered when ``dn/ack`` names it, and ``dn/ack`` is confirmed after that is on disk.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog

from cloud_sync.link.broker import Broker
from cloud_sync.link.drain import Limits, Window, delay
from cloud_sync.link.ports import BirthFacts, OutboxPort, Pending, Rejected
from cloud_sync.link.settings import LinkSettings
from cloud_sync.link.terms import Arrived, Lost, Session, Will
from cloud_sync.wire import topics
from cloud_sync.wire.codec import MAX_BYTES, WireError, decode, encode
from cloud_sync.wire.control import (
    Ack,
    Birth,
    BoxClock,
    CentreState,
    Command,
    Death,
    Gauge,
    Metrics,
    Reply,
)
from cloud_sync.wire.messages import PackUsed
from cloud_sync.wire.words import CONTRACT, CommandName

log = structlog.get_logger()

OTHERS = ("desired", "chunk", "papers")
"""What is for others of the box; the link only carries it."""
_NO_SUBSCRIBERS, _NOT_AUTHORISED, _FAILURE = 0x10, 0x87, 0x80
_HEADERS = 1024
"""Bytes of an MQTT packet beside its payload, generously."""
_LOOK_S = 1.0
"""How often to look for rows whose time has come, when nothing else happens."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far this connection has come. Times are UTC milliseconds."""

    connected_at: int | None = None
    last_ack: int | None = None
    centre_online: bool | None = None
    held: str = ""
    """Why nothing is sent just now; empty when it is."""
    clock_offset_ms: int | None = None
    on_their_way: int = 0


class Conversation:
    """Runs in one thread; ``progress`` may be read from any."""

    def __init__(
        self, settings: LinkSettings, outbox: OutboxPort, box: str, boot: str, facts: Callable[[], BirthFacts],
        wall: Callable[[], int], chance: random.Random, at: Callable[[str], None],
        hear: Callable[[str, bytes], None], to_say: deque[tuple[str, bytes]],
    ) -> None:  # fmt: skip
        self.progress = Progress()
        self._hear, self._to_say = hear, to_say
        self._settings, self._outbox, self._box, self._boot, self._facts = settings, outbox, box, boot, facts
        self._wall, self._chance, self._at = wall, chance, at
        self._stream = outbox.status(wall()).stream
        will = Will(topics.up(box, "state"), encode(Death(boot=boot)), delay_s=45)
        self.broker = Broker(settings, Session(box, clean=True, expiry_s=60, receive_maximum=50, will=will))
        self._window = Window(Limits(1, settings.window_bytes, settings.backlog_share))
        self._largest = MAX_BYTES
        self._centre_boot = self._told_stale = ""
        self._held_until = self._backlog_from = self._metrics_at = 0.0
        self._waiting_since: float | None = None
        """Since when something is on its way without any sign of the centre."""

    def run(self, stop: threading.Event) -> None:
        """Connect, and send until ``stop``. Raises Lost when the connection is gone or mute."""
        terms = self.broker.connect([topics.all_down(self._box), topics.CENTRE_STATE])
        # Two places stay free for birth and reply: over the Receive Maximum a broker hangs up.
        most = max(1, min(self._settings.window, terms.receive_maximum - 2))
        self._window = Window(Limits(most, self._settings.window_bytes, self._settings.backlog_share))
        self._largest = min(MAX_BYTES, terms.max_packet - _HEADERS)
        self.progress = replace(self.progress, connected_at=self._wall())
        log.info("link.connected", box=self._box)
        self._start_over()
        while not stop.is_set():
            happened = self.broker.poll(_LOOK_S)
            for mid, code in happened.taken:
                self._window.taken(mid)
                self._mind(code)
            self._listen(happened.arrived)
            self._say()
            self._drain()
            self._tell_metrics()
            self._check_silence()
        self.broker.publish(topics.up(self._box, "state"), encode(Death(boot=self._boot)), retain=True)

    def _start_over(self) -> None:
        """From the lowest unacknowledged row; the backlog after a random pause, so that boxes spread."""
        self._outbox.reconnected()
        self._window.forget()
        self._waiting_since = None
        self._held_until = 0.0
        self.progress = replace(self.progress, held="")
        self._backlog_from = time.monotonic() + self._settings.drain_delay_s * self._chance.random()
        self._tell_birth()

    def _drain(self) -> None:
        now = time.monotonic()
        if self._held_until and now >= self._held_until:
            self._start_over()
        if self._held_until:
            return
        self._window.expire(now)
        wall, most = self._wall(), self._settings.window
        fresh = self._outbox.due(wall, most, True)
        backlog = self._outbox.due(wall, most, False) if now >= self._backlog_from else ()
        rows = self._window.choose(fresh, backlog)
        if rows:
            self._send(rows, wall)
        self.progress = replace(self.progress, on_their_way=len(self._window))

    def _send(self, rows: list[Pending], wall: int) -> None:
        now = time.monotonic()
        due_again: dict[int, list[int]] = {}
        for row in rows:
            if len(row.payload) > self._largest:
                self._quarantine(row, wall)
                continue
            patience = delay(
                row.attempts, self._settings.ack_timeout_s, self._settings.ack_timeout_most_s, self._chance
            )
            place = {"cv": str(CONTRACT), "stream": self._stream, "seq": str(row.seq)}
            mid = self.broker.publish(topics.up(self._box, "event"), row.payload, user=place)
            self._window.sent(row, mid, now + patience)
            due_again.setdefault(wall + int(patience * 1000), []).append(row.seq)
        self._at("link.published")
        for next_at, seqs in due_again.items():
            self._outbox.sent(seqs, next_at)
        self._at("link.noted_sent")
        if self._waiting_since is None and len(self._window):
            self._waiting_since = now

    def _quarantine(self, row: Pending, wall: int) -> None:
        """A row that no broker would carry would end every connection; a person must see it instead."""
        self._outbox.sent([row.seq], wall)
        self._outbox.rejected(self._stream, [Rejected(row.seq, "size", f"{len(row.payload)} bytes")], wall)
        log.error("event.rejected", box=self._box, seq=row.seq, code="size", bytes=len(row.payload))

    def _listen(self, arrived: Sequence[Arrived]) -> None:
        for message in arrived:
            self._understand(message)
            self.broker.confirm(message)

    def _understand(self, message: Arrived) -> None:
        try:
            if message.topic == topics.CENTRE_STATE:
                self._hear_centre(decode(message.payload, CentreState))
                return
            address = topics.parse(message.topic)
            if address is None or address.up or address.box != self._box:
                return
            if address.leaf == "ack":
                self._hear_ack(decode(message.payload, Ack))
            elif address.leaf in OTHERS:
                self._hear(address.leaf, message.payload)
            else:
                self._obey(decode(message.payload, Command))
        except WireError as error:
            log.warning("link.misread", box=self._box, code=error.code)

    def _say(self) -> None:
        """What others of the box have to say; at QoS 0, for they ask again when nothing comes back."""
        while self._to_say:
            leaf, payload = self._to_say.popleft()
            self.broker.publish(topics.up(self._box, leaf), payload, qos=0, expiry_s=60)

    def _hear_ack(self, ack: Ack) -> None:
        wall = self._wall()
        self._at("link.ack_received")
        if ack.ok:
            self._outbox.acknowledged(ack.stream, ack.ok, wall)
        if ack.rej:
            rows = [Rejected(one.seq, one.code, one.detail) for one in ack.rej]
            self._outbox.rejected(ack.stream, rows, wall)
            for one in ack.rej:
                log.error("event.rejected", box=self._box, seq=one.seq, code=one.code)
        self._at("link.ack_noted")
        if ack.stream != self._stream:
            return
        self._window.acknowledged([*ack.ok, *((one.seq, one.seq) for one in ack.rej)])
        self._waiting_since = time.monotonic() if len(self._window) else None
        self.progress = replace(self.progress, last_ack=wall, clock_offset_ms=ack.t - wall)

    def _hear_centre(self, state: CentreState) -> None:
        was = self.progress
        another_life = self._centre_boot not in ("", state.boot)
        came_back = state.online and (was.centre_online is False or another_life or bool(was.held))
        self._centre_boot = state.boot
        self.progress = replace(self.progress, centre_online=state.online)
        if came_back:
            self._start_over()
        elif not state.online:
            self._hold("centre_offline", float("inf"))

    def _mind(self, code: int) -> None:
        """A PUBACK that is no success is final for the message; the row stays and is sent again later."""
        if code == _NO_SUBSCRIBERS:
            self._hold("no_subscribers", self._settings.ack_timeout_s)
        elif code == _NOT_AUTHORISED:
            self._hold("not_authorised", self._settings.ack_timeout_most_s)
        elif code >= _FAILURE:
            self._hold(f"puback_{code:02x}", self._settings.ack_timeout_s)

    def _hold(self, reason: str, seconds: float) -> None:
        if self.progress.held != reason:
            log.warning("link.held", box=self._box, reason=reason)
        self._held_until = time.monotonic() + seconds
        self._window.forget()
        self._waiting_since = None
        self.progress = replace(self.progress, held=reason, on_their_way=0)

    def _obey(self, command: Command) -> None:
        count = 0
        if command.name is CommandName.REBIRTH:
            self._tell_birth()
        elif command.name is CommandName.RESEND and command.stream == self._stream:
            count = self._outbox.resend(command.ranges)
        known = command.name is not CommandName.UNKNOWN
        reply = Reply(id=command.id, ok=known, code="" if known else "unknown_command", count=count)
        self.broker.publish(topics.up(self._box, "reply"), encode(reply), expiry_s=60)

    def _tell_birth(self) -> None:
        wall, facts = self._wall(), self._facts()
        status = self._outbox.status(wall)
        self._told_stale = facts.kb_stale
        birth = Birth(
            boot=self._boot, stream=status.stream, seq_hi=status.seq_hi, depth=status.depth,
            oldest_age_s=status.oldest_age_s, quarantined=status.quarantined, disk_pct=facts.disk_pct,
            agent=facts.agent, site=facts.site,
            kb=tuple(PackUsed(name=name, version=version, sha256=sha) for name, version, sha in facts.packs),
            kb_stale=facts.kb_stale,
            clock=BoxClock(wall=wall, synced=facts.clock_synced, offset_ms=self.progress.clock_offset_ms),
        )  # fmt: skip
        self.broker.publish(topics.up(self._box, "state"), encode(birth), retain=True)

    def _tell_metrics(self) -> None:
        if time.monotonic() < self._metrics_at:
            return
        self._metrics_at = time.monotonic() + self._settings.metrics_s
        wall = self._wall()
        status, facts = self._outbox.status(wall), self._facts()
        readings = {
            "seq_hi": float(status.seq_hi), "depth": float(status.depth), "oldest_age_s": status.oldest_age_s,
            "quarantined": float(status.quarantined), "disk_pct": facts.disk_pct,
        }  # fmt: skip
        gauges = tuple(Gauge(name=name, value=value) for name, value in readings.items() if value is not None)
        message = Metrics(boot=self._boot, t=wall, gauges=gauges)
        self.broker.publish(topics.up(self._box, "metrics"), encode(message), qos=0, expiry_s=300)
        if facts.kb_stale != self._told_stale:  # what is signed ran out, or is young again
            self._tell_birth()

    def _check_silence(self) -> None:
        """paho can die with its connection seemingly up (paho.mqtt.python#891); only an ack proves life."""
        most = 3 * self._settings.ack_timeout_s
        if self._waiting_since is not None and time.monotonic() - self._waiting_since > most:
            raise Lost("no_acknowledgement")
