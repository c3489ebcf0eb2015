"""The headers' own counts: what is whole, what is short, and what contradicts itself so that nothing is said."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pydicom
import pytest

from capture.dicom.options import ReadOptions
from capture.dicom.reader import read
from models.measurement import Reason
from models.reporting import Missing
from models.sets.header_count import HeaderCount, Time, header_count, missing_times
from tests.factories import arrival_of

PYDICOM = Path(pydicom.__file__).parent / "data" / "test_files"


def times(*images: int, announced: int | None = None, said: int | None = None) -> list[Time]:
    """One time after another, with so many images each."""
    return [
        Time(count, f"{at}a", f"{at}z", at, announced or len(images), said)
        for at, count in enumerate(images, 1)
        if count
    ]


def test_a_series_that_is_not_dynamic_is_counted_by_its_images() -> None:
    assert header_count([Time(30)]) == HeaderCount(30)
    assert header_count([Time(29, in_acquisition=30)]) == HeaderCount(29, 30, is_short=True)
    assert header_count([Time(30, in_acquisition=30)]) == HeaderCount(30, 30, is_all=True)
    assert header_count([Time(1, in_acquisition=1)]) == HeaderCount(1, 1), "a single image is no series yet"


@pytest.mark.parametrize("stated", [60, 20])
def test_the_count_of_the_series_and_that_of_each_time_mean_the_same(stated: int) -> None:
    assert header_count(times(20, 20, 20, said=stated)) == HeaderCount(60, 60, is_all=True)
    assert header_count(times(20, 20, 19, said=stated)) == HeaderCount(59, 60, is_short=True)
    assert header_count(times(20, 20, announced=3, said=stated)) == HeaderCount(40, 60, is_short=True)


def test_the_first_time_of_many_is_not_all_of_them() -> None:
    assert not header_count(times(20, announced=3, said=20)).is_all


def test_without_a_count_times_that_came_as_a_whole_are_all() -> None:
    assert header_count(times(20, 20, 20)) == HeaderCount(60, is_all=True)
    assert header_count(times(20, 20, 7)) == HeaderCount(47, is_short=True)
    assert header_count(times(20, 0, 20)) == HeaderCount(40, is_short=True)


def test_times_that_come_slice_by_slice_are_not_all_after_the_first_slices() -> None:
    woven = [Time(2, f"0{at}", f"1{at}", at, 3) for at in (1, 2, 3)]
    assert header_count(woven) == HeaderCount(6)
    assert header_count(times(1, 1, 1)) == HeaderCount(3), "one slice, or the first of many"


@pytest.mark.parametrize(
    "of",
    [
        [Time(20, "a", "b", 1, 3), Time(20, "c", "d", 2, 4)],
        [Time(20, "a", "b", 1, 2), Time(20, "c", "d", 3, 2)],
        [Time(20, "a", "b", 1, 2), Time(20, "c", "d", None, 2)],
        [Time(20, "a", "b", 1, 1), Time(20, "c", "d", 2, 1)],
        [Time(20, "a", "b", 1, 2), Time(20, "c", "d", None, None)],
    ],
)
def test_times_that_contradict_one_another_say_nothing(of: list[Time]) -> None:
    missing = missing_times(of)
    assert isinstance(missing, Missing) and missing.reason is Reason.NOT_RELIABLE
    assert header_count(of) == HeaderCount(40, contradicts=True)


def test_a_count_that_is_neither_of_the_series_nor_of_a_time_says_nothing() -> None:
    assert header_count(times(20, 20, 20, said=7)) == HeaderCount(60, contradicts=True)


def test_missing_times_are_named() -> None:
    assert missing_times(times(20, 0, 20, 0)) == (2, 4)
    assert missing_times(times(20, 20)) == ()


def test_what_cannot_be_told_of_times_has_its_reason() -> None:
    def reason(*of: Time) -> Reason | None:
        missing = missing_times(of)
        return missing.reason if isinstance(missing, Missing) else None

    assert reason(Time(20)) is Reason.NOT_APPLICABLE
    assert reason(Time(20, number=1, announced=1)) is Reason.NOT_APPLICABLE
    assert reason(Time(20, announced=3)) is Reason.NOT_IN_HEADER
    assert reason(Time(20, number=2, announced=3)) is Reason.NOT_RELIABLE, "each may be a series of its own"


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("MR2", HeaderCount(3, 3, is_all=True)),
        ("MR700", HeaderCount(7, 12, is_short=True)),
    ],
)
def test_real_series_of_pydicom(folder: str, expected: HeaderCount) -> None:
    """Philips: one time and a count that all have come of; a series of which seven of twelve are there."""
    series: dict[str, Counter[tuple[int | None, ...]]] = defaultdict(Counter)
    for path in sorted((PYDICOM / "dicomdirtests" / "98892003" / folder).iterdir()):
        one = read(path, arrival_of(path), ReadOptions(max_pixels=0))
        exam = one.exam
        said = exam.TemporalPositionIdentifier, exam.NumberOfTemporalPositions, exam.ImagesInAcquisition
        series[one.identity.SeriesInstanceUID or ""][said] += 1
    counts = [
        header_count([Time(images, "", "", *said) for said, images in times.items()]) for times in series.values()
    ]
    assert expected in counts
