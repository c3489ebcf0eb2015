"""Baselines: what a number is compared with, how it is learned, and when it moved."""

from __future__ import annotations

from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest

from capture.acquisition import Device, Exam, Technique
from models.baseline import (
    FIRST,
    LAST,
    LEAST,
    PRODUCERS,
    RECENT,
    Alike,
    Comparison,
    Known,
    Lesson,
    alike,
    applying,
    drift,
    drifted,
    learned,
    lessons,
    spread,
    teaches,
)
from models.catalogue import catalogue
from models.circumstances import Baseline, Circumstances
from models.measurement import Mark, Measured, Measurement, Measurements, NotMeasured, Reason
from models.producer import Subject
from models.rules.verdict import Grade, Verdict
from tests.unit.edge.console.stage import off_centre
from tests.unit.models.acquisitions import CHEST

NOISE = "noise.two_scale_sigma"


def usual(count: int = 100, median: float = 10.0, sigma: float = 1.0) -> list[float]:
    """A normal distribution without chance: its quantiles."""
    return [NormalDist(median, sigma).inv_cdf((one + 0.5) / count) for one in range(count)]


def compared(*facts: Measured, baselines: tuple[Baseline, ...] = ()) -> Measurements:
    around = Circumstances(received_at=0, baselines=baselines)
    return Measurements(PRODUCERS[0].measure(Subject(CHEST, around, Measurements(facts))))


def test_a_robust_z_is_that_of_a_normal_distribution_and_outliers_do_not_move_it() -> None:
    made = learned(NOISE, usual(LAST))
    z = compared(Measurement(NOISE, 13.0), baselines=(made,)).number("baseline.noise_z")
    assert z == pytest.approx(3.0, abs=0.02)
    spoilt = learned(NOISE, [*usual(LAST - 20), *[500.0] * 20])
    z = compared(Measurement(NOISE, 13.0), baselines=(spoilt,)).number("baseline.noise_z")
    assert z == pytest.approx(2.6, abs=0.2)


def test_only_the_latest_count() -> None:
    assert learned(NOISE, [1000.0] * 500 + [5.0] * LAST) == Baseline(NOISE, 5.0, 0.0, LAST)
    assert learned(NOISE, []) == Baseline(NOISE, 0.0, 0.0, 0)


def test_what_never_varies_has_a_floor_and_what_is_always_zero_compares_with_nothing() -> None:
    steady = learned(NOISE, [50.0] * LEAST)
    assert spread(steady) == pytest.approx(1.0)
    assert compared(Measurement(NOISE, 51.0), baselines=(steady,)).number("baseline.noise_z") == pytest.approx(1)
    silent = compared(Measurement(NOISE, 1.0), baselines=(learned(NOISE, [0.0] * LEAST),))
    assert silent.get("baseline.noise_z") == NotMeasured(
        "baseline.noise_z", Reason.NOT_RELIABLE, "the baseline is 0"
    )


@pytest.mark.parametrize("count", [0, 1, LEAST - 1])
def test_until_it_is_learned_it_says_how_far_it_is(count: int) -> None:
    known = (learned(NOISE, usual(count)),) if count else ()
    found = compared(Measurement(NOISE, 10.0), baselines=known).get("baseline.noise_z")
    assert found == NotMeasured("baseline.noise_z", Reason.NO_BASELINE, f"{count} of {LEAST}")


def test_nothing_is_compared_with_what_another_version_measured() -> None:
    made = replace(learned(NOISE, usual(LAST)), producer="noise/1")
    same, other = Measurement(NOISE, 30.0, producer="noise/1"), Measurement(NOISE, 30.0, producer="noise/2")
    assert isinstance(compared(same, baselines=(made,)).get("baseline.noise_z"), Measurement)
    found = compared(other, baselines=(made,)).get("baseline.noise_z")
    assert found == NotMeasured("baseline.noise_z", Reason.NO_BASELINE, f"0 of {LEAST}")
    given = replace(made, producer="")
    assert isinstance(compared(other, baselines=(given,)).get("baseline.noise_z"), Measurement)


def test_a_factor_is_of_the_median_and_marks_and_doubt_go_along() -> None:
    mark = Mark("line", "grid", ((0.0, 0.0), (1.0, 1.0)))
    grid = learned("artefact.grid_peak_ratio", [2.0] * LEAST)
    fact = Measurement("artefact.grid_peak_ratio", 14.0, confidence=0.7, marks=(mark,))
    found = compared(fact, baselines=(grid,)).get("baseline.grid_peak_factor")
    assert found == Measurement("baseline.grid_peak_factor", 7.0, "1", PRODUCERS[0].name, 0.7, (), (mark,))


def test_what_was_not_measured_passes_its_own_reason_on() -> None:
    found = compared(NotMeasured(NOISE, Reason.NO_PIXELS, "truncated"), baselines=(learned(NOISE, usual()),))
    assert found.get("baseline.noise_z") == NotMeasured("baseline.noise_z", Reason.NO_PIXELS, "truncated")
    text = compared(Measurement(NOISE, "loud"), baselines=(learned(NOISE, usual()),)).get("baseline.noise_z")
    assert isinstance(text, NotMeasured) and text.reason is Reason.FAILED


def test_each_modality_is_compared_with_its_own_kind() -> None:
    ct = alike(
        Exam(Modality="CT", BodyPartExamined="CHEST", ProtocolName=" Thorax\troutine "),
        Technique(ConvolutionKernel=("B31f", "2"), SliceThickness=1.5, KVP=120),
        Device(SoftwareVersions=("VA1", "b"), DetectorID="D1"),
    )
    assert ct == Alike("CT", "CHEST", "", "Thoraxroutine", "B31f/2 1.5 mm", "VA1\\b", "D1")
    coil = Technique(ReceiveCoilName="HeadNeck_20", ScanningSequence=("SE", "IR"), EchoTime=92.4, SliceThickness=5)
    assert alike(Exam(Modality="MR"), coil, Device()).technique == "HeadNeck_20 SE/IR TE 90 5.0 mm"
    assert alike(Exam(Modality="DX", ViewPosition="PA"), Technique(SliceThickness=1), Device()) == Alike(
        "DX", view="PA"
    )
    assert alike(Exam(), Technique(), Device()) == Alike()


def test_a_detector_that_comes_back_finds_its_own_and_a_new_software_finds_nothing() -> None:
    wall, table = (
        Alike("DX", "CHEST", "PA", software="1", detector="W"),
        Alike("DX", "CHEST", "PA", "", "", "1", "T"),
    )
    kept = [
        Known("dr-1", wall, learned(NOISE, [10.0] * 40)),
        Known("dr-1", table, learned(NOISE, [20.0] * 40)),
        Known("dr-2", wall, learned(NOISE, [30.0] * 40)),
    ]
    assert [one.median for one in applying(kept, "dr-1", wall)] == [10.0]
    assert [one.median for one in applying(kept, "dr-1", table)] == [20.0]
    assert applying(kept, "dr-1", replace(wall, software="2")) == ()


def test_a_seed_stands_in_until_the_device_has_learned() -> None:
    pattern = Alike("DX", view="PA")
    here = Alike("DX", "CHEST", "PA", "Thorax", software="1")
    wide = Known("dr-1", pattern, Baseline(NOISE, 9.0, 1.0, 200, seeded=True))
    narrow = Known("dr-1", replace(pattern, body_part="CHEST"), Baseline(NOISE, 8.0, 1.0, 200, seeded=True))
    young = Known("dr-1", here, learned(NOISE, [7.0] * 12))
    grown = Known("dr-1", here, learned(NOISE, [7.0] * LEAST))
    assert applying([wide, narrow, young], "dr-1", here) == (narrow.baseline,)
    assert applying([wide, narrow, grown], "dr-1", here) == (grown.baseline,)
    assert applying([young], "dr-1", here) == (young.baseline,)
    assert applying([wide], "dr-1", Alike("DX", view="LL")) == ()


def test_a_seed_of_the_version_that_measures_now_stands_in_for_a_baseline_of_another() -> None:
    here = Alike("DX", "CHEST", "PA", "Thorax", software="1")
    old = Known("dr-1", here, replace(learned(NOISE, usual(LAST)), producer="noise/1"))
    seed = Known("dr-1", Alike("DX"), Baseline(NOISE, 40.0, 1.0, 200, seeded=True, producer="noise/2"))
    found = applying([seed, old], "dr-1", here)
    assert found == (old.baseline, seed.baseline)
    by_new = compared(Measurement(NOISE, 40.0, producer="noise/2"), baselines=found)
    assert by_new.number("baseline.noise_z") == 0
    by_old = compared(Measurement(NOISE, old.baseline.median, producer="noise/1"), baselines=found)
    assert by_old.number("baseline.noise_z") == 0


def test_only_what_was_judged_well_enough_and_is_a_patient_teaches() -> None:
    good = Verdict(Grade.JIA, 98.0, (), (), (), ())
    veto = replace(off_centre(), severity=type(off_centre().severity)("veto"))
    assert teaches(good, Measurements())
    assert teaches(replace(good, grade=Grade.BING, findings=(off_centre(),)), Measurements())
    assert not teaches(replace(good, grade=None), Measurements())
    assert not teaches(replace(good, grade=Grade.FEI, findings=(veto,)), Measurements())
    assert not teaches(good, Measurements([Measurement("exam.kind", "phantom_mr_acr")]))


def test_the_lessons_of_an_image_are_what_its_level_compares() -> None:
    facts = Measurements(
        [
            Measurement(NOISE, 3.0, producer="noise/7"),
            Measurement("sharpness.edge_width_mm", 0.4, confidence=0.5),
            Measurement("artefact.grid_peak_ratio", float("nan")),
            Measurement("noise.sigma", 3.0),
        ]
    )
    assert lessons(facts, is_set=False) == {NOISE: Lesson(3.0, "noise/7")}
    assert NOISE not in lessons(facts, is_set=True)


def test_a_drift_is_seen_against_the_first_numbers_of_the_epoch() -> None:
    first = usual(LAST)
    assert drift(first, [11.5] * RECENT) == pytest.approx(1.5, abs=0.02)
    assert drift(first[: FIRST - 1], [11.5] * RECENT) is None
    assert drift(first, [11.5] * (RECENT - 1)) is None
    assert drifted(1.1, LAST) and drifted(-1.1, LAST) and not drifted(0.9, LAST)
    assert not drifted(1.05, 30) and not drifted(None, LAST)


def test_a_device_that_stays_as_it_is_gives_hardly_a_drift() -> None:
    random = np.random.default_rng(11)
    runs = [[float(one) for one in random.lognormal(2, 0.3, LAST + RECENT)] for _ in range(400)]
    false = sum(drifted(drift(run[:LAST], run[LAST:]), LAST) for run in runs)
    small = sum(drifted(drift(run[:FIRST], run[-RECENT:]), FIRST) for run in runs)
    assert false <= 2 and small <= 4


def test_every_comparison_of_the_catalogue_is_of_a_number_that_is_in_it() -> None:
    for entry in catalogue().values():
        if entry.baseline_of:
            source = catalogue()[entry.baseline_of]
            assert source.type == "number" and not source.baseline_of, entry.name
    of_sets = Comparison("sets", ("series", "study"))
    assert not of_sets.provides & PRODUCERS[0].provides
