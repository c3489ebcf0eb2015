"""``qcbox judge --series``: files judged as the series and studies that they make, without any service running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.acquisition import Acquisition, DoseReport
from capture.dicom.every_frame import each_frame
from capture.dicom.reader import read
from capture.errors import QcError
from capture.keys import key_of
from edge.clock import now_ms
from edge.commands.judging import Judged, arrival_of, unreadable
from edge.pipeline.set_job import without_pixels
from edge.store.devices import device_key
from models.circumstances import Circumstances
from models.judge import Content
from models.sets.image_set import Completeness, ImageSet, Series, Slice
from models.sets.judge import judge_set
from models.sets.membership import belongs_to_a_set, excluded
from models.sets.producer import SliceMeasure, discover_slice_measures
from models.sets.record import record_of


@dataclass(slots=True)
class _Series:
    """What came of one SeriesInstanceUID."""

    folder: Path
    number: int | None
    slices: list[Slice] = field(default_factory=list)
    alone: list[Slice] = field(default_factory=list)
    """Those that count for the series, not only for the study."""


@dataclass(slots=True)
class _Study:
    folder: Path
    series: dict[str, _Series] = field(default_factory=dict)
    dose_reports: list[DoseReport] = field(default_factory=list)


def judge_sets(files: Sequence[Path], content: Content) -> Iterator[Judged]:
    """Every series of CT and MR in these files, then every study; and the files that cannot be read.

    They are taken for whole: whoever judges a folder has put all of it there.
    """
    measures = discover_slice_measures()
    studies: dict[str, _Study] = {}
    unread = 0
    for path in files:
        try:
            _take(path, read(path, arrival_of(path, now_ms())), studies, measures)
        except (QcError, OSError) as error:
            unread += 1
            yield unreadable(path, error)
    whole = Completeness(unread == 0, "quiet" if unread == 0 else None, unread_images=unread)
    for study in studies.values():
        yield from _judged(study, content, whole)


def _take(path: Path, one: Acquisition, studies: dict[str, _Study], measures: Sequence[SliceMeasure]) -> None:
    if not belongs_to_a_set(one):
        return
    study = studies.setdefault(one.identity.StudyInstanceUID or "", _Study(path.parent))
    if one.dose_report is not None:
        study.dose_reports.append(one.dose_report)
        return
    uid = one.identity.SeriesInstanceUID or ""
    series = study.series.setdefault(uid, _Series(path.parent, one.exam.SeriesNumber))
    made = record_of(each_frame(path, one), now_ms(), measures)
    series.slices.extend(made)
    if excluded(one) is None:
        series.alone.extend(made)


def _judged(study: _Study, content: Content, whole: Completeness) -> Iterator[Judged]:
    for uid, one in study.series.items():
        if one.alone:
            name = one.folder / f"series {'?' if one.number is None else one.number} ({len(one.alone)})"
            images = ImageSet("series", (Series(key_of(uid), tuple(one.alone)),), whole)
            yield _verdict(name, images, content)
    series = tuple(
        Series(key_of(uid), tuple(without_pixels(frame) for frame in one.slices))
        for uid, one in study.series.items()
    )
    if series:
        name = study.folder / f"study ({len(series)})"
        yield _verdict(name, ImageSet("study", series, whole, tuple(study.dose_reports)), content)


def _verdict(name: Path, images: ImageSet, content: Content) -> Judged:
    device = images.slices[len(images.slices) // 2].device
    return Judged(name, judge_set(images, content, Circumstances(now_ms(), device_key=device_key(device, ""))))
