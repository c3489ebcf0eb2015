"""A set for a worker: the records of its images, read and judged. Callable in any process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from capture.acquisition import Acquisition, DoseReport, NoPixels
from capture.keys import key_of
from edge.settings import ContentSettings, Settings
from edge.store.blobs import Blobs
from edge.store.sets import Content as SetContent
from models.circumstances import Circumstances
from models.sets.image_set import Completeness, ImageSet, Level, Series, Slice

if TYPE_CHECKING:
    from models.baseline import Known
    from models.judge import Content, Judgement

_SHARE = 1 / 5
"""Of a worker's memory that the pictures of a set may take: as float32 they take twice that once more."""


@dataclass(frozen=True, slots=True)
class SetJob:
    """One set for a worker."""

    level: Level
    records: tuple[tuple[str, Path, frozenset[str]], ...]
    """SeriesInstanceUID, a file of records, and the ids of the arrivals in it that belong to the set."""
    completeness: Completeness
    dose_reports: tuple[DoseReport, ...]
    circumstances: Circumstances
    with_pixels: bool = True
    """False for a study, and where the pictures would not fit into memory: then the headers must do."""
    content: ContentSettings = field(default_factory=ContentSettings)
    baselines: tuple[Known, ...] = ()
    """Of its device."""


def set_job(
    content: SetContent, circumstances: Circumstances, known: tuple[Known, ...], blobs: Blobs, settings: Settings
) -> SetJob:
    """The job for a set as it stood when it was claimed."""
    files: dict[tuple[str, str], set[str]] = {}
    for uid, case_id, sha256 in content.records:
        files.setdefault((uid, sha256), set()).add(case_id)
    records = tuple((uid, blobs.path(sha256), frozenset(wanted)) for (uid, sha256), wanted in files.items())
    size = sum(path.stat().st_size for path in {path for _, path, _ in records} if path.is_file())
    return SetJob(
        content.level,
        records,
        content.completeness,
        content.dose_reports,
        circumstances,
        with_pixels=content.level == "series" and size <= (settings.workers.memory_mb << 20) * _SHARE,
        content=settings.content,
        baselines=known,
    )


def judge_records(
    job: SetJob, content: Content, lap: Callable[[str], None]
) -> tuple[Acquisition, Circumstances, Judgement, bytes | None]:
    """The middle image without its pixels, what it was judged by, the judgement, and the picture of the set.

    Raises:
        ValueError: a record is damaged, or there is none.
        OSError: a record cannot be read.
    """
    from models.baseline import alike, applying
    from models.sets.judge import judge_set, middle_of
    from models.sets.picture import picture_of

    images = images_of(job)
    lap("read")
    middle, around = middle_of(images), job.circumstances
    like = alike(middle.exam, middle.technique, middle.device)
    around = replace(around, baselines=applying(job.baselines, around.device_key, like))
    judgement = judge_set(images, content, around)
    lap("judge")
    picture = picture_of(images, judgement.measurements)
    lap("preview")
    return middle, around, judgement, picture


def images_of(job: SetJob) -> ImageSet:
    """The set as its producers see it: the series in the order in which they began."""
    series: dict[str, list[Slice]] = {}
    for uid, path, wanted in job.records:
        series.setdefault(uid, []).extend(_slices(path, wanted, job.with_pixels))
    return ImageSet(
        level=job.level,
        series=tuple(
            Series(key_of(uid), tuple(sorted(slices, key=lambda one: (one.arrival_id, one.frame))))
            for uid, slices in series.items()
        ),
        completeness=job.completeness,
        dose_reports=job.dose_reports,
    )


def _slices(path: Path, wanted: frozenset[str], with_pixels: bool) -> Iterator[Slice]:
    from models.sets.record import load

    for one in load(path.read_bytes()):
        if one.arrival_id in wanted:
            yield one if with_pixels else without_pixels(one)


def without_pixels(one: Slice) -> Slice:
    """As a study has it. Its numbers are copied: they are views into the bytes of the whole record."""
    pixels = one.pixels if isinstance(one.pixels, NoPixels) else NoPixels("too_large", "judged by the headers")
    return replace(one, pixels=pixels, numbers={name: array.copy() for name, array in one.numbers.items()})
