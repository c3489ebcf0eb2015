"""Intake: any step may be the last before a crash, and the next start takes up where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from capture.spool import Spool
from edge.pipeline import states
from edge.pipeline.intake import Intake
from edge.store import cases
from edge.store.cases import TakenIn
from edge.store.schema import case
from edge.store.set_due import Quiet
from tests.peers import wait_until
from tests.unit.edge.box import Box, make_box


class Crash(BaseException):
    """Stands in for kill -9: nothing catches it on the way."""


class Boundary:
    """A crash hook that ends everything at one named step, once."""

    def __init__(self, step: str = "") -> None:
        self.step = step

    def __call__(self, step: str) -> None:
        if step == self.step:
            self.step = ""
            raise Crash(step)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path)
    yield made
    made.db.close()


def intake(box: Box, taken: list[TakenIn] | None = None, at: Boundary | None = None) -> Intake:
    def note(some: Sequence[TakenIn]) -> None:
        (taken if taken is not None else []).extend(some)

    services = box.services
    return Intake(
        box.spool, box.db, services.blobs, services.metrics, Quiet(15_000, 300_000), note, at or Boundary()
    )


async def run_until_empty(one: Intake, box: Box) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    await asyncio.to_thread(wait_until, lambda: task.done() or not box.spool.pending(1), "an empty spool")
    stop.set()
    await task


def rows(box: Box) -> list[tuple[str, str, str | None]]:
    query = select(case.c.id, case.c.state, case.c.same_as).order_by(case.c.id)
    return [(row.id, row.state, row.same_as) for row in box.db.read(lambda c: c.execute(query).all())]


async def test_an_object_becomes_a_case_and_a_blob(box: Box) -> None:
    arrival = box.receive(b"one")
    taken: list[TakenIn] = []
    await run_until_empty(intake(box, taken), box)
    assert rows(box) == [(arrival.id, "held", None)]
    assert box.services.blobs.path(arrival.digest).read_bytes() == b"one"
    assert [(one.arrival.id, one.outcome) for one in taken] == [(arrival.id, "held")]


async def test_the_same_bytes_again_are_a_duplicate(box: Box) -> None:
    first, second = box.receive(b"same", received_at=1000), box.receive(b"same", received_at=2000)
    await run_until_empty(intake(box), box)
    third = box.receive(b"same", received_at=3000)
    await run_until_empty(intake(box), box)
    assert rows(box) == [
        (first.id, "held", None),
        (second.id, "duplicate", first.id),
        (third.id, "duplicate", first.id),
    ]


async def test_sending_again_what_was_set_aside_has_it_judged_again(box: Box) -> None:
    arrival = box.receive(b"odd", received_at=1000)
    await run_until_empty(intake(box), box)
    box.db.write(lambda c: cases.claim(c, 1))
    box.db.write(lambda c: states.move(c, arrival.id, "judging", "set_aside", 2))
    again = box.receive(b"odd", received_at=2000)
    await run_until_empty(intake(box), box)
    assert rows(box) == [(arrival.id, "held", None), (again.id, "duplicate", arrival.id)]


@pytest.mark.parametrize("step", ["intake.linked", "intake.committed", "intake.acknowledged"])
async def test_a_crash_at_each_step_is_mended_by_the_next_start(box: Box, step: str) -> None:
    arrivals = [box.receive(b"one", received_at=1000), box.receive(b"two", received_at=2000)]
    stop = asyncio.Event()
    with pytest.raises(Crash):
        await intake(box, at=Boundary(step)).run(stop)
    await run_until_empty(intake(box), box)
    assert rows(box) == [(arrival.id, "held", None) for arrival in arrivals]
    assert all(box.services.blobs.has(arrival.digest) for arrival in arrivals)


async def test_a_crash_between_the_two_removals_is_mended(tmp_path: Path) -> None:
    """The record goes first: what is left is bytes without one, which the receiver's recovery removes."""
    box = make_box(tmp_path, Boundary("spool.half_acknowledged"))
    arrival = box.receive(b"one")
    with pytest.raises(Crash):
        await intake(box).run(asyncio.Event())
    box.spool.recover()
    await run_until_empty(intake(box), box)
    assert rows(box) == [(arrival.id, "held", None)]
    box.db.close()


async def test_a_record_that_a_power_cut_brought_back_changes_nothing(box: Box) -> None:
    arrival = box.receive(b"one")
    kept = {
        path: path.read_bytes() for folder in (box.spool.objects, box.spool.journal) for path in folder.iterdir()
    }
    await run_until_empty(intake(box), box)
    box.spool.close()
    for path, content in kept.items():
        path.write_bytes(content)
    again = Spool(box.spool.folder, box.spool.settings)
    again.recover()
    assert again.pending() == [arrival]
    await run_until_empty(intake(Box(box.services, again)), box)
    assert rows(box) == [(arrival.id, "held", None)]
    assert not list(box.spool.aside.iterdir())


async def test_an_entry_whose_bytes_the_disk_lost_is_a_case_all_the_same(box: Box) -> None:
    """Dispatch then finds no bytes and sets it aside, with an alert."""
    arrival = box.receive(b"one")
    box.spool.path(arrival).unlink()
    await run_until_empty(intake(box), box)
    assert rows(box) == [(arrival.id, "held", None)]
    assert not box.services.blobs.has(arrival.digest)


async def test_what_the_spool_put_aside_is_a_case_too(box: Box) -> None:
    arrival = box.receive(b"one")
    box.spool.set_aside(arrival, "spool.damaged", "short")
    (box.spool.aside / "unreadable.json").write_text("{}")
    one = intake(box)
    stop = asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    await asyncio.to_thread(wait_until, lambda: rows(box) == [(arrival.id, "held", None)], "a case")
    stop.set()
    await running


async def test_a_record_that_rotted_is_no_case_and_holds_nobody_up(box: Box) -> None:
    """A path made of it would end the agent, at every start. The receiver's next start has it from its bytes."""
    rotten, good = box.receive(b"one"), box.receive(b"two", received_at=5000)
    box.spool.close()
    for path in box.spool.journal.iterdir():
        path.write_bytes(path.read_bytes().replace(rotten.id.encode(), b"zz" + rotten.id[2:].encode()))
    again = Box(box.services, Spool(box.spool.folder, box.spool.settings))
    await run_until_empty(intake(again), again)
    assert rows(box) == [(good.id, "held", None)]
    restarted = Spool(box.spool.folder, box.spool.settings)
    restarted.recover()
    assert restarted.pending() == [rotten]


async def test_more_than_a_batch(box: Box) -> None:
    for number in range(70):
        box.receive(str(number).encode(), received_at=1000 + number)
    await run_until_empty(intake(box), box)
    assert [state for _, state, _ in rows(box)] == ["held"] * 70
