"""Dispatch: takes waiting cases one by one, has them judged, and stores what came out in one transaction."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar

import structlog
from pebble import ProcessExpired
from sqlalchemy import Connection

from capture.errors import QcError, Retry, SetAside
from capture.text import Bilingual
from edge.clock import now_ms, synced
from edge.pipeline.outcome import Stored, store_outcome, store_set_aside
from edge.pipeline.patience import patiently
from edge.pipeline.workers import Job, Outcome
from edge.services import Services
from edge.settings import SiteSettings
from edge.store import cases
from edge.store.cases import Case
from models.circumstances import Circumstances, SharedMark
from models.rules.verdict import Timing

T = TypeVar("T")
log = structlog.get_logger()

MOST_ATTEMPTS = 8
"""Claims of one case without an outcome, over restarts of the agent, before a person must look."""
LOOK = Bilingual(
    "由人查看原图；升级后重新发送即可再判", "Look at the image itself; sent again, it is judged again"
)
_IDLE_S = 1.0
_FAREWELL_S = 0.5


class Judging(Protocol):
    """What dispatch needs of the workers."""

    async def judge(self, job: Job) -> Outcome:
        """See :meth:`edge.pipeline.workers.Workers.judge`."""
        ...


class _Lost(Exception):
    """An image was too much for a worker. ``code`` is the reason that its pixels then have (NO_PIXELS)."""

    def __init__(self, code: str, *, died: bool) -> None:
        super().__init__(code)
        self.code = code
        self.died = died


class Dispatch:
    """``slots`` cases are in work at once: one more than there are workers, so that none waits for the disk."""

    def __init__(
        self, services: Services, workers: Judging, slots: int, at: Callable[[str], None] = lambda step: None
    ) -> None:
        self._services = services
        self._workers = workers
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
            case = await self._write(lambda connection: cases.claim(connection, now_ms()), stop)
            if case is None:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._work.wait(), _IDLE_S)
                continue
            self._at("dispatch.claimed")
            await self.bring_to_an_end(case, stop)

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
        circumstances = self._circumstances(case)
        while True:
            outcome = await self._outcome(case, circumstances, stop)
            if outcome is None:
                return None
            self._at("dispatch.judged")
            stored = await self._store(case, outcome, started, stop)
            if stored is None or stored.alert_id is not None:
                return stored
            # An image of this UID with other bytes was stored in the meantime: judge again, knowing that.
            circumstances = replace(circumstances, same_uid_other_bytes=True)

    async def _outcome(self, case: Case, circumstances: Circumstances, stop: asyncio.Event) -> Outcome | None:
        """From the workers, with one more try without pixels when they cost a worker its life.

        None when everything ends: then the image was not to blame, and is judged after the next start.

        Raises:
            SetAside: the object cannot be read, or even its header stops a worker.
            Retry: the disk does not give the bytes.
        """
        settings = self._services.settings
        job = Job(
            self._services.blobs.path(case.arrival.sha256),
            case.arrival,
            circumstances,
            settings.site.default_charset,
            content=settings.content,
        )
        try:
            return await self._attempt(job)
        except _Lost as lost:
            self._note(case, lost)
            if lost.died and await _ending(stop):
                return None
            job = replace(job, no_pixels=lost.code)
        try:
            return await self._attempt(job)
        except _Lost as again:
            self._note(case, again)
            text = Bilingual("判定进程两次中止", "It ended a worker twice, the second time without pixels")
            raise SetAside("worker.lost", text, LOOK) from again

    async def _attempt(self, job: Job) -> Outcome:
        try:
            return await self._workers.judge(job)
        except TimeoutError as error:
            raise _Lost("too_slow", died=True) from error
        except MemoryError as error:
            raise _Lost("too_large", died=False) from error
        except ProcessExpired as error:
            raise _Lost("decode_failed", died=True) from error
        except FileNotFoundError as error:
            raise SetAside(
                "blob.missing", Bilingual("图像文件已不在盒中", "The image file is no longer here"), LOOK
            ) from error
        except OSError as error:
            raise Retry(
                "blob.unreadable",
                Bilingual("图像文件读取失败", "The image file cannot be read"),
                Bilingual("检查磁盘健康", "Check the disk's health"),
            ) from error
        except QcError:
            raise
        except Exception as error:  # one odd image must not end the agent
            raise _Lost("decode_failed", died=False) from error

    def _note(self, case: Case, lost: _Lost) -> None:
        if lost.died:
            self._services.metrics.worker_restarts.inc()
            log.warning("worker.restarted", case=case.id, reason=lost.code)
        else:
            log.error("worker.failed", case=case.id, reason=lost.code, exc_info=lost.__cause__)

    async def _store(self, case: Case, outcome: Outcome, started: int, stop: asyncio.Event) -> Stored | None:
        before = time.perf_counter()
        preview = outcome.preview
        put = self._services.blobs.put_bytes
        preview_sha256 = None if preview is None else await patiently(lambda: put(preview), stop)
        waited = Timing("wait", max(0, started - case.arrival.received_at))
        outcome = replace(outcome, verdict=replace(outcome.verdict, timings=(waited, *outcome.verdict.timings)))
        stored = await self._write(
            lambda connection: store_outcome(connection, self._services, case, outcome, preview_sha256), stop
        )
        if stored is not None and stored.alert_id is not None:
            self._services.metrics.stages(outcome.verdict.timings)
            self._services.metrics.stage("store", (time.perf_counter() - before) * 1000)
            self._services.metrics.stage("total", max(0, now_ms() - case.arrival.received_at))
        return stored

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


async def _ending(stop: asyncio.Event) -> bool:
    """Whether the agent was asked to end; who asked may have reached a worker first."""
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), _FAREWELL_S)
    return stop.is_set()


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
