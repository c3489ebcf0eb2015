"""What a worker does with one case: read, measure, judge, draw. Callable in any process."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from capture.acquisition import Acquisition, NoPixels
from capture.arrival import Arrival
from capture.order import Order
from edge.content.chosen import FACTORY, Chosen
from edge.pipeline.loaded import content_of, give_back
from edge.pipeline.set_job import SetJob, judge_records
from edge.store.blobs import Laid, lay
from edge.store.devices import device_key
from edge.store.persons import person_key
from edge.store.sets import Kept
from models.circumstances import Circumstances
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.rules.verdict import Timing, Verdict

if TYPE_CHECKING:
    from capture.dicom.options import ReadOptions
    from models.baseline import Known
    from models.sets.image_set import Slice
    from models.sets.producer import SliceMeasure


@dataclass(frozen=True, slots=True)
class Job:
    """One case for a worker."""

    path: Path
    arrival: Arrival
    circumstances: Circumstances
    default_charset: str
    no_pixels: str | None = None
    """Leave the pixels alone and say this code of NO_PIXELS: they cost a worker its life before."""
    content: Chosen = FACTORY
    """What judges it: the workers write it in."""
    baselines: tuple[Known, ...] = ()
    """Of the devices it may come from."""
    confirmed: Mapping[str, str] = field(default_factory=dict)
    """What a person said of the fields of a screen, by keyword."""
    orders: tuple[Order, ...] | None = None
    """What the worklist has; None: no worklist is connected."""
    room: Path | None = None
    """Where preview and record are laid; None: they come with the outcome."""


@dataclass(frozen=True, slots=True)
class Group:
    """Cases that one worker judges in one go; one at least."""

    jobs: tuple[Job, ...]
    content: Chosen = FACTORY
    """What judges them all."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker found. Small enough to send between processes: the pixels stay behind."""

    acquisition: Acquisition
    circumstances: Circumstances
    facts: tuple[Measured, ...]
    verdict: Verdict
    """Its timings are those of read, measure, rules and preview; producers' own are named after them."""
    preview: bytes | Laid | None
    shadow: Verdict | None = None
    """What the packs on trial say."""
    kept: Kept | None = None
    """Of an image that belongs to a series."""
    record: bytes | Laid | None = None
    """What is kept of it; of images that were judged together, one record for each series."""


def run_job(job: Job) -> Outcome:
    """Read, measure, judge, draw: the whole of a worker's work, callable in any process."""
    (outcome,) = _with_files([_judged(job)], job.room)
    return outcome


def run_group(group: Group) -> tuple[Outcome | None, ...]:
    """:func:`run_job` of many. One that fails is None: judged by itself, it says why."""
    done: list[tuple[Outcome, tuple[Slice, ...]] | None] = []
    for job in group.jobs:
        try:
            done.append(_judged(replace(job, content=group.content)))
        except Exception:  # noqa: BLE001 - it must not cost the others their verdict
            done.append(None)
    finished = iter(_with_files([one for one in done if one is not None], group.jobs[0].room))
    return tuple(None if one is None else next(finished) for one in done)


def run_set(job: SetJob) -> Outcome:
    """Judge a set, callable in any process."""
    clock = _Stopwatch()
    acquisition, circumstances, judgement, picture = judge_records(job, content_of(job.content), clock.lap)
    give_back()
    return Outcome(
        acquisition=acquisition,
        circumstances=circumstances,
        facts=tuple(tidy(judgement.measurements)),
        verdict=replace(judgement.verdict, timings=clock.timings(judgement.verdict.timings)),
        preview=picture,
        shadow=judgement.shadow,
    )


def _with_files(done: Sequence[tuple[Outcome, tuple[Slice, ...]]], room: Path | None) -> list[Outcome]:
    """One record for the slices of each series: a few large files instead of hundreds of small ones."""
    from models.sets.record import dump

    of_series: dict[str | None, list[Slice]] = defaultdict(list)
    for outcome, slices in done:
        of_series[outcome.acquisition.identity.SeriesInstanceUID].extend(slices)
    records = {series: _apart(dump(slices), room) for series, slices in of_series.items() if slices}
    return [
        replace(
            outcome,
            preview=_apart(outcome.preview, room),
            record=records[outcome.acquisition.identity.SeriesInstanceUID] if slices else None,
        )
        for outcome, slices in done
    ]


def _apart(content: bytes | Laid | None, room: Path | None) -> bytes | Laid | None:
    """Laid where the agent finds it, if there is such a place."""
    return lay(room, content) if room is not None and isinstance(content, bytes) else content


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
        person_key=person_key(acquisition.identity.OperatorsName),
        baselines=applying(job.baselines, key, like),
        ordered=None if job.orders is None else matched(acquisition.identity, job.orders),
    )
    judgement = judge(acquisition, content_of(job.content), circumstances)
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
    exam = acquisition.exam
    times = exam.TemporalPositionIdentifier, exam.NumberOfTemporalPositions
    return Kept(max(len(slices), 1), why, exam.ImagesInAcquisition, None, None, *times), slices


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
