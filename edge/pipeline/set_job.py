"""A set for a worker: the records of its images, read and judged. Callable in any process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from capture.acquisition import Acquisition, Device, Display, DoseReport, Exam, NoPixels, Technique
from capture.keys import key_of
from edge.content.chosen import FACTORY, Chosen
from edge.settings import Settings
from edge.store.blobs import Blobs
from edge.store.sets import Content as SetContent
from models.circumstances import Circumstances
from models.sets.image_set import Completeness, ImageSet, Level, Series, Slice, SlicePixels

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
    content: Chosen = FACTORY
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
    from models.sets.latest import forget
    from models.sets.picture import picture_of

    images = images_of(job)
    lap("read")
    middle, around = middle_of(images), job.circumstances
    like = alike(middle.exam, middle.technique, middle.device)
    around = replace(around, baselines=applying(job.baselines, around.device_key, like))
    try:
        judgement = judge_set(images, content, around)
        lap("judge")
        picture = picture_of(images, judgement.measurements)
        lap("preview")
    finally:
        forget()
    return middle, around, judgement, picture


def warm_up(content: Content) -> None:
    """Judge a series of nothing and draw it, so that the first real one does not wait for what that loads."""
    from models.sets.judge import judge_set
    from models.sets.picture import picture_of

    grey = np.zeros((64, 64), np.int16)
    grey[16:48, 16:48] = 1000
    slices = tuple(
        Slice(
            f"{at}", 0, f"{at}", "", 0, Exam(Modality="CT"),
            Technique(ImagePositionPatient=(0.0, 0.0, 5.0 * at), ImageOrientationPatient=(1.0, 0, 0, 0, 1.0, 0)),
            Device(), Display(64, 64), SlicePixels(grey, 1.0, 0.0, (5.0, 5.0), 1),
        )
        for at in range(8)
    )  # fmt: skip
    images = ImageSet("series", (Series("", slices),), Completeness(True, "quiet"))
    picture_of(images, judge_set(images, content, Circumstances(received_at=0)).measurements)


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

    with path.open("rb") as file:
        # Views of the file: its pictures are not copied to be reduced at once.
        record = mmap(file.fileno(), 0, access=ACCESS_READ)
    for one in load(record):
        if one.arrival_id in wanted:
            yield one if with_pixels else without_pixels(one)


def without_pixels(one: Slice) -> Slice:
    """As a study has it. Its numbers are copied: they are views into the bytes of the whole record."""
    pixels = one.pixels if isinstance(one.pixels, NoPixels) else NoPixels("too_large", "judged by the headers")
    return replace(one, pixels=pixels, numbers={name: array.copy() for name, array in one.numbers.items()})
