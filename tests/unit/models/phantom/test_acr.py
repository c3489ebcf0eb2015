"""The ACR phantom: recognised, and measured as it was drawn; real ones against hazen's own figures."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.acquisition import Device, Display, Exam, Technique
from capture.arrival import Arrival
from capture.dicom.every_frame import each_frame
from capture.dicom.reader import read
from models.circumstances import Circumstances
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.phantom import acr_mr
from models.phantom.hazen_extra import Hazen
from models.phantom.kind import phantom_of
from models.sets.image_set import Completeness, ImageSet, Series, Slice, SlicePixels
from models.sets.producer import SetSubject
from models.sets.record import record_of

SIDE, MM, SIGMA = 256, 0.9765625, 8.0
REAL = Path(__file__).parents[5] / "shared" / "data" / "dicom" / "mr"
HAZEN = {
    # hazen 2.0.0: SNR by smoothing, percent signal ghosting, percent integral uniformity.
    "acr_ge_artist_t1": (161.98, 0.02, 95.42),
    "acr_philips_achieva_t1": (200.35, 0.154, 92.44),
    "acr_siemens_skyra_t1": (53.07, 0.035, 66.80),
}

HAZEN_AIR: dict[str, tuple[tuple[int, int], tuple[int, int, int, int], tuple[float, float, float, float]]] = {
    # Where hazen 2.0.0 has its ellipses: centre (x, y) of the phantom; its first and last column and row; how much
    # narrower the left, right, upper and lower ellipse are than 10 mm to each side.
    "acr_ge_artist_t1": ((128, 129), (30, 225, 31, 226), (1, 10 / 9, 1, 10 / 9)),
    "acr_philips_achieva_t1": ((128, 128), (30, 226, 31, 225), (1, 10 / 9, 1, 10 / 9)),
    "acr_siemens_skyra_t1": ((130, 129), (31, 227, 34, 226), (1, 10 / 8, 1, 10 / 9)),
}


def drawn(number: int, shade: float = 0.0, ghost: float = 0.0, diameter: float = 190.0) -> NDArray[np.float32]:
    """Slice 1 to 11: a disc, with a grid in 5 and bars in all but 6 and 7."""
    y, x = (np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2) * MM
    disc = np.hypot(y, x) < diameter / 2
    out = np.where(disc, 1000.0 * (1 + shade * x / 95), 0.0)
    if number not in (6, 7):
        out[disc & (np.abs(y) < 6) & (np.abs(x) < 80)] = 50
    if number == 5:
        out[disc & (np.maximum(np.abs(x), np.abs(y)) < 70) & ((np.abs(x) % 14 < 2) | (np.abs(y) % 14 < 2))] = 50
    out = out + ghost * np.roll(out, SIDE // 2, axis=0) * (out == 0)
    random = np.random.default_rng(number)
    real, imaginary = random.normal(0, SIGMA, (2, *out.shape))
    return np.asarray(np.hypot(out + real, imaginary), np.float32)


def slice_of(number: int, values: NDArray[np.float32], description: str | None = None) -> Slice:
    step = float(values.max() - values.min()) / 60000
    kept = np.round(values / step - 30000).astype(np.int16)
    return Slice(
        arrival_id=f"a{number}",
        received_at=0,
        instance=f"i{number}",
        frame_of_reference="f",
        frame=0,
        exam=Exam(Modality="MR", BodyPartExamined="BRAIN", SeriesDescription=description, InstanceNumber=number),
        technique=Technique(
            ImagePositionPatient=(-125.0, -125.0, 10.0 * number), ImageOrientationPatient=(1.0, 0, 0, 0, 1.0, 0)
        ),
        device=Device(),
        display=Display(Rows=SIDE, Columns=SIDE, PixelSpacing=(MM, MM)),
        pixels=SlicePixels(kept, step, 30000 * step, (MM, MM), 1),
    )


def subject(slices: list[Slice], kind: str | None = None) -> SetSubject:
    facts = [Measurement("dicom.Modality", "MR"), Measurement("body.part", "BRAIN")]
    if kind:
        facts.append(Measurement("exam.kind", kind))
    images = ImageSet("series", (Series("s", tuple(slices)),), Completeness(True))
    return SetSubject(images, Circumstances(received_at=0), Measurements(facts))


def kind_of(slices: list[Slice]) -> str | None:
    return phantom_of(subject(slices), "MR")


def measured(slices: list[Slice]) -> dict[str, float]:
    facts = acr_mr.AcrMr().measure(subject(slices, acr_mr.KIND))
    return {fact.name: float(fact.value) for fact in facts if isinstance(fact, Measurement)}  # type: ignore[arg-type]


def whole(reverse: bool = False, **how: float) -> list[Slice]:
    numbers = range(1, 12)
    return [slice_of(12 - n if reverse else n, drawn(n, **how)) for n in numbers]


@pytest.mark.parametrize("reverse", [False, True])
def test_eleven_discs_of_190_mm_are_the_phantom_whatever_the_header_calls_them(reverse: bool) -> None:
    assert kind_of(whole(reverse)) == acr_mr.KIND
    found = measured(whole(reverse))
    assert found["phantom.diameter_mm"] == pytest.approx(190, abs=1.0)
    assert found["phantom.ghosting_percent"] < 0.2
    assert found["phantom.uniformity_percent"] > 98
    assert found["phantom.snr"] == pytest.approx(1000 / SIGMA, rel=0.08)


def test_other_discs_are_a_phantom_and_a_name_is_enough() -> None:
    assert kind_of(whole()[:4]) == "phantom_mr"
    assert kind_of([slice_of(1, drawn(7)[:, :60].copy(), "ACR T1 axial")]) == acr_mr.KIND


def test_shading_ghosting_and_size_are_read() -> None:
    radius = np.ceil(np.sqrt(20000 / np.pi) / MM) * MM - np.sqrt(100 / np.pi)
    shaded = measured(whole(shade=0.2))
    expected = 100 * (1 - 0.2 * radius / 95)
    assert shaded["phantom.uniformity_percent"] == pytest.approx(expected, abs=1.0)
    assert measured(whole(ghost=0.04))["phantom.ghosting_percent"] == pytest.approx(4.0, rel=0.35)
    assert measured(whole(diameter=195.0))["phantom.diameter_mm"] == pytest.approx(195, abs=1.0)


def test_what_is_no_phantom_is_not_measured() -> None:
    facts = list(acr_mr.AcrMr().measure(subject(whole(), "mr_brain")))
    assert all(isinstance(fact, NotMeasured) and fact.reason is Reason.NOT_APPLICABLE for fact in facts)


def real(name: str) -> list[Slice]:
    return list(_real(REAL / name))


def _real(folder: Path) -> Iterator[Slice]:
    for path in sorted(folder.iterdir()):
        one = read(path, Arrival(path.name, "", 0, "dicom", "test", 0))
        yield from record_of(each_frame(path, one), 0, ())


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/dicom/mr")
@pytest.mark.parametrize("name", HAZEN)
def test_real_ones_agree_with_hazen(name: str) -> None:
    """Ghosting lies under 0.2 % here: the ellipses' places decide it, so it is compared absolutely."""
    snr, ghosting, uniformity = HAZEN[name]
    slices = real(name)
    assert kind_of(slices) == acr_mr.KIND
    found = measured(slices)
    assert found["phantom.snr"] == pytest.approx(snr, rel=0.05)
    assert found["phantom.uniformity_percent"] == pytest.approx(uniformity, rel=0.05)
    assert found["phantom.ghosting_percent"] == pytest.approx(ghosting, abs=0.1)


def hazen_air(name: str) -> tuple[list[NDArray[np.bool_]], NDArray[np.bool_]]:
    """Top, bottom, left, right ellipse and the large region of hazen's acr_ghosting, counted from 1 as there."""
    (x0, y0), (first, last, top, bottom), narrower = HAZEN_AIR[name]
    y, x = np.mgrid[1 : SIDE + 1, 1 : SIDE + 1]
    places = (
        (y0, np.floor(first / 2), narrower[0], False),
        (y0, last + np.ceil((SIDE - last) / 2), narrower[1], False),
        (np.round(top / 2), x0, narrower[2], True),
        (bottom + np.round((SIDE - bottom) / 2), x0, narrower[3], True),
    )
    found = []
    for row, column, factor, lying in places:
        along, across = (x - column, y - row) if lying else (y - row, x - column)
        found.append((along / (4 * factor)) ** 2 + (across * factor) ** 2 <= (10 / MM) ** 2)
    left, right, upper, lower = found
    return [upper, lower, left, right], np.hypot(x - x0, y - y0 - 5 / MM) <= np.ceil(80 / MM)


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/dicom/mr")
@pytest.mark.parametrize("name", HAZEN)
def test_on_its_ellipses_the_ghosting_is_that_of_hazen(name: str) -> None:
    """The formula is the same; what differs is where the ellipses lie, by less than two pixels."""
    images = subject(real(name), acr_mr.KIND).images
    found = acr_mr.uniform_slice(images)
    assert found is not None
    air, large = hazen_air(name)
    assert acr_mr.ghosting_over(found.values, air, large) == pytest.approx(HAZEN[name][1], rel=0.05)
    moved = [
        acr_mr.ghosting_over(
            found.values, [np.roll(one, by, (0, 1)) for one, by in zip(air, steps, strict=True)], large
        )
        for steps in itertools.product(((-2, 0), (2, 0)), ((-2, 0), (2, 0)), ((0, -2), (0, 2)), ((0, -2), (0, 2)))
    ]
    assert max(moved) - min(moved) > 2 * abs(acr_mr.ghosting_percent(found) - HAZEN[name][1])


@pytest.mark.skipif(
    importlib.util.find_spec("hazenlib") is None, reason="the extra `phantom` (hazen) is not installed"
)
@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/dicom/mr")
def test_hazen_measures_the_rest() -> None:
    facts = Measurements(Hazen().measure(subject(real("acr_philips_achieva_t1"), acr_mr.KIND)))
    assert facts.number("phantom.slice_thickness_mm") == pytest.approx(5.05, abs=0.2)
    assert facts.number("phantom.slice_position_mm") == pytest.approx(0.78, abs=0.3)
    assert facts.number("phantom.geometry_error_mm") == pytest.approx(1.41, abs=0.3)


@pytest.mark.skipif(importlib.util.find_spec("hazenlib") is not None, reason="hazen is installed")
def test_without_hazen_its_facts_say_so() -> None:
    facts = list(Hazen().measure(subject(whole(), acr_mr.KIND)))
    assert {fact.reason for fact in facts if isinstance(fact, NotMeasured)} == {Reason.NOT_CONFIGURED}
