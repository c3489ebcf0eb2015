"""Files put together as the series and studies that they are of: one rule for every command on a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.acquisition import Acquisition, DoseReport
from capture.dicom.every_frame import each_frame
from capture.dicom.options import ReadOptions
from capture.dicom.reader import read
from capture.errors import QcError
from capture.keys import key_of
from edge.clock import now_ms
from edge.commands.judging import arrival_of
from models.sets.image_set import Series, Slice
from models.sets.membership import belongs_to_a_set, excluded
from models.sets.producer import SliceMeasure
from models.sets.record import record_of

_FULL = ReadOptions()


@dataclass(slots=True)
class OneSeries:
    """What came of one SeriesInstanceUID of a study."""

    key: str
    folder: Path
    number: int | None
    slices: list[Slice] = field(default_factory=list)
    counted: list[Slice] = field(default_factory=list)
    """Those that count for the series, not only for the study."""

    def judged(self) -> Series:
        """As it is judged: without localizers, derived images and what else says nothing of the series."""
        return Series(self.key, tuple(self.counted))

    def all(self) -> Series:
        """With those."""
        return Series(self.key, tuple(self.slices))


@dataclass(slots=True)
class OneStudy:
    """What came of one StudyInstanceUID."""

    folder: Path
    series: dict[str, OneSeries] = field(default_factory=dict)
    dose_reports: list[DoseReport] = field(default_factory=list)


@dataclass(slots=True)
class Gathered:
    """Studies in the order of their first file, and the files that cannot be read."""

    studies: dict[str, OneStudy] = field(default_factory=dict)
    unread: list[tuple[Path, QcError | OSError]] = field(default_factory=list)

    def series(self) -> Iterator[OneSeries]:
        """All of them, study by study."""
        for study in self.studies.values():
            yield from study.series.values()


def gather(files: Iterable[Path], measures: Sequence[SliceMeasure], options: ReadOptions = _FULL) -> Gathered:
    """CT and MR images and dose reports among these files; anything else that can be read is passed over."""
    found = Gathered()
    for path in files:
        try:
            _take(path, read(path, arrival_of(path, now_ms()), options), options, measures, found.studies)
        except (QcError, OSError) as error:
            found.unread.append((path, error))
    return found


def _take(
    path: Path,
    one: Acquisition,
    options: ReadOptions,
    measures: Sequence[SliceMeasure],
    studies: dict[str, OneStudy],
) -> None:
    if not belongs_to_a_set(one):
        return
    made = () if one.dose_report is not None else record_of(each_frame(path, one, options), now_ms(), measures)
    study = studies.setdefault(one.identity.StudyInstanceUID or "", OneStudy(path.parent))
    if one.dose_report is not None:
        study.dose_reports.append(one.dose_report)
        return
    uid = one.identity.SeriesInstanceUID or ""
    series = study.series.setdefault(uid, OneSeries(key_of(uid), path.parent, one.exam.SeriesNumber))
    series.slices.extend(made)
    if excluded(one) is None:
        series.counted.extend(made)
