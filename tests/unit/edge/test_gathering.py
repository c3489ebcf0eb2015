"""A folder becomes series and studies by one rule, for judging and for protocols."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.dicom.options import ReadOptions
from edge.commands.gathering import gather
from edge.commands.protocol import series_facts
from tests.factories import ct_dose_report, dx, mr, uid, write

LOCALIZER = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An MR study: three slices, one a localizer, and a series of localizers alone; a film beside."""
    for number in (1, 2):
        write(mr(number=number), tmp_path / f"{number}")
    write(mr(number=3, ImageType=LOCALIZER), tmp_path / "3")
    write(mr(number=4, ImageType=LOCALIZER, SeriesNumber=0, SeriesInstanceUID=uid("scout")), tmp_path / "4")
    write(ct_dose_report(), tmp_path / "dose")
    write(dx(), tmp_path / "film")
    return tmp_path


def test_what_counts_for_its_series_and_what_only_for_its_study(folder: Path) -> None:
    found = gather(sorted(folder.iterdir()), ())
    series = list(found.series())
    assert [(len(one.counted), len(one.slices)) for one in series] == [(2, 3), (0, 1)]
    assert [len(study.dose_reports) for study in found.studies.values()] == [0, 1]
    assert not found.unread


def test_a_file_that_cannot_be_read_is_named_and_leaves_no_series_behind(folder: Path) -> None:
    torn = folder / "torn"
    torn.write_bytes(b"DICM no more")
    found = gather([torn, folder / "1"], (), ReadOptions(max_pixels=0))
    assert [path for path, _ in found.unread] == [torn] and len(list(found.series())) == 1


def test_a_protocol_sees_the_slices_that_are_judged(folder: Path) -> None:
    scout, brain = series_facts(folder)
    assert brain.number("series.slices") == 2
    assert scout.text("series.set_aside") == "localizer"
