"""The processes that read and judge: a pool that survives whatever an image does to one of them.

pebble kills a job at its time limit and reports a crash as an exception; the standard library's pool breaks.
``spawn``, because threads and libraries of the agent must not leak into a worker.
"""

from __future__ import annotations

import asyncio
import ctypes
import math
import multiprocessing
import os
import resource
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pebble import ProcessPool

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Pixels, Technique
from capture.arrival import Arrival
from capture.errors import Bug
from capture.order import Order
from capture.text import Bilingual
from edge.pipeline.set_job import SetJob, judge_records
from edge.settings import ContentSettings, WorkerSettings
from edge.store.devices import device_key
from edge.store.sets import Kept
from models.circumstances import Circumstances
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.rules.verdict import Fingerprint, Timing, Verdict

if TYPE_CHECKING:
    from capture.dicom.options import ReadOptions
    from models.baseline import Known
    from models.judge import Content
    from models.sets.image_set import Slice
    from models.sets.producer import SliceMeasure

T = TypeVar("T")
J = TypeVar("J")


@dataclass(frozen=True, slots=True)
class Job:
    """One case for a worker."""

    path: Path
    arrival: Arrival
    circumstances: Circumstances
    default_charset: str
    no_pixels: str | None = None
    """Leave the pixels alone and say this code of NO_PIXELS: they cost a worker its life before."""
    content: ContentSettings = field(default_factory=ContentSettings)
    baselines: tuple[Known, ...] = ()
    """Of the devices it may come from."""
    confirmed: Mapping[str, str] = field(default_factory=dict)
    """What a person said of the fields of a screen, by keyword."""
    orders: tuple[Order, ...] | None = None
    """What the worklist has; None: no worklist is connected."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker found. Small enough to send between processes: the pixels stay behind."""

    acquisition: Acquisition
    circumstances: Circumstances
    facts: tuple[Measured, ...]
    verdict: Verdict
    """Its timings are those of read, measure, rules and preview; producers' own are named after them."""
    preview: bytes | None
    shadow: Verdict | None = None
    """What the packs on trial say."""
    kept: Kept | None = None
    """Of an image that belongs to a series."""
    record: bytes | None = None
    """What is kept of it; of images that were judged together, one record for each series."""


class Workers:
    """A pool of judging processes."""

    def __init__(self, settings: WorkerSettings, content: ContentSettings) -> None:
        self._seconds = settings.seconds
        self._content = content
        self._pool = ProcessPool(
            max_workers=settings.count,
            max_tasks=settings.recycle_after,
            initializer=_start,
            initargs=(os.getpid(), settings.memory_mb, content),
            context=multiprocessing.get_context("spawn"),
        )

    async def ready(self) -> tuple[Fingerprint, ...]:
        """Wait until a worker has loaded its content and judged a picture of nothing; return its packs.

        Raises:
            QcError: the content does not load.
        """
        packs: tuple[Fingerprint, ...] = await asyncio.wrap_future(
            self._pool.schedule(_warm_up, args=(self._content,))
        )
        return packs

    async def judge(self, job: Job) -> Outcome:
        """Judge one case.

        Raises:
            TimeoutError: it took too long; the worker was killed.
            pebble.ProcessExpired: the worker died.
            MemoryError: it wanted more than its limit.
            SetAside, OSError: as :func:`capture.dicom.reader.read`.
            Bug: there is no pool any more, which is no image's fault.
        """
        return await self._run(run_job, job, self._seconds)

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
        """Judge several cases in one go, within the time of one. None for those that must be judged singly.

        Raises as :meth:`judge`; then none of them is judged.
        """
        return await self._run(run_jobs, tuple(jobs), self._seconds)

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
        """Judge a set from its records. Raises as :meth:`judge`, and ValueError where a record is damaged."""
        return await self._run(run_set, job, seconds)

    async def _run(self, work: Callable[[J], T], job: J, seconds: float) -> T:
        try:
            running = self._pool.schedule(work, args=(job,), timeout=seconds)
        except RuntimeError as error:
            raise Bug(
                "worker.pool",
                Bilingual("判定进程池已停止", "The pool of workers has stopped"),
                Bilingual(
                    "程序会自动重启；若反复出现请报告", "The agent starts again by itself; report it if it stays"
                ),
            ) from error
        outcome: T = await asyncio.wrap_future(running)
        return outcome

    def close(self) -> None:
        """End the workers now. What they were judging is judged again after the next start."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble has types for the rest
        self._pool.join()


def run_job(job: Job) -> Outcome:
    """Read, measure, judge, draw: the whole of a worker's work, callable in any process."""
    (outcome,) = _with_records([_judged(job)])
    return outcome


def run_jobs(jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
    """:func:`run_job` of many. One that fails is None: judged by itself, it says why."""
    done: list[tuple[Outcome, tuple[Slice, ...]] | None] = []
    for job in jobs:
        try:
            done.append(_judged(job))
        except Exception:  # noqa: BLE001 - it must not cost the others their verdict
            done.append(None)
    finished = iter(_with_records([one for one in done if one is not None]))
    return tuple(None if one is None else next(finished) for one in done)


def run_set(job: SetJob) -> Outcome:
    """Judge a set, callable in any process."""
    clock = _Stopwatch()
    acquisition, circumstances, judgement, picture = judge_records(job, _content(job.content), clock.lap)
    return Outcome(
        acquisition=acquisition,
        circumstances=circumstances,
        facts=tuple(tidy(judgement.measurements)),
        verdict=replace(judgement.verdict, timings=clock.timings(judgement.verdict.timings)),
        preview=picture,
        shadow=judgement.shadow,
    )


def _with_records(done: Sequence[tuple[Outcome, tuple[Slice, ...]]]) -> list[Outcome]:
    """One record for the slices of each series: a few large files instead of hundreds of small ones."""
    from models.sets.record import dump

    of_series: dict[str | None, list[Slice]] = defaultdict(list)
    for outcome, slices in done:
        of_series[outcome.acquisition.identity.SeriesInstanceUID].extend(slices)
    records = {series: dump(slices) for series, slices in of_series.items() if slices}
    return [
        replace(outcome, record=records[outcome.acquisition.identity.SeriesInstanceUID]) if slices else outcome
        for outcome, slices in done
    ]


def _judged(job: Job) -> tuple[Outcome, tuple[Slice, ...]]:
    from capture.dicom.pixels import preview
    from capture.dicom.reader import ReadOptions
    from models.baseline import alike, applying
    from models.judge import judge
    from models.order import matched

    mark = job.circumstances.shared_mark
    options = ReadOptions(
        default_charset=job.default_charset, mark_tags=(mark.keyword_or_tag,) if mark is not None else ()
    )
    clock = _Stopwatch()
    acquisition = _read(job, options)
    clock.lap("read")
    key = device_key(acquisition.device, job.arrival.calling_ae)
    like = alike(acquisition.exam, acquisition.technique, acquisition.device)
    circumstances = replace(
        job.circumstances,
        device_key=key,
        baselines=applying(job.baselines, key, like),
        ordered=None if job.orders is None else matched(acquisition.identity, job.orders),
    )
    judgement = judge(acquisition, _content(job.content), circumstances)
    clock.lap("judge")
    picture = preview(acquisition)
    clock.lap("preview")
    kept, slices = _kept(job, acquisition, options)
    clock.lap("record")
    facts = tidy(judgement.measurements)
    outcome = Outcome(
        acquisition=replace(acquisition, pixels=NoPixels("too_large", "left in the worker")),
        circumstances=circumstances,
        # Of an image among hundreds, what was not measured is not listed: what a rule lacked is in its verdict.
        facts=tuple(facts if kept is None else (fact for fact in facts if isinstance(fact, Measurement))),
        verdict=replace(judgement.verdict, timings=clock.timings(judgement.verdict.timings)),
        preview=picture,
        shadow=judgement.shadow,
        kept=kept,
    )
    return outcome, slices


def _read(job: Job, options: ReadOptions) -> Acquisition:
    """By the kind of its arrival; without pixels where they cost a worker its life."""
    if job.arrival.kind == "frame":
        from capture.screen import acquire

        screen = acquire.read(job.path, job.arrival, job.confirmed)
        return screen if job.no_pixels is None else _without_pixels(screen, job.no_pixels)
    from capture.dicom.reader import read

    if job.no_pixels is None:
        return read(job.path, job.arrival, options)
    return _without_pixels(read(job.path, job.arrival, replace(options, max_pixels=0)), job.no_pixels)


def _kept(job: Job, acquisition: Acquisition, options: ReadOptions) -> tuple[Kept | None, tuple[Slice, ...]]:
    """What its series will need of this image."""
    from models.sets.membership import belongs_to_a_set, excluded

    if not belongs_to_a_set(acquisition):
        return None, ()
    why = excluded(acquisition)
    if acquisition.dose_report is not None:
        return Kept(0, why, dose_report=acquisition.dose_report), ()
    slices = _slices(job, acquisition, options)
    return Kept(max(len(slices), 1), why, acquisition.exam.ImagesInAcquisition), slices


def _slices(job: Job, acquisition: Acquisition, options: ReadOptions) -> tuple[Slice, ...]:
    """Empty where an odd object stops the record: its own verdict stands, and its series says what is missing."""
    from capture.dicom.every_frame import each_frame
    from models.sets.record import record_of

    try:
        frames = each_frame(job.path, acquisition, options) if job.no_pixels is None else (acquisition,)
        return record_of(frames, job.arrival.received_at, _measures())
    except Exception:  # noqa: BLE001 - as above
        return ()


def tidy(facts: Iterable[Measured]) -> Iterable[Measured]:
    """A number that is not finite is no measurement: no database and no message could hold it."""
    for fact in facts:
        if isinstance(fact, Measurement) and isinstance(fact.value, float) and not math.isfinite(fact.value):
            yield NotMeasured(fact.name, Reason.NOT_RELIABLE, "not a finite number")
        else:
            yield fact


class _Stopwatch:
    def __init__(self) -> None:
        self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = (now - self._last) * 1000
        self._last = now

    def timings(self, inner: tuple[Timing, ...]) -> tuple[Timing, ...]:
        """The stages, then what the judge says of its own parts (``rules`` and each producer)."""
        rules = sum(part.ms for part in inner if part.stage == "rules")
        stages = {
            "read": self._laps["read"],
            "measure": self._laps["judge"] - rules,
            "rules": rules,
            **{stage: ms for stage, ms in self._laps.items() if stage not in ("read", "judge")},
        }
        own = tuple(part for part in inner if part.stage != "rules")
        return tuple(Timing(stage, ms) for stage, ms in stages.items()) + own


def _without_pixels(acquisition: Acquisition, code: str) -> Acquisition:
    """An object that has no pixels anyway keeps its own reason."""
    if isinstance(acquisition.pixels, NoPixels) and acquisition.pixels.code != "too_large":
        return acquisition
    return replace(acquisition, pixels=NoPixels(code, "the first attempt did not end well"))


@cache
def _measures() -> tuple[SliceMeasure, ...]:
    from models.sets.producer import discover_slice_measures

    return discover_slice_measures()


@cache
def _content(settings: ContentSettings) -> Content:
    from models.judge import load_content

    return load_content(settings.packs, settings.bundles, settings.bundle_most, settings.trial)


def _start(agent: int, memory_mb: int, content: ContentSettings) -> None:
    """In each new worker: die with the agent, one thread, loaded content, then the memory limit."""
    _die_with_parent(agent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2

    cv2.setNumThreads(1)
    # A worker that ended here would be started again and again; the first job meets the same error and reports it.
    with suppress(Exception):
        _warm_up(content)
    # What the libraries map at start is not the image's doing: the limit counts from here.
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory_mb * 1024 * 1024,) * 2)


def _warm_up(settings: ContentSettings) -> tuple[Fingerprint, ...]:
    """Load content and networks and judge a picture of nothing, so that the first image does not wait for them."""
    import numpy as np

    from capture.dicom.pixels import preview
    from models.judge import judge

    grey = np.zeros((256, 256), np.float32)
    pixels = Pixels(grey, None, None, (0.0, 4095.0), (0.1, 0.1), "ImagerPixelSpacing", False, None, 0, 1)
    blank = Acquisition("", Identity(), Exam(Modality="DX"), Technique(), Device(), Display(256, 256), pixels)
    content = _content(settings)
    content.bundles.warm_up()
    judge(blank, content, Circumstances(received_at=0))
    preview(blank)
    return tuple(pack.fingerprint for pack in content.rules.packs)


def _die_with_parent(agent: int) -> None:
    """PR_SET_PDEATHSIG (prctl(2)): a killed agent leaves no worker behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != agent:
        os._exit(1)
