"""``qcbox judge --series``: files judged as the series and studies that they make, without any service running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from edge.clock import now_ms
from edge.commands.gathering import OneStudy, gather
from edge.commands.judging import Judged, unreadable
from edge.pipeline.set_job import without_pixels
from edge.store.devices import device_key
from models.circumstances import Circumstances
from models.judge import Content
from models.sets.image_set import Completeness, ImageSet, Series
from models.sets.judge import judge_set
from models.sets.producer import discover_slice_measures


def judge_sets(files: Sequence[Path], content: Content) -> Iterator[Judged]:
    """Every series of CT and MR in these files, then every study; and the files that cannot be read.

    They are taken for whole: whoever judges a folder has put all of it there.
    """
    found = gather(files, discover_slice_measures())
    for path, error in found.unread:
        yield unreadable(path, error)
    unread = len(found.unread)
    whole = Completeness(unread == 0, "quiet" if unread == 0 else None, unread_images=unread)
    for study in found.studies.values():
        yield from _judged(study, content, whole)


def _judged(study: OneStudy, content: Content, whole: Completeness) -> Iterator[Judged]:
    for one in study.series.values():
        if one.counted:
            name = one.folder / f"series {'?' if one.number is None else one.number} ({len(one.counted)})"
            yield _verdict(name, ImageSet("series", (one.judged(),), whole), content)
    series = tuple(
        Series(one.key, tuple(without_pixels(frame) for frame in one.slices)) for one in study.series.values()
    )
    if series:
        name = study.folder / f"study ({len(series)})"
        yield _verdict(name, ImageSet("study", series, whole, tuple(study.dose_reports)), content)


def _verdict(name: Path, images: ImageSet, content: Content) -> Judged:
    device = images.slices[len(images.slices) // 2].device
    return Judged(name, judge_set(images, content, Circumstances(now_ms(), device_key=device_key(device, ""))))
