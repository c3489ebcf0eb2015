"""Killed at its narrowest moments, by the broker, the centre or the box: nothing lost, doubled or invented.

Each scenario also runs on a mutant that is built wrong on purpose, and must notice (fleet-sync.md 11, M).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.centre_process import CRASH_POINTS
from tests.end_to_end.sync_site import INTACT, Balance, SyncSite
from tests.peers import wait_until

pytestmark = pytest.mark.real
BOX_CRASH_POINTS = ("link.published", "link.noted_sent", "link.ack_received", "link.ack_noted")


def die_at_the_centre(folder: Path, point: str, mutant: str = "") -> Balance:
    """Forty results; the centre dies twice at a crash point and comes back."""
    with SyncSite(folder, centre_mutant=mutant) as site:
        site.fill("box-0", 40)
        life = site.centre.start(point, die_after=2)
        site.boxes["box-0"].start()
        wait_until(lambda: not life.alive, f"the centre died at {point}")
        assert life.returncode == 86
        life = site.centre.start(point, die_after=1)
        if site.waiting("box-0"):
            wait_until(lambda: not life.alive or not site.waiting("box-0"), "the centre died again")
        site.centre.stop()
        site.centre.start()
        site.settle()
        return site.balance()


def forget_at_the_broker(folder: Path, mutant: str = "") -> Balance:
    """A centre that is stopped in mid-flight while the broker, queue limit 10, says Success to all; then the
    broker is killed with what it had."""
    with SyncSite(folder, box_mutant=mutant) as site:
        site.fill("box-0", 400)
        life = site.centre.start()
        wait_until(lambda: "link.connected" in life.text(), "the broker knows the centre")
        life.pause()
        site.boxes["box-0"].start()
        wait_until(lambda: "link.connected" in site.boxes["box-0"].text(), "the box is connected")
        if mutant:
            wait_until(lambda: site.waiting("box-0") < 400, "it has believed the broker")
        else:
            wait_until(lambda: site.tried("box-0") >= 18, "the window is full")
        site.broker.kill()
        site.centre.stop()
        site.broker.start()
        site.centre.start()
        site.settle()
        return site.balance()


@pytest.mark.parametrize("point", CRASH_POINTS)
def test_the_centre_dies_at(point: str, tmp_path: Path) -> None:
    assert die_at_the_centre(tmp_path, point) == INTACT


def test_the_broker_forgets(tmp_path: Path) -> None:
    assert forget_at_the_broker(tmp_path) == INTACT


@pytest.mark.parametrize("point", BOX_CRASH_POINTS)
def test_the_box_dies_at(point: str, tmp_path: Path) -> None:
    with SyncSite(tmp_path) as site:
        site.fill("box-0", 60)
        site.centre.start()
        for _ in range(2):
            site.restart_box("box-0", point, die_after=2)
            wait_until(lambda: not site.boxes["box-0"].alive or not site.waiting("box-0"), f"died at {point}")
        site.restart_box("box-0")
        site.settle()
        assert site.balance() == INTACT


def test_mutant_delete_on_puback_is_noticed(tmp_path: Path) -> None:
    assert forget_at_the_broker(tmp_path, "delete_on_puback").lost


def test_mutant_ack_before_commit_is_noticed(tmp_path: Path) -> None:
    assert die_at_the_centre(tmp_path, "central.before_commit", "ack_before_commit").lost


def test_mutant_no_unique_key_is_noticed(tmp_path: Path) -> None:
    assert die_at_the_centre(tmp_path, "central.after_commit", "no_unique_key").doubled
