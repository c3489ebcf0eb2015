"""A water phantom on CT, drawn with a known number, noise and cupping."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.acquisition import Device, Display, Exam, Technique
from models.circumstances import Circumstances
from models.measurement import Measurement, Measurements
from models.phantom.kind import phantom_of
from models.phantom.water_ct import KIND, WaterCt
from models.sets.image_set import Completeness, ImageSet, Series, Slice, SlicePixels
from models.sets.producer import SetSubject

SIDE, MM = 256, 1.0


def drawn(level: float = 0.0, noise: float = 5.0, cup: float = 0.0, bone: float = 0.0) -> NDArray[np.float32]:
    y, x = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) * MM
    radius = np.hypot(y, x)
    out = np.where(radius < 100, level + cup * (radius / 75) ** 2, -1000.0)
    if bone:
        out[(np.hypot(y - 40, x) < 25)] = bone
    return (out + np.random.default_rng(2).normal(0, noise, out.shape)).astype(np.float32)


def subject(values: NDArray[np.float32], kind: str | None = None, description: str | None = None) -> SetSubject:
    slices = [
        Slice(
            arrival_id=f"a{n}",
            received_at=0,
            instance=f"i{n}",
            frame_of_reference="f",
            frame=0,
            exam=Exam(Modality="CT", BodyPartExamined="HEAD", SeriesDescription=description),
            technique=Technique(
                ImagePositionPatient=(0.0, 0, 5.0 * n), ImageOrientationPatient=(1.0, 0, 0, 0, 1.0, 0)
            ),
            device=Device(),
            display=Display(Rows=SIDE, Columns=SIDE, PixelSpacing=(MM, MM)),
            pixels=SlicePixels(np.round(values).astype(np.int16), 1.0, 0.0, (MM, MM), 1),
        )
        for n in range(5)
    ]
    facts = [Measurement("dicom.Modality", "CT"), Measurement("body.part", "HEAD")]
    images = ImageSet("series", (Series("s", tuple(slices)),), Completeness(True))
    known = Measurements([*facts, *([Measurement("exam.kind", kind)] if kind else [])])
    return SetSubject(images, Circumstances(received_at=0), known)


def test_water_is_told_from_a_head_by_its_shape_and_evenness() -> None:
    assert phantom_of(subject(drawn()), "CT") == KIND
    assert phantom_of(subject(drawn(bone=900)), "CT") is None


@pytest.mark.parametrize(("said", "kind"), [("CATPHAN 504", "phantom_ct_catphan"), ("QA ACR", "phantom_ct_acr")])
def test_a_name_tells_the_others(said: str, kind: str) -> None:
    assert phantom_of(subject(drawn(bone=900), description=said), "CT") == kind


@pytest.mark.parametrize(("level", "noise", "cup"), [(0.0, 4.0, 0.0), (6.0, 8.0, 9.0), (-12.0, 12.0, -6.0)])
def test_number_noise_and_cupping_are_as_drawn(level: float, noise: float, cup: float) -> None:
    facts = Measurements(WaterCt().measure(subject(drawn(level, noise, cup), KIND)))
    assert facts.number("phantom.water_hu") == pytest.approx(level, abs=1.0)
    assert facts.number("phantom.noise_hu") == pytest.approx(noise, rel=0.08)
    assert facts.number("phantom.evenness_hu") == pytest.approx(abs(cup), abs=1.5)
