"""series.*: gaps, repeats, order, tilt and mixtures are found; what cannot be told is not made up."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from capture.acquisition import NoPixels
from models.measurement import NotMeasured, Reason
from models.sets.image_set import Completeness, Slice, SlicePixels
from tests.unit.models.sets.slices import CT, MR, at, damaged, facts, found, judged, said, stack, with_fields


def test_a_good_series_has_nothing_to_say() -> None:
    measured = facts(stack(CT))
    assert [
        said(f"series.{name}", measured) for name in ("missing", "repeated", "unreadable", "blank", "unplaced")
    ] == [0] * 5
    assert said("series.spacing_mm", measured) == 5.0 and said("series.extent_mm", measured) == 45.0
    assert said("series.is_in_order", measured) is True and said("series.plane", measured) == "axial"


@pytest.mark.parametrize("seed", range(20))
def test_every_slice_that_is_dropped_is_missed(seed: int) -> None:
    draw = random.Random(seed)
    count, step = draw.randint(20, 200), draw.choice((0.6, 1.0, 5.0))
    whole = stack(CT, count, step)
    dropped = set(draw.sample(range(1, count - 1), draw.randint(1, count // 10)))
    kept = [one for index, one in enumerate(whole) if index not in dropped]
    draw.shuffle(kept)
    measured = facts(kept)
    assert said("series.missing", measured) == len(dropped)
    assert said("series.slices", measured) == len(kept)
    assert said("series.resent", measured) == 0 and said("series.repeated", measured) == 0


def test_missing_slices_are_named_by_the_image_before_them() -> None:
    measured = facts([one for one in stack(CT, 20) if one.exam.InstanceNumber not in (5, 11, 12)])
    assert said("series.missing_at", measured) == "4, 10" and said("series.missing", measured) == 3


def test_a_head_in_two_parts_of_different_thickness_has_no_gap() -> None:
    base = [at(CT, n, 4.0 * n, SliceThickness=4.0) for n in range(1, 9)]
    top = [at(CT, n, 32 + 8.0 * (n - 8), SliceThickness=8.0) for n in range(9, 16)]
    measured = facts([*base, *top])
    assert said("series.missing", measured) == 0
    assert said("series.spacing_variation_percent", measured) == pytest.approx(0.0, abs=1e-6)


def test_many_wide_steps_that_the_numbers_run_through_were_planned() -> None:
    lower = [at(CT, n, 5.0 * n) for n in range(1, 9)]
    upper = [at(CT, n, 40 + 10.0 * (n - 8)) for n in range(9, 13)]
    measured = facts([*lower, *upper])
    assert said("series.missing", measured) == 0
    variation = said("series.spacing_variation_percent", measured)
    assert isinstance(variation, float) and variation > 10


def test_two_images_at_one_place_are_repeated_and_one_that_came_twice_is_not() -> None:
    extra = at(CT, 4, 20.0, instance="another")
    measured = facts([*stack(CT), extra, stack(CT)[6]])
    assert said("series.repeated", measured) == 1 and said("series.repeated_at", measured) == "4"
    assert said("series.resent", measured) == 1 and said("series.slices", measured) == 11


@pytest.mark.parametrize(
    "tell", [{"EchoTime": 20.0}, {"DiffusionBValue": 1000.0}, {"TemporalPositionIdentifier": 2}]
)
def test_echoes_b_values_and_times_of_one_place_are_stacks_of_their_own(tell: dict[str, object]) -> None:
    first = stack(with_fields(MR, DiffusionBValue=0.0, TemporalPositionIdentifier=1))
    second = [at(with_fields(MR, **tell), n, 5.0 * n, instance=f"second {n}") for n in range(1, 11)]
    measured = facts([*first, *second])
    assert said("series.stacks", measured) == 2 and said("series.repeated", measured) == 0
    assert said("series.uneven_stacks", measured) == 0
    assert said("series.uneven_stacks", facts([*first, *second[:-2]])) == 2


def dynamic(*kept: int, announced: int = 5, echoes: tuple[float, ...] = (100.0,)) -> list[Slice]:
    """Five slices of each of these times, with each echo."""
    return [
        at(
            with_fields(MR, TemporalPositionIdentifier=time, NumberOfTemporalPositions=announced, EchoTime=echo),
            100 * time + 10 * at_echo + n,
            5.0 * n,
        )
        for time in kept
        for at_echo, echo in enumerate(echoes)
        for n in range(1, 6)
    ]


def test_times_that_were_announced_and_did_not_come_are_counted_and_named() -> None:
    measured = facts(dynamic(1, 2, 4))
    assert (said("series.missing_times", measured), said("series.missing_times_at", measured)) == (2, "3, 5")
    assert "CC12.times_incomplete" in found(judged(dynamic(1, 2, 4)))
    assert said("series.missing_times", facts(dynamic(1, 2, 3, 4, 5))) == 0
    assert said("series.missing_times", facts(stack(MR))) is Reason.NOT_APPLICABLE


def test_times_that_contradict_themselves_are_not_assessed() -> None:
    for mixed in (
        [*dynamic(1, 2), *dynamic(3, announced=4)],
        dynamic(1, 2, 6),
        [*dynamic(1, 2, 3), *stack(with_fields(MR, NumberOfTemporalPositions=5))],
        dynamic(2),
    ):
        assert said("series.missing_times", facts(mixed)) is Reason.NOT_RELIABLE


def test_an_echo_that_one_time_lacks_is_a_missing_stack() -> None:
    whole = dynamic(1, 2, 3, 4, 5, echoes=(4.0, 8.0))
    lost = [
        one for one in whole
        if (one.exam.TemporalPositionIdentifier, one.technique.EchoTime) != (3, 8.0)
    ]  # fmt: skip
    assert said("series.missing_stacks", facts(whole)) == 0
    assert said("series.missing_stacks", facts(lost)) == 1 and said("series.uneven_stacks", facts(lost)) == 0
    assert "CC12.stacks_missing" in found(judged(lost))
    assert said("series.missing_stacks", facts(dynamic(1, 2))) is Reason.NOT_APPLICABLE


def test_times_with_pictures_of_their_own_each_are_no_grid() -> None:
    each = [*dynamic(1, echoes=(4.0,)), *dynamic(2, echoes=(8.0,)), *dynamic(3, echoes=(12.0,))]
    assert said("series.missing_stacks", facts(each)) is Reason.NOT_RELIABLE


def test_a_tilted_gantry_leans_as_it_says() -> None:
    tilt = [
        at(
            CT,
            n,
            5.0 * n,
            ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 0.9396926, -0.3420201),
            GantryDetectorTilt=20.0,
        )
        for n in range(1, 11)
    ]
    measured = facts(tilt)
    assert said("series.shear_deg", measured) == pytest.approx(20.0, abs=0.01)
    assert said("series.tilt_agrees", measured) is True
    assert said("series.tilt_agrees", facts([with_fields(one, GantryDetectorTilt=0.0) for one in tilt])) is False


def test_a_localizer_a_derived_and_a_captured_series_are_set_aside() -> None:
    kinds: dict[str, dict[str, object]] = {
        "localizer": {"ImageType": ("ORIGINAL", "PRIMARY", "LOCALIZER")},
        "derived": {"ImageType": ("DERIVED", "SECONDARY", "MPR")},
        "motion_corrected": {"ImageType": ("ORIGINAL", "PRIMARY", "M", "MOCO")},
        "secondary_capture": {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"},
    }
    for why, fields in kinds.items():
        slices = [one for one in stack(with_fields(MR, **fields)) if one.exam.InstanceNumber != 5]
        measured = facts(slices)
        if why == "derived":
            assert said("series.set_aside", measured) in ("derived", "secondary_capture")
        else:
            assert said("series.set_aside", measured) == why
        assert "CC12.slices_missing" not in found(judged(slices))


def test_a_series_judged_by_its_headers_alone_is_not_called_damaged() -> None:
    slices = [replace(one, pixels=NoPixels("too_large", "judged by the headers")) for one in stack(CT)]
    measured = facts(slices)
    assert said("series.unreadable", measured) == 0
    assert said("series.blank", measured) is Reason.NO_PIXELS


def test_a_diffusion_series_says_its_b_values() -> None:
    slices = [
        at(with_fields(MR, DiffusionBValue=b, SeriesDescription="ep2d_diff"), n, 5.0 * n, instance=f"{b}-{n}")
        for b in (0.0, 1000.0)
        for n in range(1, 6)
    ]
    measured = facts(slices)
    assert said("series.b_values", measured) == ("0", "1000") and said("series.has_b_values", measured) is True
    silent = [with_fields(one, DiffusionBValue=None) for one in slices]
    assert said("series.has_b_values", facts(silent)) is False
    assert "MB13.b_value_missing" in found(judged(silent))


# --- Bad input: a finding or not assessed, never a crash ---------------------------------------------------------


def test_mixed_orientations_are_found() -> None:
    other = [at(CT, n, 5.0 * n, ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 0.0, -1.0)) for n in range(11, 15)]
    assert found(judged([*stack(CT), *other]))["CC12.orientations_mixed"] == "major"


def test_one_corrupt_slice_is_found_and_named() -> None:
    slices = stack(CT)
    slices[4] = damaged(slices[4])
    judgement = judged(slices)
    assert found(judgement)["CC12.images_damaged"] == "major"
    assert said("series.unreadable_at", judgement.measurements) == "5"
    assert "CC12.slices_missing" not in found(judgement)


def test_two_frames_of_reference_are_found_and_not_mixed() -> None:
    other = [replace(at(CT, n, 5.0 * n), frame_of_reference="moved") for n in range(11, 21)]
    judgement = judged([*stack(CT), *other])
    assert "HD13.frames_of_reference_mixed" in found(judgement)
    assert said("series.stacks", judgement.measurements) == 2


def test_five_thousand_slices_are_sorted_out() -> None:
    slices = stack(replace(CT, pixels=NoPixels("too_large", "judged by the headers")), 5000, 0.5)
    del slices[2500]
    judgement = judged(slices)
    assert found(judgement)["CC12.slices_missing"] == "veto"
    assert said("series.missing_at", judgement.measurements) == "2500"


def test_slices_that_are_all_at_one_place_are_repeated() -> None:
    judgement = judged([at(CT, n, 0.0) for n in range(1, 11)])
    assert "CC12.slices_repeated" in found(judgement)
    assert said("series.spacing_mm", judgement.measurements) is Reason.NOT_APPLICABLE


@pytest.mark.parametrize("spacing", [(0.0, 0.0), ()])
def test_pixels_without_a_size_are_no_crash(spacing: tuple[float, ...]) -> None:
    unsized = SlicePixels(np.arange(64, dtype=np.int16).reshape(8, 8), 1.0, 0.0, None, 1)
    judgement = judged([replace(with_fields(one, PixelSpacing=spacing), pixels=unsized) for one in stack(CT)])
    reasons = {fact.reason for fact in judgement.measurements if isinstance(fact, NotMeasured)}
    assert Reason.FAILED not in reasons


def test_slices_without_a_position_are_found_and_their_gaps_not_assessed() -> None:
    judgement = judged([with_fields(one, ImagePositionPatient=()) for one in stack(CT)])
    assert found(judgement)["CC12.position_missing_in_series"] == "major"
    open_rules = {one.rule_id for one in judgement.verdict.not_assessed}
    assert {"CC12.slices_missing", "CC12.spacing_uneven"} <= open_rules


def test_images_that_were_announced_and_did_not_come_are_found() -> None:
    judgement = judged(stack(CT), Completeness(True, "mpps", expected_images=12))
    assert found(judgement)["HD20.images_missing"] == "major"
    assert found(judged(stack(CT), Completeness(False)))["HD20.judged_in_part"] == "info"
