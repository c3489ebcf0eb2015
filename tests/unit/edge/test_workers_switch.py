"""Real worker processes change their content between two cases."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import pytest_asyncio

from capture.errors import SetAside
from cloud_sync.updates.from_folder import FromFolder
from edge.clock import now_ms
from edge.content.chosen import FACTORY, Chosen, Held, Slot, package_path
from edge.content.trusting import root_path, trust_of
from edge.pipeline import workers as pool
from edge.pipeline.on_trial import Trial, run_trial
from edge.pipeline.work import Job, Outcome, run_job
from edge.pipeline.workers import Workers
from edge.settings import WorkerSettings
from models.bundles.door import DOOR
from models.circumstances import Circumstances
from models.content.package import pack_up
from tests.factories import arrival_of, dx, write
from tests.signed_content import Publisher, pack
from tests.unit.models.bundles import networks
from tests.unit.models.bundles.test_site_network import DOOR as DECLARED

SETTINGS = WorkerSettings(count=1, seconds=20)


@pytest.fixture
def back_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is on trial gets a place again as soon as a worker has ended under it."""
    monkeypatch.setattr(pool, "_COMES_S", 0)


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    return Publisher(tmp_path_factory.mktemp("content") / "repository")


def in_force(group: Publisher, *packages: bytes) -> Chosen:
    """Signed packages, on this box's disk and in force."""
    folder, way = group.folder.parent, FromFolder(group.folder)
    targets = [group.release(raw) for raw in packages]
    root_path(folder).write_bytes(group.group.pinned())
    trust = trust_of(folder)
    trust.refresh(way)
    slots = []
    for one in targets:
        trust.fetch(one, way, package_path(folder, one.sha256))
        slots.append(Slot(one.name, Held(one.name, one.version, one.sha256, one.length, now_ms())))
    return Chosen(folder, tuple(slots))


@pytest.fixture(scope="module")
def signed(group: Publisher) -> Chosen:
    """A signed pack in force, that every film with more than 1 kV fails."""
    return in_force(group, pack(most=1.0))


@pytest.fixture(scope="module")
def network(group: Publisher, signed: Chosen, tmp_path_factory: pytest.TempPathFactory) -> Chosen:
    """A signed network beside it."""
    folder = networks.write(tmp_path_factory.mktemp("network") / "two-maps")
    (folder / DOOR).write_text(DECLARED, encoding="utf-8")
    return replace(signed, slots=(*signed.slots, *in_force(group, pack_up(folder, "bundle")).slots))


@pytest.fixture
def film(tmp_path: Path) -> Job:
    path = write(dx(KVP=120.0), tmp_path / "film.dcm")
    return Job(path, arrival_of(path), Circumstances(received_at=0), "GB18030")


@pytest_asyncio.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(SETTINGS, FACTORY)
    yield made
    await asyncio.to_thread(made.close)


def by(outcome: Outcome) -> set[str]:
    return {used.sha256 for used in outcome.verdict.packs}


@pytest.mark.slow
async def test_rules_are_taken_up_by_the_workers_that_there_are_and_networks_by_new_ones(
    workers: Workers, film: Job, signed: Chosen, network: Chosen
) -> None:
    (slot,) = signed.slots
    assert slot.active is not None
    await workers.ready()
    crew = workers._crew
    switching = asyncio.create_task(workers.switch(signed))
    while not switching.done():
        outcome = await workers.judge(film)
        if not switching.done():
            assert slot.active.sha256 not in by(outcome)
    account = await switching
    assert slot.active.sha256 in {one.sha256 for one in account.running}
    outcome = await workers.judge(film)
    assert slot.active.sha256 in by(outcome)
    assert "Kvcheck.kv" in {found.rule_id for found in outcome.verdict.findings}
    await workers.switch(replace(signed, slots=(replace(slot, proven=False),)))
    assert workers._crew.pool is crew.pool and crew.due.chosen == signed

    switching, meanwhile = asyncio.create_task(workers.switch(network)), 0
    while not switching.done():
        assert slot.active.sha256 in by(await workers.judge(film))
        meanwhile += 1
    assert meanwhile > 1  # nobody waits for new workers
    assert {one.kind for one in (await switching).running if one.origin == "group"} == {"pack", "bundle"}
    assert workers._crew.pool is not crew.pool
    measured = {fact.name for fact in (await workers.judge(film)).facts}
    assert "x_two_maps.brightness" in measured
    await workers.switch(FACTORY)
    assert slot.active.sha256 not in by(await workers.judge(film))


@pytest.mark.slow
@pytest.mark.usefixtures("back_at_once")
async def test_what_dies_under_unproven_content_is_judged_by_what_was_before(film: Job, signed: Chosen) -> None:
    (slot,) = signed.slots
    unproven = replace(signed, slots=(replace(slot, proven=False),))
    suspected: list[Chosen] = []
    workers = Workers(SETTINGS, unproven, suspected.append)
    try:
        outcome = await workers._run(die_unless_steady, film, 20)
        assert outcome.verdict.packs
        assert suspected == [unproven]
        missing = replace(film, path=film.path.with_name("text.dcm"))
        missing.path.write_text("no DICOM")
        with pytest.raises(SetAside):
            await workers.judge(missing)
        assert len(suspected) == 1  # a bad object is not the content's doing
        outcome = await workers._run(hang_unless_steady, film, 3)
        assert outcome.verdict.packs
        assert suspected == [unproven, unproven]
    finally:
        await asyncio.to_thread(workers.close)


@pytest.mark.slow
@pytest.mark.usefixtures("back_at_once")
async def test_several_images_that_hang_at_once_under_unproven_content_hold_up_none_beside_them(
    film: Job, signed: Chosen
) -> None:
    (slot,) = signed.slots
    assert slot.active is not None
    suspected: list[Chosen] = []
    unproven = replace(signed, slots=(replace(slot, proven=False),))
    workers = Workers(WorkerSettings(count=2, seconds=5), unproven, suspected.append)
    judged: list[tuple[str, Outcome]] = []

    async def judge(name: str, work: Callable[[Job], Outcome]) -> None:
        judged.append((name, await workers._run(work, film, 60)))

    try:
        await workers.ready()
        hanging = [asyncio.create_task(judge("hangs", die_when_told_unless_steady)) for _ in range(3)]
        async with asyncio.timeout(30):
            await asyncio.gather(judge("beside", run_job), judge("beside", run_job))
            slices = await workers.judge_together([film, film])
        film.path.with_name("now").touch()
        await asyncio.gather(*hanging)
        assert [name for name, _ in judged].index("beside") < 4 and judged[-1][0] == "hangs"
        assert len(judged) == 5 and suspected == [unproven]
        for outcome in (*(one for _, one in judged), *slices):
            assert outcome is not None and outcome.verdict.packs
            assert slot.active.sha256 not in by(outcome)  # each says what judged it
        assert slot.active.sha256 in by(await workers.judge(film))  # what is unclear no more holds nothing back
    finally:
        await asyncio.to_thread(workers.close)


@dataclass
class Crew:
    """Judges by hand: of each case, what it comes to and the processor time that it took, or what it waits for."""

    chosen: Chosen
    comes_to: list[Exception | float | asyncio.Event]
    trials: list[Trial[Job, Job]] = field(default_factory=list)
    account: None = None

    @property
    def loaded(self) -> Chosen:
        return self.chosen

    async def run(self, work: object, trial: Trial[Job, Job], seconds: float) -> tuple[Job, float]:
        assert work is run_trial
        self.trials.append(trial)
        come = self.comes_to.pop(0)
        if isinstance(come, Exception):
            raise come
        if isinstance(come, asyncio.Event):
            await come.wait()
            return trial.job, 0.1
        return trial.job, come

    def stop(self) -> None:
        """Nothing runs."""


UNPROVEN = Chosen(None, (Slot("a", Held("a", 2, "2" * 64, 1, 20), Held("a", 1, "1" * 64, 1, 10), False),))


def by_hand(
    chosen: Chosen, *comes_to: Exception | float | asyncio.Event, count: int = 1, seconds: float = 10
) -> tuple[Workers, Crew, list[Chosen]]:
    suspected: list[Chosen] = []
    workers, crew = (
        Workers(WorkerSettings(count=count, seconds=seconds), chosen, suspected.append),
        Crew(chosen, [*comes_to]),
    )
    workers.close()
    workers._crew = crew  # type: ignore[assignment]
    return workers, crew, suspected


@pytest.mark.usefixtures("back_at_once")
async def test_images_that_take_as_long_with_any_content_have_the_usual_time(film: Job) -> None:
    workers, crew, suspected = by_hand(UNPROVEN, TimeoutError(), 4.0, TimeoutError(), 0.1, 0.1)
    await workers.judge(film)
    assert [trial.cpu_s for trial in crew.trials] == [3.0, 10]
    assert [trial.job.content for trial in crew.trials] == [UNPROVEN, UNPROVEN.steady()]
    assert not suspected
    await workers.judge(film)
    await workers.judge(film)
    assert [trial.cpu_s for trial in crew.trials[2:]] == [None, 10, None]
    assert suspected == [UNPROVEN]


async def test_slices_judged_together_have_no_more_time_under_unproven_content_than_one(film: Job) -> None:
    workers, crew, suspected = by_hand(UNPROVEN, TimeoutError(), 0.1)
    await workers.judge_together([film, film])
    assert [(trial.job.content, trial.cpu_s) for trial in crew.trials] == [(UNPROVEN, 3), (UNPROVEN.steady(), 10)]
    assert suspected == [UNPROVEN]


async def test_images_that_arrive_together_are_all_judged_by_what_is_on_trial(film: Job) -> None:
    answers = asyncio.Event()
    workers, crew, _ = by_hand(UNPROVEN, answers, 0.1, 0.1, count=2, seconds=100)
    together = [asyncio.create_task(workers.judge(film)) for _ in range(3)]
    await asyncio.sleep(0.05)
    assert len(crew.trials) == 1  # one worker is left for what is proven
    answers.set()
    await asyncio.gather(*together)
    assert [trial.job.content for trial in crew.trials] == [UNPROVEN] * 3


async def test_nobody_waits_for_one_of_which_it_is_unclear_whether_it_ends(film: Job) -> None:
    answers = asyncio.Event()
    workers, crew, suspected = by_hand(UNPROVEN, answers, 0.1, 0.1, 0.1, count=3, seconds=1)
    unclear = asyncio.create_task(workers.judge(film))
    await asyncio.sleep(0.2)
    await workers.judge(film)
    await workers.judge(film)
    assert not unclear.done()
    answers.set()
    await unclear
    await workers.judge(film)
    before = UNPROVEN.steady()
    assert [trial.job.content for trial in crew.trials] == [UNPROVEN, before, before, UNPROVEN]
    assert not suspected


async def test_what_comes_before_a_lost_worker_is_back_is_judged_by_what_is_proven(
    film: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_COMES_S", 0.2)
    workers, crew, _ = by_hand(UNPROVEN, TimeoutError(), 0.1, 0.1, 0.1, count=2)
    await workers.judge(film)
    await workers.judge(film)
    await asyncio.sleep(0.2)
    await workers.judge(film)
    before = UNPROVEN.steady()
    assert [trial.job.content for trial in crew.trials] == [UNPROVEN, before, before, UNPROVEN]


async def test_what_waited_is_judged_by_what_has_been_proven_meanwhile(film: Job) -> None:
    answers = asyncio.Event()
    workers, crew, _ = by_hand(UNPROVEN, answers, 0.1, count=2, seconds=1)
    unclear = asyncio.create_task(workers.judge(film))
    waits = asyncio.create_task(workers.judge(film))
    await asyncio.sleep(0)
    crew.chosen = UNPROVEN.settled
    await waits
    answers.set()
    await unclear
    assert [trial.job.content for trial in crew.trials] == [UNPROVEN, UNPROVEN.settled]


async def test_what_hangs_even_without_pixels_is_judged_by_what_was_before_the_newest(film: Job) -> None:
    old = Slot("a", Held("a", 1, "1" * 64, 1, 10))
    new = Slot("b", Held("b", 2, "2" * 64, 1, 20), Held("b", 1, "3" * 64, 1, 5))
    proven = Chosen(None, (old, new))
    workers, crew, suspected = by_hand(proven, TimeoutError(), TimeoutError(), 0.1, TimeoutError(), TimeoutError())
    with pytest.raises(TimeoutError):
        await workers.judge(film)  # as yet it may be the pixels
    blind = replace(film, no_pixels="too_slow")
    await workers.judge(blind)
    assert crew.trials[-1].job == replace(film, content=Chosen(None, (old, Slot("b", new.previous))))
    assert [one.suspects() for one in suspected] == [("2" * 64,)]
    with pytest.raises(TimeoutError):
        await workers.judge(blind)  # it is the image
    assert len(suspected) == 1


async def test_what_ships_is_never_doubted(film: Job) -> None:
    workers, crew, suspected = by_hand(FACTORY, TimeoutError())
    with pytest.raises(TimeoutError):
        await workers.judge(replace(film, no_pixels="too_slow"))
    assert (len(crew.trials), suspected) == (1, [])


def hang_unless_steady(job: Job) -> Outcome:
    """What a rule without end does to its worker."""
    if not job.content.is_steady:
        hashlib.pbkdf2_hmac("sha256", b"", b"", 1 << 30)
    return run_job(job)


def die_when_told_unless_steady(job: Job) -> Outcome:
    """What hangs for as long as the test wants it to."""
    while not job.content.is_steady:
        if job.path.with_name("now").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
    return run_job(job)


def die_unless_steady(job: Job) -> Outcome:
    """What a network that crashes does to its worker."""
    if not job.content.is_steady:
        os.kill(os.getpid(), signal.SIGKILL)
    return run_job(job)
