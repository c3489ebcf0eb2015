"""Many boxes in one thread over a real broker: presence, ``dn/desired``, activation, an outbox that keeps all.

What a box does with a release is the state machine of fleet-sync.md 8 without the content; ``Behaviour`` says how
it ends. All boxes share one connection, which the broker does not mind and two cores are grateful for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cloud_sync.link.broker import Broker
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.link.terms import Arrived, Lost, Session, Will
from cloud_sync.wire import topics
from cloud_sync.wire.codec import decode, encode
from cloud_sync.wire.control import Ack, Birth, BoxClock, CentreState, Death, Desired, Wanted
from cloud_sync.wire.messages import KbStateData, KbStateEvent, PackUsed
from cloud_sync.wire.words import Clock, ContentState
from tests.simulated_box import STREAM, now_ms

Behaviour = Callable[[str, Wanted], ContentState]
"""How a release ends on a box of this name."""

PATH = (
    ContentState.ASSIGNED, ContentState.STAGED, ContentState.VERIFIED, ContentState.TESTED, ContentState.PROBATION,
)  # fmt: skip
_FAILED = (ContentState.FAILED_VERIFY, ContentState.FAILED_SELFTEST, ContentState.ROLLED_BACK)
_WINDOW = 18
"""Unconfirmed messages at once; the broker allows 20."""
_AGAIN_S = 1.0


def committed(box: str, wanted: Wanted) -> ContentState:
    """Every release is good."""
    return ContentState.COMMITTED


@dataclass
class FleetBox:
    """One box: what survives in its store (outbox, releases) and what does not (whether it is there)."""

    name: str
    behaviour: Behaviour = committed
    stream: str = STREAM
    path: tuple[ContentState, ...] = PATH
    """The states on its way that it tells."""
    agent: str = "1.0"
    stale: str = ""
    online: bool = False
    rev: int = 0
    releases: dict[str, tuple[Wanted, ContentState]] = field(default_factory=dict)
    active: Wanted | None = None
    before: Wanted | None = None
    ran: list[str] = field(default_factory=list)
    """Every release that ever judged here, by sha256."""
    heard: list[str] = field(default_factory=list)
    """Every release that it was ever told to run."""
    outbox: dict[int, tuple[bytes, float]] = field(default_factory=dict)
    _seq: int = 0
    _boot: int = 0

    def birth(self) -> bytes:
        """It comes (again)."""
        self._boot += 1
        kb = () if self.active is None else (_used(self.active),)
        return encode(
            Birth(
                boot=self.boot, stream=self.stream, seq_hi=self._seq, depth=len(self.outbox), oldest_age_s=0.0,
                agent=self.agent, site="North", clock=BoxClock(wall=now_ms(), synced=True), kb=kb,
                kb_stale=self.stale,
            )
        )  # fmt: skip

    @property
    def boot(self) -> str:
        return f"boot-{self._boot}"

    def obey(self, said: Desired) -> None:
        """Give up what is no longer wanted, begin what is new; an older number is not obeyed."""
        if said.rev <= self.rev:
            return
        self.rev = said.rev
        named = {one.sha256 for one in said.kb}
        for sha, (one, state) in list(self.releases.items()):
            if sha not in named and state in self.path[:-1]:
                self._move(one, ContentState.CANCELLED)
        for one in said.kb:
            self.heard.append(one.sha256)
            before, state = self.releases.get(one.sha256, (one, ContentState.CANCELLED))
            declined = state is ContentState.REJECTED and before.rollout != one.rollout
            if state is ContentState.CANCELLED or declined:
                self._move(one, self.path[0])

    def work(self) -> None:
        """One step of every release that is on its way."""
        for one, state in list(self.releases.values()):
            if state is ContentState.PROBATION:
                self._end(one)
            elif state in self.path:
                self._step(one, self.path[self.path.index(state) + 1])

    def _step(self, one: Wanted, state: ContentState) -> None:
        end = self.behaviour(self.name, one)
        if end in (*_FAILED[:2], ContentState.REJECTED):
            self._move(one, end, error="trust.min_agent" if end is ContentState.REJECTED else "tests")
            return
        if state is ContentState.PROBATION:
            self.active, self.before = one, self.active
            self.ran.append(one.sha256)
        self._move(one, state)

    def _end(self, one: Wanted) -> None:
        end = self.behaviour(self.name, one)
        if end is ContentState.PROBATION:
            return  # it goes on for long
        if end is ContentState.ROLLED_BACK:
            self.active = self.before
        elif self.before is not None:
            self._move(self.before, ContentState.SUPERSEDED)
        self._move(one, end, error="alert_rate" if end in _FAILED else "")

    def _move(self, one: Wanted, state: ContentState, error: str = "") -> None:
        self.releases[one.sha256] = (one, state)
        self._seq += 1
        content = KbStateData(
            name=one.name, version=one.version, sha256=one.sha256, rollout=one.rollout, state=state,
            error_code=error, runs=None if self.active is None else self.active.sha256, at=now_ms(),
        )  # fmt: skip
        event = KbStateEvent(
            id=topics.event_id(self.stream, self._seq), source=topics.source(self.name), stream=self.stream,
            seq=self._seq, boot=self.boot, time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            clock=Clock.SYNCED, data=content,
        )  # fmt: skip
        self.outbox[self._seq] = (encode(event), 0.0)

    def acknowledged(self, ack: Ack) -> None:
        """What the centre has committed leaves the outbox; nothing else does."""
        if ack.rej:
            raise AssertionError(f"the centre refused {ack.rej} of {self.name}")
        for first, last in ack.ok:
            for seq in range(first, last + 1):
                self.outbox.pop(seq, None)


def _used(one: Wanted) -> PackUsed:
    return PackUsed(name=one.name, version=one.version, sha256=one.sha256)


class Fleet:
    """Use as a context: the boxes live while it is open. ``come`` and ``go`` from any thread."""

    def __init__(self, port: int, names: Iterable[str], behaviour: Behaviour = committed) -> None:
        self.boxes = {name: FleetBox(name, behaviour) for name in names}
        self._port = port
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._presence: list[tuple[str, bool]] = []
        self._flying: set[int] = set()
        self._centre = ""
        self._thread = threading.Thread(target=self._run, name="fleet")

    def come(self, names: Iterable[str]) -> None:
        """These boxes connect; a name that is new is a new box."""
        self._change(names, True)

    def go(self, names: Iterable[str]) -> None:
        """These boxes are gone, as their wills say."""
        self._change(names, False)

    def behave(self, behaviour: Behaviour) -> None:
        """From now on releases end so."""
        with self._lock:
            for box in self.boxes.values():
                box.behaviour = behaviour

    def that_ran(self, sha256: str) -> list[str]:
        """Boxes on which a release ever judged."""
        with self._lock:
            return [box.name for box in self.boxes.values() if sha256 in box.ran]

    def that_run(self, sha256: str) -> list[str]:
        """Boxes on which a release judges now."""
        with self._lock:
            return [box.name for box in self.boxes.values() if box.active and box.active.sha256 == sha256]

    @property
    def quiet(self) -> bool:
        """Whether every box that is there has told everything, and all have come or gone."""
        with self._lock:
            return not self._presence and not any(box.outbox for box in self.boxes.values() if box.online)

    def _change(self, names: Iterable[str], online: bool) -> None:
        with self._lock:
            for name in names:
                self.boxes.setdefault(name, FleetBox(name, next(iter(self.boxes.values())).behaviour))
                self._presence.append((name, online))

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._converse()
            except Lost:
                time.sleep(0.1)

    def _converse(self) -> None:
        will = Will(topics.up("fleet-watch", "state"), encode(Death(boot="none")), delay_s=60)
        broker = Broker(BrokerSettings(port=self._port, keepalive_s=5), Session("fleet", True, 0, 500, will))
        self._flying.clear()
        try:
            broker.connect([f"{topics.PREFIX}/+/dn/+", topics.CENTRE_STATE])
            with self._lock:
                there = [box.name for box in self.boxes.values() if box.online]
                self._presence = [(name, True) for name in there] + self._presence
            while not self._stop.is_set():
                happened = broker.poll(0.02)
                with self._lock:
                    self._flying -= {mid for mid, _ in happened.taken}
                    for message in happened.arrived:
                        self._hear(message)
                        broker.confirm(message)
                    for box in self.boxes.values():
                        if box.online:
                            box.work()
                    self._speak(broker)
        finally:
            broker.close(polite=True)

    def _hear(self, message: Arrived) -> None:
        if message.topic == topics.CENTRE_STATE:
            state = decode(message.payload, CentreState)
            if state.online and state.boot != self._centre:
                self._centre = state.boot
                self._presence += [(box.name, True) for box in self.boxes.values() if box.online]
            return
        address = topics.parse(message.topic)
        box = self.boxes.get(address.box) if address else None
        if address is None or box is None or not box.online:
            return
        if address.leaf == "ack":
            box.acknowledged(decode(message.payload, Ack))
        elif address.leaf == "desired":
            box.obey(decode(message.payload, Desired))

    def _speak(self, broker: Broker) -> None:
        while self._presence and len(self._flying) < _WINDOW:
            name, online = self._presence.pop(0)
            box = self.boxes[name]
            box.online = online
            said = box.birth() if online else encode(Death(boot=box.boot))
            self._flying.add(broker.publish(topics.up(name, "state"), said, retain=True))
        now = time.monotonic()
        for box in self.boxes.values():
            if not box.online:
                continue
            for seq, (payload, tried) in list(box.outbox.items()):
                if len(self._flying) >= _WINDOW:
                    return
                if now - tried > _AGAIN_S:
                    box.outbox[seq] = (payload, now)
                    self._flying.add(broker.publish(topics.up(box.name, "event"), payload))

    def __enter__(self) -> Fleet:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
