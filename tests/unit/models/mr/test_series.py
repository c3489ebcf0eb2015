"""A series from its slices: what reaches the rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Pixels, Technique
from models.circumstances import Circumstances
from models.content import drafts
from models.judge import Content, Judgement
from models.measurement import Measurement, NotMeasured, Reason
from models.mr import MEASURES
from models.mr.plane import Picture
from models.sets.image_set import Completeness, ImageSet, Series
from models.sets.judge import judge_set
from models.sets.record import record_of
from models.training.mr import kspace
from tests.unit.models.mr.heads import SPACING, head, with_noise

STEP = 8.0
OURS = tuple(f"MB{item:02}." for item in (*range(2, 10), 12))
POSITIONS = np.arange(-60.0, 105.0, STEP)


@pytest.fixture(scope="module")
def content() -> Content:
    return drafts.content()


def slice_of(number: int, z: float, picture: Picture, **technique: object) -> Acquisition:
    rows, columns = picture.shape
    exam = Exam(
        Modality="MR",
        BodyPartExamined="BRAIN",
        ImageType=("ORIGINAL", "PRIMARY", "M"),
        InstanceNumber=number,
        PatientAge="040Y",
        SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
    )
    how = Technique(
        InPlanePhaseEncodingDirection="COL",
        ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        ImagePositionPatient=(-100.0, -100.0, float(z)),
        SliceThickness=STEP,
        SpacingBetweenSlices=STEP,
    )
    return Acquisition(
        arrival_id=f"a{number}",
        identity=Identity(SOPInstanceUID=f"1.2.{number}", SeriesInstanceUID="1.2"),
        exam=exam,
        technique=replace(how, **technique),  # type: ignore[arg-type]
        device=Device(Manufacturer="TEST"),
        display=Display(Rows=rows, Columns=columns, SamplesPerPixel=1, PixelSpacing=(SPACING, SPACING)),
        pixels=Pixels(
            values=picture,
            color=None,
            padding=None,
            value_range=(0.0, 4095.0),
            spacing_mm=(SPACING, SPACING),
            spacing_source="PixelSpacing",
            inverted=False,
            window=None,
            frame=0,
            frames=1,
        ),
    )


def pictures() -> list[Picture]:
    return [with_noise(head(float(z)), 10.0, k) for k, z in enumerate(POSITIONS)]


def series(found: list[Picture], **technique: object) -> list[Acquisition]:
    pairs = zip(POSITIONS, found, strict=True)
    return [slice_of(k + 1, float(z), picture, **technique) for k, (z, picture) in enumerate(pairs)]


def judged(content: Content, frames: list[Acquisition]) -> Judgement:
    slices = [one for frame in frames for one in record_of([frame], 0, MEASURES)]
    images = ImageSet("series", (Series("s", tuple(slices)),), Completeness(True))
    return judge_set(images, content, Circumstances(received_at=0))


def rules(judgement: Judgement) -> set[str]:
    return {found.rule_id for found in judgement.verdict.findings if found.rule_id.startswith(OURS)}


def test_a_good_head_is_told_and_nothing_is_found(content: Content) -> None:
    found = judged(content, series(pictures()))
    facts = found.measurements
    assert facts.value("exam.kind") == "mr_brain" and facts.value("phantom.is_phantom") is False
    assert facts.number("mr.ghost_percent") == 0 and facts.number("mr.wrap_score") == 0
    tilt, top = facts.number("mr.tilt_deg"), facts.number("mr.coverage_top_mm")
    assert tilt is not None and abs(tilt) < 1.5
    assert top == pytest.approx(POSITIONS[-1] + STEP / 2 - 95, abs=STEP)
    assert rules(found) == set()
    open_rules = {item.rule_id for item in found.verdict.not_assessed}
    assert {"MB05.low_snr", "MB06.nonuniform"} <= open_rules


def test_a_ghost_and_a_wrap_name_their_rule_and_image(content: Content) -> None:
    random = np.random.default_rng(0)
    ghosts = [kspace.ghosted(one, 0, 0.1, 2, random) for one in pictures()]
    found = judged(content, series(ghosts))
    assert "MB04.ghosting" in rules(found)
    image = found.measurements.number("mr.ghost_image")
    assert image is not None and 1 <= image <= len(ghosts)
    folded = [kspace.wrapped(one, 0, 0.45, random) for one in pictures()]
    assert "MB07.wrap" in rules(judged(content, series(folded)))


def test_a_head_cut_at_the_top_is_a_veto(content: Content) -> None:
    frames = [frame for frame, z in zip(series(pictures()), POSITIONS, strict=True) if z < 60]
    assert "MB02.top_missing" in rules(judged(content, frames))


def test_a_tilted_head_is_found(content: Content) -> None:
    turned = [with_noise(head(float(z), turned_deg=14), 10.0, k) for k, z in enumerate(POSITIONS)]
    assert "MB12.tilt" in rules(judged(content, series(turned)))


def test_without_the_phase_axis_ghosts_are_not_assessed(content: Content) -> None:
    facts = judged(content, series(pictures(), InPlanePhaseEncodingDirection=None)).measurements
    for name in ("mr.ghost_percent", "mr.wrap_score"):
        fact = facts.get(name)
        assert isinstance(fact, NotMeasured) and fact.reason is Reason.NOT_IN_HEADER
    assert facts.number("mr.snr") is not None


def test_phase_pictures_and_missing_pixels_are_not_measured(content: Content) -> None:
    frames = series(pictures())
    phases = [replace(one, exam=replace(one.exam, ImageType=("ORIGINAL", "PRIMARY", "P"))) for one in frames]
    empty = [replace(one, pixels=NoPixels("truncated")) for one in frames]
    for odd in (phases, empty):
        facts = judged(content, odd).measurements
        assert isinstance(facts.get("mr.snr"), NotMeasured)


def test_one_corrupt_slice_a_duplicate_and_a_slice_without_a_place_change_nothing_else(content: Content) -> None:
    frames = series(pictures())
    frames[3] = replace(frames[3], pixels=NoPixels("decode_failed"))
    frames[5] = replace(frames[5], technique=replace(frames[5].technique, ImagePositionPatient=()))
    frames.append(frames[7])
    found = judged(content, frames)
    assert isinstance(found.measurements.get("mr.snr"), Measurement)
    assert "MB04.ghosting" not in rules(found)


def test_a_slice_keeps_less_than_four_kilobytes() -> None:
    (one,) = record_of([series(pictures())[8]], 0, MEASURES)
    assert sum(numbers.nbytes for name, numbers in one.numbers.items() if name.startswith("mr.")) < 4096
