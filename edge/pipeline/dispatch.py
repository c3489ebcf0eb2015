"""Dispatch: takes waiting cases one by one, has them judged, and stores what came out in one transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from capture.errors import Bug, Retry, SetAside
from capture.text import Bilingual
from edge.clock import now_ms, synced
from edge.pausing import pause
from edge.pipeline.attempts import LOOK, Attempts
from edge.pipeline.hearing import quiet_of
from edge.pipeline.outcome import Files, Stored, store_outcome, store_set, store_set_aside
from edge.pipeline.patience import patiently
from edge.pipeline.set_job import SetJob, set_job
from edge.pipeline.work import Job, Outcome
from edge.services import Services
from edge.settings import SiteSettings
from edge.store import cases, sets
from edge.store.baselines import kept, named, sent_by
from edge.store.cases import Case
from edge.store.confirmed import confirmed
from edge.store.sets import Visit
from models.baseline import Known
from models.circumstances import Circumstances, SharedMark
from models.rules.verdict import Timing

T = TypeVar("T")
log = structlog.get_logger()

MOST_ATTEMPTS = 8
"""Claims of one case without an outcome, over restarts of the agent, before a person must look."""
_IDLE_S = 1.0


class Judging(Protocol):
    """What dispatch needs of :class:`edge.pipeline.workers.Workers`."""

    async def judge(self, job: Job) -> Outcome: ...

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]: ...

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome: ...


class Dispatch:
    """``slots`` cases are in work at once: one more than there are workers, so that none waits for the disk."""

    def __init__(
        self,
        services: Services,
        workers: Judging,
        slots: int,
        at: Callable[[str], None] = lambda step: None,
        all_since: Callable[[], int] = now_ms,
    ) -> None:
        """``all_since``: see :func:`edge.store.cases.claim`."""
        self._services = services
        self._workers = workers
        self._attempts = Attempts(services.metrics)
        self._quiet = quiet_of(services.settings.sets)
        self._all_since = all_since
        self._slots = slots
        self._at = at
        self._work = asyncio.Event()

    def wake(self) -> None:
        """There is something to do."""
        self._work.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop`` is set; cases in work are brought to their end."""
        async with asyncio.TaskGroup() as slots:
            for _ in range(self._slots):
                slots.create_task(self._slot(stop))

    async def _slot(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._work.clear()
            claimed = await self._write(self._claim, stop)
            if not claimed:
                await pause(self._work, _IDLE_S)
                continue
            self._at("dispatch.claimed")
            if len(claimed) > 1:
                await self._together(claimed, stop)
            else:
                await self.bring_to_an_end(claimed[0], stop)

    def _claim(self, connection: Connection) -> list[Case]:
        now = now_ms()
        first = cases.claim(connection, now, self._all_since())
        if first is None:
            return []
        most = self._services.settings.sets.together - 1
        return [first, *cases.claim_alike(connection, first, now, most)]

    async def bring_to_an_end(self, case: Case, stop: asyncio.Event) -> None:
        """Judge a claimed case and store the outcome, or why there is none."""
        started = now_ms()
        try:
            if case.attempts > MOST_ATTEMPTS:
                text = Bilingual("多次判定均未完成", "It was tried many times without an outcome")
                raise SetAside("case.no_outcome", text, LOOK)
            stored = await self._judge(case, started, stop)
        except Retry as error:
            return await self._release(case, error, stop)
        except SetAside as error:
            stored = await self._set_aside(case, error, stop)
        if stored is not None:
            self._tell(case, stored)

    async def _judge(self, case: Case, started: int, stop: asyncio.Event) -> Stored | None:
        if case.kind in cases.SETS:
            return await self._judge_set(case, started, stop)
        circumstances = self._circumstances(case)
        ae = case.arrival.calling_ae
        # Which device it is, its header will say.
        known = await self._services.db.aread(lambda connection: kept(connection, sent_by(ae)))
        while True:
            outcome = await self._outcome(case, circumstances, known, stop)
            if outcome is None:
                return None
            self._at("dispatch.judged")
            stored = await self._store([(case, outcome)], started, stop)
            if stored is None or stored[0].alert_id is not None:
                return None if stored is None else stored[0]
            # An image of this UID with other bytes was stored in the meantime: judge again, knowing that.
            circumstances = replace(circumstances, same_uid_other_bytes=True)

    async def _outcome(
        self, case: Case, circumstances: Circumstances, known: tuple[Known, ...], stop: asyncio.Event
    ) -> Outcome | None:
        job = replace(self._job(case, circumstances), baselines=known, confirmed=await self._confirmed(case))
        return await self._attempts.twice(
            case.id, lambda why: self._workers.judge(replace(job, no_pixels=why)), stop
        )

    async def _confirmed(self, case: Case) -> Mapping[str, str]:
        if case.kind != "frame":
            return {}
        return await self._services.db.aread(lambda connection: confirmed(connection, case.id))

    def _job(self, case: Case, circumstances: Circumstances) -> Job:
        services = self._services
        path, settings = services.blobs.path(case.arrival.digest), services.settings
        charset = settings.site.default_charset
        orders = services.worklist.orders
        return Job(path, case.arrival, circumstances, charset, orders=orders, room=services.blobs.room)

    async def _together(self, claimed: Sequence[Case], stop: asyncio.Event) -> None:
        """Slices that waited beside each other: one job, one transaction. What goes wrong is tried singly."""
        started = now_ms()
        try:
            jobs = [self._job(case, self._circumstances(case)) for case in claimed]
            outcomes = await self._workers.judge_together(jobs)
        except Bug:
            raise
        except Exception:  # noqa: BLE001 - which of them it was, and why, is seen when each is judged by itself
            outcomes = (None,) * len(claimed)
        self._at("dispatch.judged")
        done = [(case, outcome) for case, outcome in zip(claimed, outcomes, strict=True) if outcome is not None]
        stored = await self._store(done, started, stop) if done else []
        if stored is None:
            return
        told = {case.id: one for (case, _), one in zip(done, stored, strict=True) if one.alert_id is not None}
        for case in claimed:
            if case.id in told:
                self._tell(case, told[case.id])
            else:
                await self.bring_to_an_end(case, stop)

    async def _judge_set(self, case: Case, started: int, stop: asyncio.Event) -> Stored | None:
        services = self._services
        content = await services.db.aread(lambda connection: sets.content(connection, case.id))
        if not content.records:
            text = Bilingual("没有一幅图像留有记录", "Nothing was kept of any of its images")
            raise SetAside("set.no_records", text, LOOK)
        circumstances = replace(self._circumstances(case), device_key=content.device_key)
        known = await services.db.aread(lambda connection: kept(connection, named(content.device_key)))
        job = set_job(content, circumstances, known, services.blobs, services.settings)
        seconds = services.settings.sets.seconds

        def attempt(why: str | None) -> Awaitable[Outcome]:
            return self._workers.judge_set(job if why is None else replace(job, with_pixels=False), seconds)

        outcome = await self._attempts.twice(case.id, attempt, stop)
        if outcome is None:
            return None
        self._at("dispatch.judged")
        (files,) = await self._files([outcome], stop) or (None,)
        if files is None:
            return None
        outcome = _with_wait(outcome, started, case)
        stored = await self._write(lambda c: store_set(c, services, case, content, outcome, files), stop)
        if stored is not None and stored.alert_id is not None:
            self._measure(case, outcome)
        return None if stored is None or stored.alert_id is None else stored

    async def _store(
        self, done: Sequence[tuple[Case, Outcome]], started: int, stop: asyncio.Event
    ) -> list[Stored] | None:
        before = time.perf_counter()
        files = await self._files([outcome for _, outcome in done], stop)
        if files is None:
            return None
        rows = [
            (case, _with_wait(outcome, started, case), kept)
            for (case, outcome), kept in zip(done, files, strict=True)
        ]
        stored = await self._write(lambda connection: self._rows(connection, rows), stop)
        for (case, outcome, _), one in zip(rows, stored or (), strict=False):
            if one.alert_id is not None:
                self._services.metrics.stage("store", (time.perf_counter() - before) * 1000 / len(rows))
                self._measure(case, outcome)
        return stored

    def _rows(self, connection: Connection, rows: Sequence[tuple[Case, Outcome, Files]]) -> list[Stored]:
        visit = Visit(connection, self._quiet, now_ms())
        stored = [store_outcome(connection, self._services, *row, visit) for row in rows]
        visit.close()
        return stored

    async def _files(self, outcomes: Sequence[Outcome], stop: asyncio.Event) -> list[Files] | None:
        """Previews and records on disk, synced together."""
        contents = [one for outcome in outcomes for one in (outcome.preview, outcome.record) if one is not None]
        put = await patiently(lambda: self._services.blobs.put_many(contents), stop)
        if put is None:
            return None
        names = iter(put)
        return [
            Files(*(None if one is None else next(names) for one in (outcome.preview, outcome.record)))
            for outcome in outcomes
        ]

    def _measure(self, case: Case, outcome: Outcome) -> None:
        self._services.metrics.stages(outcome.verdict.timings)
        self._services.metrics.stage("total", max(0, now_ms() - case.arrival.received_at))

    async def _set_aside(self, case: Case, error: SetAside, stop: asyncio.Event) -> Stored | None:
        circumstances = self._circumstances(case)
        return await self._write(
            lambda connection: store_set_aside(connection, self._services, case, circumstances, error), stop
        )

    async def _release(self, case: Case, error: Retry, stop: asyncio.Event) -> None:
        now = now_ms()
        due = now + min(2**case.attempts, cases.LONGEST_WAIT_S) * 1000
        await self._write(lambda connection: cases.release(connection, case.id, error, due, now), stop)
        log.warning("case.retried", case=case.id, code=error.code, attempt=case.attempts)

    def _tell(self, case: Case, stored: Stored) -> None:
        self._at("dispatch.stored")
        ms = max(0, now_ms() - case.arrival.received_at)
        self._services.metrics.cases.labels(stored.ended).inc()
        if stored.code is None:
            log.info(
                "case.judged", case=case.id, device=stored.device, grade=stored.grade, score=stored.score, ms=ms
            )
        else:
            log.warning("case.set_aside", case=case.id, code=stored.code, ms=ms)
        if stored.alert_id is not None:
            self._services.announcer.announce("alert", stored.alert_id)

    async def _write(self, fn: Callable[[Connection], T], stop: asyncio.Event) -> T | None:
        return await patiently(lambda: self._services.db.write(fn), stop)

    def _circumstances(self, case: Case) -> Circumstances:
        return circumstances_of(case, self._services.settings.site)


def _with_wait(outcome: Outcome, started: int, case: Case) -> Outcome:
    waited = Timing("wait", max(0, started - case.arrival.received_at))
    return replace(outcome, verdict=replace(outcome.verdict, timings=(waited, *outcome.verdict.timings)))


def circumstances_of(case: Case, site: SiteSettings) -> Circumstances:
    """What the box knows of a case before anybody has read it. The worker adds the device."""
    mark = site.shared_mark
    return Circumstances(
        received_at=case.arrival.received_at,
        calling_ae=case.arrival.calling_ae,
        shared_mark=None if mark is None else SharedMark(mark.keyword_or_tag, mark.pattern),
        timezone=site.timezone,
        same_uid_other_bytes=False,
        clock_synced=synced() is not False,
    )
