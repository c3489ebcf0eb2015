"""The processes that read and judge: a pool that survives whatever an image does to one of them.

pebble kills a job at its time limit and reports a crash as an exception; the standard library's pool breaks.
``spawn``, because threads and libraries of the agent must not leak into a worker.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pebble import ProcessExpired, ProcessPool

from capture.errors import Bug, QcError
from capture.text import Bilingual
from cloud_sync.kit.confined import limit_of
from edge.content.chosen import Chosen
from edge.pipeline.loaded import Due, start, take_up, warm_up
from edge.pipeline.on_trial import Trial, run_trial
from edge.pipeline.set_job import SetJob
from edge.pipeline.trial_places import TrialPlaces
from edge.pipeline.work import Group, Job, Outcome, run_group, run_job, run_set
from edge.settings import WorkerSettings

if TYPE_CHECKING:
    from edge.content.loading import Account

T = TypeVar("T")
J = TypeVar("J", Job, SetJob, Group)
A = TypeVar("A")
_WARM_S = 120.0
"""Seconds that new workers may take until they are ready."""
_DRAIN_S = 180.0
"""Seconds after which workers that were replaced are ended, whatever they do; no case may take longer."""
_LOADING_S = 20.0
"""Seconds to load content beside what is there: in a worker that takes it up, or with the first case it judges."""
_TRIAL = 0.3
"""Of the time limit, what may be spent under content that is not proven, in processor time: what hangs there is
judged by the content before, and so much earlier."""
_UNCLEAR = 0.1
"""Of the time limit, after which it is unclear whether a case ends at all."""
_COMES_S = 5.0
"""Seconds until a worker judges that starts in place of one that ended; 2 to 4 were measured on two busy cores."""
_AGAIN_S = 0.1
"""Seconds until workers are asked again, when one of them was at a case."""


class Unready(Exception):
    """New workers did not become ready: their content stops them before the first image."""


@dataclass(frozen=True, slots=True)
class _Crew:
    """Processes with the same content."""

    pool: ProcessPool
    due: Due
    """What those load that start in place of one that ended."""
    loaded: Chosen
    chosen: Chosen
    """The same content; in the meantime more of it may have been proven."""
    account: Account | None = None

    async def run(self, work: Callable[[A], T], job: A, seconds: float | None) -> T:
        try:
            running = self.pool.schedule(work, args=(job,), timeout=seconds)
        except RuntimeError as error:
            raise Bug(
                "worker.pool",
                Bilingual("判定进程池已停止", "The pool of workers has stopped"),
                Bilingual(
                    "程序会自动重启；若反复出现请报告", "The agent starts again by itself; report it if it stays"
                ),
            ) from error
        try:
            outcome: T = await asyncio.wrap_future(running)
        except ProcessExpired as error:
            if limit_of(error.exitcode) == "time":
                raise TimeoutError from error
            raise
        return outcome

    def leave(self) -> None:
        """Let it finish what it has, then end it. One that never was ready has nothing."""
        if self.account is not None:
            self.pool.close()  # type: ignore[no-untyped-call]  # pebble has types for the rest
            with suppress(TimeoutError):
                self.pool.join(_DRAIN_S)
        self.stop()

    def stop(self) -> None:
        """End it now."""
        self.pool.stop()  # type: ignore[no-untyped-call]
        self.pool.join()


class Workers:
    """A pool of judging processes, that changes its content between two cases: other rules are taken up by the
    processes that there are, other networks come with new ones."""

    def __init__(
        self, settings: WorkerSettings, chosen: Chosen, suspect: Callable[[Chosen], None] = lambda chosen: None
    ) -> None:
        """``suspect`` is told when an image was too much under content that is not proven, and was judged without
        it: then it was not the image."""
        self._settings = settings
        self._suspect = suspect
        self._crew = self._make(chosen)
        self._leaving: dict[asyncio.Task[None], _Crew] = {}
        self._places = TrialPlaces(settings.count, _UNCLEAR * settings.seconds)
        self._patient = False
        """Images here take long with any content: what is not proven has as long as what is."""

    @property
    def chosen(self) -> Chosen:
        """What judges now."""
        return self._crew.chosen

    async def ready(self) -> Account:
        """Wait until the workers have verified and loaded their content, and judged a picture of nothing.

        Raises:
            Unready: they end or hang before that.
            QcError: even what ships does not load.
        """
        account = await self._warm(self._crew)
        self._crew = replace(self._crew, account=account)
        return account

    async def switch(self, chosen: Chosen) -> Account:
        """Judge with this from the next case on. Those in work end as they began; nobody waits meanwhile.

        Raises as :meth:`ready`; then everything stays as it was.
        """
        before = self._crew
        if before.account is not None and chosen.settled == before.chosen.settled:
            self._crew = replace(before, chosen=chosen)
            return before.account
        account = await self._take_up(before, chosen)
        if account is not None:
            before.due.chosen = chosen
            self._crew = replace(before, loaded=chosen, chosen=chosen, account=account)
            return account
        crew = self._make(chosen)
        account = await self._warm(crew)
        before, self._crew = self._crew, replace(crew, account=account)
        leaving = asyncio.create_task(asyncio.to_thread(before.leave))
        self._leaving[leaving] = before
        leaving.add_done_callback(self._leaving.pop)
        return account

    async def judge(self, job: Job) -> Outcome:
        """Judge one case.

        Raises:
            TimeoutError: it took too long; the worker was killed.
            pebble.ProcessExpired: the worker died.
            MemoryError: it wanted more than its limit.
            SetAside, OSError: as :func:`capture.dicom.reader.read`.
            Bug: there is no pool any more, which is no image's fault.
        """
        whole = None if job.no_pixels is None else replace(job, no_pixels=None)
        return await self._run(run_job, job, self._settings.seconds, whole)

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
        """Judge several cases in one go, within the time of one. None for those that must be judged singly.

        Raises as :meth:`judge`; then none of them is judged.
        """
        return await self._run(run_group, Group(tuple(jobs)), self._settings.seconds)

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
        """Judge a set from its records. Raises as :meth:`judge`, and ValueError where a record is damaged."""
        whole = None if job.with_pixels else job
        return await self._run(run_set, job, seconds, whole)

    async def _run(self, work: Callable[[J], T], job: J, seconds: float, whole: J | None = None) -> T:
        """``whole``: the job as it was, where this one goes without pixels because they were thought to blame."""
        if self._crew.chosen.is_steady:
            return await self._first(work, job, seconds, whole)
        async with self._places.one() as place:
            chosen = self._crew.chosen
            if place or chosen.is_steady:
                return await self._first(work, job, seconds, whole)
        outcome, _ = await self._by_the_proven(work, job, chosen, seconds)
        return outcome

    async def _first(self, work: Callable[[J], T], job: J, seconds: float, whole: J | None) -> T:
        """By what is in force, and if that does not do, by what is proven."""
        crew = self._crew
        unproven = not crew.chosen.is_steady
        limit = _TRIAL * seconds if unproven and not self._patient else None
        trial = Trial(work, replace(job, content=crew.loaded), limit)
        try:
            outcome, _ = await crew.run(run_trial, trial, seconds)
        except Exception as error:
            doubted = crew.chosen if unproven else None if whole is None else crew.chosen.doubted()
            if doubted is None or not _may_be_the_content(error):
                raise
            if _cost_a_worker(error):
                self._places.lost(_COMES_S)
        else:
            return outcome
        # It may have been the content: an image must not be judged less well for what is only being tried.
        outcome, cpu_s = await self._by_the_proven(work, whole or job, doubted, seconds)
        if limit is not None and cpu_s > limit / 2:
            self._patient = True
        else:
            self._suspect(doubted)
        return outcome

    async def _by_the_proven(
        self, work: Callable[[J], T], job: J, chosen: Chosen, seconds: float
    ) -> tuple[T, float]:
        """By what judged before anything of this that is not proven; and the processor time that it took."""
        before = Trial(work, replace(job, content=chosen.steady()), seconds)
        return await self._crew.run(run_trial, before, seconds + _LOADING_S)

    def _make(self, chosen: Chosen) -> _Crew:
        settings, due = self._settings, Due(chosen)
        pool = ProcessPool(
            max_workers=settings.count,
            max_tasks=settings.recycle_after,
            initializer=start,
            initargs=(os.getpid(), settings.memory_mb, due),
            context=multiprocessing.get_context("spawn"),
        )
        return _Crew(pool, due, chosen, chosen)

    async def _take_up(self, crew: _Crew, chosen: Chosen) -> Account | None:
        """Have every worker of a crew load other content beside what it judges with. None: it takes new ones."""
        if crew.account is None:
            return None
        done: dict[int, Account] = {}
        try:
            async with asyncio.timeout(_WARM_S):
                while len(done) < self._settings.count:
                    # One that is at a case answers when it has finished it; one that is ready, again and at once.
                    asked = (
                        crew.run(take_up, chosen, _LOADING_S) for _ in range(self._settings.count - len(done))
                    )
                    for said in await asyncio.gather(*asked):
                        if said.account is None:
                            return None
                        done[said.worker] = said.account
                    if len(done) < self._settings.count:
                        await asyncio.sleep(_AGAIN_S)
        except (TimeoutError, ProcessExpired, MemoryError):
            # Whether it can be run at all, new workers will show; these go on with what they have.
            return None
        return next(iter(done.values()))

    async def _warm(self, crew: _Crew) -> Account:
        try:
            async with asyncio.timeout(_WARM_S):
                warm = (crew.run(warm_up, crew.chosen, None) for _ in range(self._settings.count))
                accounts = await asyncio.gather(*warm)
        except BaseException as error:
            await asyncio.to_thread(crew.stop)
            if isinstance(error, TimeoutError | ProcessExpired):
                raise Unready from error
            raise
        return accounts[0]

    def close(self) -> None:
        """End the workers now. What they were judging is judged again after the next start."""
        for crew in (self._crew, *self._leaving.values()):
            crew.stop()


def _may_be_the_content(error: Exception) -> bool:
    """A file that is not there, or is no image, is not. (pebble's errors and TimeoutError are an OSError, too.)"""
    return _cost_a_worker(error) or not isinstance(error, QcError | OSError)


def _cost_a_worker(error: Exception) -> bool:
    return isinstance(error, TimeoutError | ProcessExpired)
