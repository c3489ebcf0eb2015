"""study.*, drl.*: sequences, reconstructions, dose of a whole study and the levels it is compared with."""

from __future__ import annotations

import pytest

from capture.acquisition import DoseEvent, DoseReport
from models.measurement import Reason
from models.sets.dose import latest, level_of, levels, tables
from tests.unit.models.sets.slices import CT, MR, facts_at, said, stack, with_fields

SOFT = with_fields(CT, ConvolutionKernel=("B31f",), SeriesDescription="CHEST soft", SeriesNumber=3)


def scan(key: str, ctdivol: float = 8.0, dlp: float | None = 300.0, kind: str = "Spiral Acquisition") -> DoseEvent:
    return DoseEvent("ct", key, CTDIvol_mGy=ctdivol, DLP_mGy_cm=dlp, phantom_cm=32, acquisition_type=kind)


def test_sequences_of_a_brain_are_named_and_a_map_counts_though_it_is_derived() -> None:
    dwi = with_fields(MR, SeriesDescription="ep2d_diff", DiffusionBValue=1000.0)
    adc = with_fields(MR, SeriesDescription="ep2d_diff_ADC", ImageType=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"))
    measured = facts_at("study", stack(MR), stack(dwi), stack(adc))
    assert said("study.weightings", measured) == ("ADC", "DWI", "T2") and said("study.has_adc", measured) is True
    assert said("study.judged_series", measured) == 2 and said("study.weightings_known", measured) is True
    assert said("study.b_values", measured) == ("1000",)
    odd = with_fields(MR, SeriesDescription="bold", ScanningSequence=("EP",))
    assert said("study.weightings_known", facts_at("study", stack(MR), stack(odd))) is Reason.NOT_RELIABLE


def test_both_reconstructions_of_a_chest_are_seen() -> None:
    measured = facts_at("study", stack(CT), stack(SOFT))
    assert said("study.reconstructions", measured) == ("lung", "soft") and said("study.parts", measured) == (
        "CHEST",
    )
    assert said("study.thinnest_mm", measured) == 5.0 and said("study.has_contrast", measured) is False
    given = with_fields(SOFT, ContrastBolusAgent="Iohexol")
    assert said("study.phases_named", facts_at("study", stack(CT), stack(given))) is False
    named = with_fields(given, SeriesDescription="CHEST 动脉期")
    assert said("study.phases_named", facts_at("study", stack(CT), stack(named))) is True


def test_a_series_is_no_study_and_a_study_of_mr_has_no_dose() -> None:
    assert said("study.series", facts_at("study", stack(MR))) == 1
    assert said("study.dlp_mGy_cm", facts_at("study", stack(MR))) is Reason.NOT_APPLICABLE


def test_reports_that_repeat_the_scans_before_are_not_added() -> None:
    first, second = DoseReport((scan("a"),), 300.0), DoseReport((scan("a"), scan("b", dlp=400.0)), 700.0)
    assert latest([first, second]) == [second]
    measured = facts_at("study", stack(CT), reports=[first, second])
    assert said("study.dlp_mGy_cm", measured) == 700.0 and said("study.dose_reports", measured) == 1
    later = DoseReport((scan("c", dlp=100.0),), 100.0)
    assert said("study.dlp_mGy_cm", facts_at("study", stack(CT), reports=[second, later])) == 800.0


def test_a_topogram_is_no_scan_and_a_silent_scan_leaves_no_sum() -> None:
    scout = scan("s", ctdivol=90.0, dlp=2.0, kind="Constant Angle Acquisition")
    measured = facts_at("study", stack(CT), reports=[DoseReport((scout, scan("a")))])
    assert said("study.ctdivol_mGy", measured) == 8.0 and said("study.dlp_mGy_cm", measured) == 302.0
    silent = facts_at("study", stack(CT), reports=[DoseReport((scan("a"), scan("b", dlp=None)))])
    assert said("study.dlp_mGy_cm", silent) is Reason.NOT_IN_HEADER


def test_images_and_report_agree_on_ctdivol_or_not() -> None:
    assert (
        said("study.ctdivol_agrees", facts_at("study", stack(CT), reports=[DoseReport((scan("a", 8.2),))])) is True
    )
    assert (
        said("study.ctdivol_agrees", facts_at("study", stack(CT), reports=[DoseReport((scan("a", 20.0),))]))
        is False
    )
    assert said("study.ctdivol_mGy", facts_at("study", stack(CT))) == 8.0
    assert said("study.dlp_mGy_cm", facts_at("study", stack(CT))) is Reason.NOT_CONNECTED


@pytest.mark.parametrize(
    ("table", "part", "age", "ctdivol", "dlp"),
    [
        ("wst637", "HEAD", 50, 60.0, 860.0),
        ("wst637", "CHEST", 50, 15.0, 470.0),
        ("wst637", "CHEST", 12, 5.4, 176.0),
        ("wst637", "HEAD", 0, 25.0, 402.0),
        ("eu", "CHEST", 16, 10.0, 400.0),
        ("eu", "HEAD", 3, 40.0, 505.0),
        ("acr", "HEAD", 80, 56.0, 962.0),
    ],
)
def test_levels_by_part_and_age(table: str, part: str, age: float, ctdivol: float, dlp: float) -> None:
    level = level_of(table, part, age)
    assert level is not None and (level["ctdivol"], level["dlp"]) == (ctdivol, dlp)


@pytest.mark.parametrize(
    ("table", "part", "age"), [("eu", "CHEST", 5), ("acr", "HEAD", 5), ("wst637", "KNEE", 50)]
)
def test_what_a_table_does_not_have_is_not_made_up(table: str, part: str, age: float) -> None:
    assert level_of(table, part, age) is None


def test_levels_of_a_study_are_those_of_one_part_or_none() -> None:
    one, several = levels(["CHEST"], 50.0), levels(["CHEST", "HEAD"], 50.0)
    assert one["drl.eu_ctdivol_mGy"] == 10.0 and one["drl.phantom_cm"] == 32
    assert not any(isinstance(answer, float) for answer in several.values())
    assert set(tables()) == {"wst637", "eu", "acr"}
