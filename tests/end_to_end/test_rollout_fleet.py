"""A bad release among 200 boxes, 60 % of them offline; the centre dies in between (fleet-sync.md 11, C12)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloud_sync.central.database import Database
from cloud_sync.central.rollout import control, rows
from cloud_sync.central.rollout.rows import Rollout
from cloud_sync.central.rollout.terms import Plan, RolloutState
from cloud_sync.updates.terms import Target
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.words import ContentState
from tests.centre_process import Centre
from tests.fleet import Fleet
from tests.peers import Mosquitto, wait_until
from tests.simulated_box import now_ms

BOXES = [f"box-{number:03}" for number in range(200)]
ONLINE, OFFLINE = BOXES[:80], BOXES[80:]
FAST = "[rollout]\nlook_s = 0.1\nsignals_s = 0.5\n"
PLAN = Plan(soak_s=0.05, percents=(10, 100))


def release(number: int) -> Target:
    return Target(f"kb/general/dx-core/{number}.zip", f"{number:064x}", 1000, "dx-core", "pack", number, number)


class Site:
    """A broker, a centre, its database as ``qcbox-central`` has it, and 200 boxes that have been there once."""

    def __init__(self, folder: Path, fleet: Fleet, broker: Mosquitto, centre: Centre) -> None:
        self.fleet, self.broker, self.centre = fleet, broker, centre
        self.database = Database(f"sqlite:///{centre.database}")

    def start(self, target: Target, plan: Plan = PLAN) -> int:
        with self.database.write() as connection:
            return control.start(connection, target, plan, by="lead", now=now_ms())

    def look(self, number: int) -> Rollout:
        with self.database.read() as connection:
            return rows.one(connection, number)

    def reaches(self, number: int, state: RolloutState) -> None:
        wait_until(lambda: self.look(number).state is state, f"rollout {number} is {state}")


@contextmanager
def site(folder: Path) -> Iterator[Site]:
    with Mosquitto(folder) as broker:
        centre = Centre(folder, broker, more=FAST)
        try:
            centre.start()
            with Fleet(broker.port, BOXES) as fleet:
                fleet.come(BOXES)
                fleet.go(OFFLINE)
                made = Site(folder, fleet, broker, centre)
                wait_until(lambda: _online(made) == (200, 80), "200 boxes have been there, 80 still are")
                yield made
                made.database.close()
        finally:
            centre.stop()


def _online(made: Site) -> tuple[int, int]:
    with made.database.read() as connection:
        boxes = rows.candidates(connection, release(1).audience)
    return len(boxes), sum(box.online for box in boxes)


def rolls_back(box: str, wanted: Wanted) -> ContentState:
    """Passes its self-test and does harm in probation."""
    return ContentState.ROLLED_BACK if wanted.version == 2 else ContentState.COMMITTED


def test_a_bad_release_runs_on_three_boxes_and_a_good_one_recovers(tmp_path: Path) -> None:
    with site(tmp_path) as made:
        first = made.start(release(1), Plan(canary_percent=100, soak_s=0))
        made.reaches(first, RolloutState.COMPLETED)
        made.fleet.behave(rolls_back)
        bad = made.start(release(2))
        made.centre.stop()
        made.centre.start(die_at="rollout.before_commit")
        wait_until(lambda: not made.centre.alive, "the centre dies while it pauses the rollout")
        made.centre.start()
        made.reaches(bad, RolloutState.PAUSED)
        assert len(made.fleet.that_ran(release(2).sha256)) == 3
        made.fleet.come(OFFLINE[:20])
        wait_until(lambda: len(made.fleet.that_run(release(1).sha256)) >= 100, "who comes back gets release 1")
        made.broker.kill()
        made.broker.start()
        good = made.start(release(3))
        made.reaches(good, RolloutState.COMPLETED)
        made.fleet.come([*OFFLINE, "box-new"])
        wait_until(lambda: len(made.fleet.that_run(release(3).sha256)) == 201, "all boxes run release 3")
        wait_until(lambda: made.fleet.quiet, "everything is told")
        assert made.look(bad).state is RolloutState.SUPERSEDED
        assert len(made.fleet.that_ran(release(2).sha256)) == 3
        late = [made.fleet.boxes[name] for name in (*OFFLINE[20:], "box-new")]
        assert {tuple(box.ran) for box in late} == {(release(3).sha256,)}
