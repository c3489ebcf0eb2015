"""Signal that is missing on one side of a drawn head: how much of it is found, and what is no void."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.commands.gathering import gather
from models.circumstances import Circumstances
from models.measurement import Measurement, Measurements, NotMeasured
from models.mr import MEASURES
from models.mr.chosen import usable
from models.mr.kept import pixels_of
from models.mr.metal import MrVoid
from models.mr.plane import Picture
from models.sets.image_set import Completeness, ImageSet, Series, Slice
from models.sets.producer import SetSubject
from models.sets.record import record_of
from tests.unit.models.mr.heads import DEPTH, HEIGHT, SPACING, WIDTH, Place, head, with_noise, without_ball
from tests.unit.models.mr.test_series import slice_of

REAL = Path(__file__).parents[5] / "shared" / "data" / "dicom" / "mr" / "uih_dti_brain"
POSITIONS = np.arange(-60.0, 80.0, 5.0)


def pictures(turned_deg: float = 0.0, off: tuple[float, float] = (0.0, 0.0)) -> list[Picture]:
    return [with_noise(head(float(z), turned_deg, centre=off), 10.0, k) for k, z in enumerate(POSITIONS)]


def measured(found: list[Picture], kind: str = "mr_brain", **technique: object) -> Measurements:
    frames = [
        slice_of(k + 1, float(z), one, **technique)
        for k, (z, one) in enumerate(zip(POSITIONS, found, strict=True))
    ]
    return said_of([one for frame in frames for one in record_of([frame], 0, MEASURES)], kind)


def said_of(slices: Sequence[Slice], kind: str = "mr_brain") -> Measurements:
    images = ImageSet("series", (Series("s", tuple(slices)),), Completeness(True))
    subject = SetSubject(images, Circumstances(received_at=0), Measurements([Measurement("exam.kind", kind)]))
    return Measurements(MrVoid().measure(subject))


def percent(facts: Measurements) -> float:
    value = facts.number("mr.void_percent")
    assert value is not None
    return value


def head_mm2(z: float) -> float:
    return float(np.pi * DEPTH * WIDTH * max(0.0, 1 - (z / HEIGHT) ** 2))


@pytest.mark.parametrize(("turned", "off"), [(0.0, (0.0, 0.0)), (12.0, (6.0, -9.0)), (-17.0, (-8.0, 14.0))])
def test_a_head_without_metal_has_next_to_none(turned: float, off: tuple[float, float]) -> None:
    """Its ventricles are as dark on both sides."""
    assert percent(measured(pictures(turned, off))) < 0.05


@pytest.mark.parametrize("radius", [12.0, 18.0, 25.0])
@pytest.mark.parametrize("turned", [0.0, 10.0])
def test_a_ball_in_one_half_is_found_without_its_rim(radius: float, turned: float) -> None:
    """A pixel of its edge is too bright: part of it, or of its neighbours, is tissue."""
    place = (10.0, 25.0, 38.0)
    facts = measured(without_ball(pictures(turned), POSITIONS, place, radius))
    balls = [np.pi * max(0.0, (radius - SPACING) ** 2 - (z - place[0]) ** 2) for z in POSITIONS]
    share = 100 * np.mean([ball / head_mm2(z) for ball, z in zip(balls, POSITIONS, strict=True)])
    assert percent(facts) == pytest.approx(share, rel=0.15)
    image = facts.number("mr.void_image")
    assert image is not None
    assert abs(POSITIONS[int(image) - 1] - place[0]) <= radius


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_a_hairpin_at_the_skin_leaves_a_dent(side: float) -> None:
    """The outline is gone there: its mirror image says where the head was. Scalp and skull themselves, 16 mm with
    what lies beside them, are too thin to count."""
    facts = measured(without_ball(pictures(), POSITIONS, (20.0, 0.0, side * (WIDTH - 4)), 30.0))
    assert percent(facts) > 0.4


@pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/dicom/mr")
def test_a_real_head_without_metal_has_next_to_none_and_one_with_a_void_has_it() -> None:
    """Its first volume, without diffusion weighting."""
    (series,) = gather(sorted(REAL.glob("**/*.dcm")), MEASURES).series()
    slices = usable(series.judged().slices)
    untouched = percent(said_of(slices))
    pixels = [pixels_of(one) for one in slices]
    rows, columns = pixels[0].values.shape
    y, x = np.indices((rows, columns))
    ball = np.hypot(y - rows / 2, x - 0.65 * columns) * (pixels[0].spacing_mm or (1.0, 1.0))[0] < 20
    worse = [
        replace(one, pixels=replace(shown, values=np.where(ball, shown.values.min(), shown.values)))
        if k in (9, 10, 11, 12)
        else one
        for k, (one, shown) in enumerate(zip(slices, pixels, strict=True))
    ]
    assert untouched < 0.4 < untouched + 0.5 < percent(said_of(worse))


@pytest.mark.parametrize("place", [(10.0, 0.0, WIDTH - 4), (10.0, 20.0, 40.0)])
def test_a_gross_void_does_not_hide_itself(place: Place) -> None:
    """A third of the slices have lost their plane of symmetry."""
    assert percent(measured(without_ball(pictures(), POSITIONS, place, 45.0))) > 3


def test_what_cannot_be_said() -> None:
    sagittal = measured(pictures(), ImageOrientationPatient=(0.0, 1.0, 0.0, 0.0, 0.0, -1.0))
    for facts, why in ((sagittal, "no steady plane"), (measured(pictures(), kind="mr_other"), "not a head")):
        fact = facts.get("mr.void_percent")
        assert isinstance(fact, NotMeasured)
        assert fact.detail.startswith(why)
