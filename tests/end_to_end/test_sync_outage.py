"""Days without a broker, hours without a centre: all is delivered once, and what is new goes first."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.end_to_end.sync_site import INTACT, SyncSite
from tests.peers import wait_until
from tests.simulated_box import SimulatedOutbox

pytestmark = pytest.mark.real


@pytest.mark.parametrize("backlog", [1000, pytest.param(6000, marks=pytest.mark.slow)])
def test_three_days_without_a_broker(backlog: int, tmp_path: Path) -> None:
    """6,000 results are three days of a busy box. Queue limit 10, persistence off; the box stays up."""
    with SyncSite(tmp_path) as site:
        site.centre.start()
        site.fill("box-0", 1)
        site.boxes["box-0"].start()
        site.settle()
        site.broker.stop()
        outbox = SimulatedOutbox(tmp_path / "box-0.db", "box-0", synced=False)
        outbox.add(backlog)
        site.broker.start()
        back = time.monotonic()
        wait_until(lambda: site.waiting("box-0") < backlog, "the backlog drains again")
        outbox.add(1)
        before, fresh, made = site.waiting("box-0"), ("box-0", backlog + 2), time.monotonic()
        wait_until(lambda: fresh in site.at_the_centre(), "the fresh result is at the centre")
        overtook = time.monotonic() - made
        site.settle(patience_s=300)
        came = site.at_the_centre()
        behind = len(came) - 1 - came.index(fresh)
        drained = time.monotonic() - back
        outbox.close()
        print(f"\nfresh in {overtook:.2f} s before {behind} of {before} that waited; {backlog} in {drained:.1f} s")
        assert site.balance() == INTACT
        assert behind > before // 2, "the fresh result did not overtake"
        assert overtook <= 10, "the bar of issue 2"


def test_without_a_centre_the_box_waits_and_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with SyncSite(tmp_path) as site:
        life = site.centre.start()
        site.fill("box-0", 5)
        site.boxes["box-0"].start()
        site.settle()
        life.stop()
        wait_until(lambda: "centre_offline" in site.boxes["box-0"].text(), "the box holds")
        site.fill("box-0", 30)
        time.sleep(1)
        assert site.waiting("box-0") == 30
        assert site.tried("box-0") == 5, "sent although the centre said that it is away"
        site.centre.start()
        site.settle()
        assert site.balance() == INTACT


def test_a_centre_that_never_was_does_not_lose_what_was_sent(tmp_path: Path) -> None:
    with SyncSite(tmp_path) as site:
        site.fill("box-0", 30)
        site.boxes["box-0"].start()
        wait_until(lambda: "no_subscribers" in site.boxes["box-0"].text(), "the box has noticed")
        site.centre.start()
        site.settle()
        assert site.balance() == INTACT


@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("seed", "cycles"), [(1, 6), pytest.param(2, 200, marks=pytest.mark.slow)])
def test_anything_dies_at_any_time(seed: int, cycles: int, tmp_path: Path) -> None:
    """kill -9, SIGSTOP and restarts of broker, centre and boxes in an order fixed by the seed."""
    chance = random.Random(seed)
    with SyncSite(tmp_path, boxes=2, every=0.05) as site:
        site.centre.start()
        for name in site.names:
            site.boxes[name].start()
        for _ in range(cycles):
            time.sleep(chance.uniform(0.05, 0.6))
            hurt(site, chance)
        for name in site.names:
            site.boxes[name].kill()
        site.stop_producing()
        site.settle(patience_s=120)
        made = sum(len(site.produced(name)) for name in site.names)
        print(f"\nseed {seed}: {cycles} faults, {made} results, {len(site.at_the_centre())} rows at the centre")
        assert site.balance() == INTACT


def hurt(site: SyncSite, chance: random.Random) -> None:
    """One fault, healed before the next."""
    kind = chance.choice(["broker", "broker_pause", "centre", "centre_pause", "centre_point", "box", "box_pause"])
    name = chance.choice(site.names)
    if kind == "broker":
        site.broker.kill()
        time.sleep(chance.uniform(0, 0.5))
        site.broker.start()
    elif kind in ("centre", "centre_point"):
        site.centre.stop()
        point = chance.choice(["central.before_commit", "central.after_commit", "central.after_ack"])
        site.centre.start(point if kind == "centre_point" else "", die_after=chance.randint(2, 8))
    elif kind == "box":
        site.restart_box(name)
    else:
        child = {"broker_pause": site.broker, "centre_pause": site.centre.child}.get(kind, site.boxes[name])
        assert child is not None
        child.pause()
        time.sleep(chance.uniform(0.1, 1.5))
        child.resume()
        if not site.centre.alive:
            site.centre.start()
