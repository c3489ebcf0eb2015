"""A centre's database with director and scheduler, and boxes of tests.fleet, without a broker; one thread."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

from cloud_sync.central import fleet
from cloud_sync.central.database import Database
from cloud_sync.central.judging import judge
from cloud_sync.central.rollout import control, rows
from cloud_sync.central.rollout.director import Director
from cloud_sync.central.rollout.plan import Tally, tally
from cloud_sync.central.rollout.rows import Rollout
from cloud_sync.central.rollout.scheduler import Scheduler
from cloud_sync.central.rollout.settings import RolloutSettings
from cloud_sync.central.rollout.terms import Plan
from cloud_sync.central.storing import store
from cloud_sync.link.terms import Arrived
from cloud_sync.updates.terms import Audience, Target
from cloud_sync.wire import topics
from cloud_sync.wire.codec import decode, encode
from cloud_sync.wire.control import Death, Desired
from cloud_sync.wire.topics import Address
from cloud_sync.wire.words import ContentState
from tests.fleet import Behaviour, FleetBox, committed

START = 1_795_277_007_000
DAY_S = 86_400.0
_PATH = (ContentState.TESTED, ContentState.PROBATION)
EVERYBODY, STANDARD = Audience(), Plan()


def release(number: int, name: str = "dx-core", audience: Audience = EVERYBODY) -> Target:
    """A release as the published metadata would list it."""
    path = f"kb/general/{name}/{number}.zip"
    return Target(path, sha256(path.encode()).hexdigest(), 1000, name, "pack", number, number, audience)


class Stage:
    """``now`` is the centre's clock; nothing happens unless ``turn`` is called."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "central.db"
        self.database = Database(f"sqlite:///{self.path}")
        self.now = START
        self.boxes: dict[str, FleetBox] = {}
        self.linked: int | None = 0
        self.listed: set[str] | None = None
        self.signals_s = 3600.0
        self.restart()

    def restart(self) -> None:
        """The centre ends and begins: only rows are left."""
        self.director = Director(self.database, lambda: self.now, look_s=0)
        self.scheduler = Scheduler(
            self.database, RolloutSettings(signals_s=self.signals_s), lambda: self.now, linked=lambda: self.linked,
            listed=lambda: self.listed,
        )  # fmt: skip

    def watch(self) -> None:
        """From now on rates are compared at every look."""
        self.signals_s = 0.001
        self.restart()

    def become(self, other: Stage) -> None:
        """Stand as another one stands, which is closed."""
        self.database.close()
        shutil.copy(other.path, self.path)
        self.database = Database(f"sqlite:///{self.path}")
        self.now, self.boxes = other.now, deepcopy(other.boxes)
        self.restart()
        self.tell()

    def come(self, names: Iterable[str], behaviour: Behaviour = committed) -> None:
        """These boxes connect."""
        births = {}
        for name in names:
            box = self.boxes.setdefault(name, FleetBox(name, behaviour, path=_PATH))
            box.online = True
            births[name] = box.birth()
        self._say(births)

    def go(self, names: Iterable[str]) -> None:
        """These boxes are gone."""
        for name in names:
            self.boxes[name].online = False
        self._say({name: encode(Death(boot=self.boxes[name].boot)) for name in names})

    def start(self, target: Target, plan: Plan = STANDARD, by: str = "lead") -> int:
        """Begin a rollout."""
        with self.database.write() as connection:
            return control.start(connection, target, plan, by=by, now=self.now)

    def turn(self) -> bool:
        """Director, boxes, ingest and scheduler, in this order; whether any had something to do."""
        told, heard, moved = self.tell(), self.hear(), self.scheduler.look()
        return told or heard or moved

    def settle(self, seconds: float = 0.0) -> None:
        """Time goes on, and everybody has their turns until nobody has anything to do."""
        self.now += int(seconds * 1000)
        for _ in range(100):
            if not self.turn():
                return
        raise AssertionError("it never comes to rest")

    def tell(self) -> bool:
        """What the director has to say reaches the boxes that are there."""
        all_said = list(self.director.to_say())
        for said in all_said:
            address = topics.parse(said.topic)
            assert address and said.retain
            box = self.boxes[address.box]
            if box.online:
                box.obey(decode(said.payload, Desired))
        return bool(all_said)

    def hear(self) -> bool:
        """Boxes work and tell; the centre stores and acknowledges."""
        batch = []
        for box in self.boxes.values():
            if box.online:
                box.work()
                batch += [judge(box.name, payload, {}) for payload, _ in box.outbox.values()]
        if batch:
            with self.database.write() as connection:
                for name, ack in store(self.database, connection, batch, self.now).acks:
                    self.boxes[name].acknowledged(ack)
        return bool(batch)

    def rollout(self, number: int) -> Rollout:
        with self.database.read() as connection:
            return rows.one(connection, number)

    def counted(self, number: int) -> Tally:
        with self.database.read() as connection:
            one = rows.one(connection, number)
            return tally(one.plan, rows.members(connection, one), self.now)

    def ran(self, target: Target) -> set[str]:
        """Boxes on which a release ever judged."""
        return {box.name for box in self.boxes.values() if target.sha256 in box.ran}

    def run(self, target: Target) -> set[str]:
        """Boxes on which a release judges."""
        return {box.name for box in self.boxes.values() if box.active and box.active.sha256 == target.sha256}

    def _say(self, said: Mapping[str, bytes]) -> None:
        with self.database.write() as connection:
            for name, payload in said.items():
                arrived = Arrived(topics.up(name, "state"), payload, 1, 1, False, {})
                fleet.hear(self.database, connection, arrived, Address(name, True, "state"), self.now)
        for name, payload in said.items():
            self.director.heard(Address(name, True, "state"), payload)
