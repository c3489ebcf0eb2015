"""CT series through the whole way of a set: kind, facts, marks, packs; and what is wrong with a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Pixels, Technique
from models.circumstances import Circumstances
from models.ct import MEASURES, PAINTERS, PRODUCERS
from models.ct.rings import profile, ring_z
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import run_all
from models.sets.image_set import Completeness, ImageSet, Series, Slice, SlicePixels
from models.sets.kind import SetKind
from models.sets.picture import picture_of
from models.sets.producer import SetSubject
from models.sets.record import record_of
from tests.unit.models.ct.phantoms import FIELD, Chest, HeadPhantom, grid_of, noise

STEP = 6.0


def slices_of(
    phantom: Chest | HeadPhantom,
    count: int,
    part: str | None,
    pixel: float = 3.0,
    maker: str = "GE MEDICAL SYSTEMS",
) -> list[Slice]:
    """As they are kept on arrival, from the feet up; the isocentre is at 0, 0."""
    rng = np.random.default_rng(0)
    found: list[Slice] = []
    corner = -(FIELD - 1) / 2 * pixel
    for at in range(count):
        values = phantom.slice(at * STEP, grid_of(pixel)) + 10 * noise(rng, "gauss", (FIELD, FIELD), 0.8)
        pixels = Pixels(
            np.round(values).astype(np.float32), None, None, (-1024, 3071), (pixel, pixel), "PixelSpacing", False,
            None, 0, 1,
        )  # fmt: skip
        exam = Exam(Modality="CT", BodyPartExamined=part, InstanceNumber=at + 1, ImageType=("ORIGINAL", "PRIMARY"))
        technique = Technique(
            ImagePositionPatient=(corner, corner, -at * STEP),
            ImageOrientationPatient=(1, 0, 0, 0, 1, 0),
            SliceThickness=STEP,
            CTDIvol=8.0,
        )
        display = Display(Rows=FIELD, Columns=FIELD, SamplesPerPixel=1, PixelSpacing=(pixel, pixel))
        image = Acquisition(
            f"{at}", Identity(SOPInstanceUID=f"1.{at}", FrameOfReferenceUID="2"), exam, technique,
            Device(Manufacturer=maker), display, pixels,
        )  # fmt: skip
        found.extend(record_of([image], at, MEASURES))
    return found[::-1]


def measured(slices: Sequence[Slice]) -> tuple[ImageSet, Measurements]:
    images = ImageSet("series", (Series("s", tuple(slices)),), Completeness(whole=True, because="quiet"))
    part = slices[0].exam.BodyPartExamined
    header = [Measurement("dicom.Modality", "CT"), Measurement("dose.ctdivol_mGy", 8.0)]
    header += [Measurement("body.part", part)] if part else []

    def subject(so_far: Measurements) -> SetSubject:
        return SetSubject(images, Circumstances(received_at=0), so_far)

    facts, _ = run_all((SetKind(), *PRODUCERS), subject, Measurements(header))
    assert all(fact.reason is not Reason.FAILED for fact in facts if isinstance(fact, NotMeasured))
    return images, facts


@pytest.fixture(scope="module")
def chest() -> list[Slice]:
    return slices_of(Chest(lung_top=30.0, lung_long=240.0, off_down=18.0), 52, "CHEST")


@pytest.fixture(scope="module")
def head() -> list[Slice]:
    return slices_of(HeadPhantom(yaw=7.0), 32, None, pixel=2.0)


def test_a_chest_is_measured_whole(chest: list[Slice]) -> None:
    images, facts = measured(chest)
    assert facts.text("exam.kind") == "ct_chest"
    assert facts.number("ct_chest.margin_top_mm") == pytest.approx(30, abs=STEP)
    assert facts.number("ct_chest.margin_bottom_mm") == pytest.approx(51 * STEP - 270, abs=STEP)
    assert facts.number("ct_chest.lung_hu") == pytest.approx(-850, abs=25)
    assert facts.number("ct.off_centre_down_mm") == pytest.approx(18, abs=1)
    assert facts.number("ct.noise_hu") == pytest.approx(10, rel=0.1)
    assert facts.number("ct_chest.arms_beside") == 0 and facts.number("ct.metal_outside_ml") == 0
    assert facts.number("ct.skin_cut_percent") == 0 and facts.number("ct_chest.lung_cut_percent") == 0
    dw, ssde = facts.number("ct.water_equivalent_mm"), facts.number("ct.ssde_mGy")
    assert dw is not None and ssde is not None and 200 < dw < 270 and 9 < ssde < 16
    assert isinstance(facts.get("ct_head.jump_mm"), NotMeasured)
    assert picture_of(images, facts) is not None
    panels = PAINTERS[0].paint(images, facts)
    assert panels is not None and set(panels) == {"coronal", "sagittal", "axial", "first", "last", "map"}
    assert panels["map"].heat and np.isfinite(panels["map"].values).any()


def test_marks_lie_on_the_sheet(chest: list[Slice]) -> None:
    _, facts = measured(chest)
    marks = [mark for fact in facts if isinstance(fact, Measurement) for mark in fact.marks]
    assert {mark.name.split("_")[0] for mark in marks} >= {"lung", "range", "isocentre", "centre"}
    assert all(0 <= x <= 1 and 0 <= y <= 1 for mark in marks for x, y in mark.points)


def test_the_order_of_arrival_does_not_matter(chest: list[Slice]) -> None:
    mixed = list(np.random.default_rng(1).permutation(np.arange(len(chest))))
    _, one = measured(chest)
    _, other = measured([chest[at] for at in mixed])
    for name in ("ct_chest.margin_top_mm", "ct.off_centre_mm", "ct.noise_hu"):
        assert one.value(name) == other.value(name)


def test_lungs_cut_at_the_base_are_found_and_marked(chest: list[Slice]) -> None:
    _, facts = measured(chest[12:])
    fact = facts.get("ct_chest.margin_least_mm")
    assert isinstance(fact, Measurement) and fact.value == 0 and len(fact.regions) == 1
    assert "missing_bottom" in {mark.name for mark in fact.marks}
    assert isinstance(facts.get("ct_chest.lung_hu"), NotMeasured)


def test_a_head_without_a_body_part_is_told_by_its_pixels(head: list[Slice]) -> None:
    images, facts = measured(head)
    assert facts.text("exam.kind") == "ct_head"
    assert facts.number("ct_head.yaw_deg") == pytest.approx(7, abs=1)
    assert facts.number("ct_head.margin_top_mm") == pytest.approx(20, abs=STEP)
    assert facts.number("ct_head.field_mm") == pytest.approx(FIELD * 2.0)
    assert picture_of(images, facts) is not None


@pytest.mark.parametrize(("part", "said"), [("ABDOMEN", None), ("CHEST", "CORONARY CTA"), ("CHEST", "冠脉")])
def test_other_aims_are_not_judged_as_a_chest(chest: list[Slice], part: str, said: str | None) -> None:
    other = [replace(one, exam=replace(one.exam, BodyPartExamined=part, SeriesDescription=said)) for one in chest]
    _, facts = measured(other)
    assert facts.text("exam.kind") == "ct_other"
    assert isinstance(facts.get("ct_chest.margin_top_mm"), NotMeasured)


def test_a_maker_that_does_not_say_where_its_isocentre_is(chest: list[Slice]) -> None:
    silent = [replace(one, device=Device(Manufacturer="Unknown")) for one in chest]
    fact = measured(silent)[1].get("ct.off_centre_mm")
    assert isinstance(fact, NotMeasured) and fact.reason is Reason.NOT_IN_HEADER


@pytest.mark.parametrize(
    "wrong", ["no_position", "no_pixels", "no_spacing", "few", "coronal", "localizer", "many"]
)
def test_bad_series_are_not_assessed_and_never_break(chest: list[Slice], wrong: str) -> None:
    bad = list(chest[:20])
    if wrong == "no_position":
        bad = [replace(one, technique=replace(one.technique, ImagePositionPatient=())) for one in bad]
    elif wrong == "no_pixels":
        bad = [replace(one, pixels=NoPixels("truncated"), numbers={}) for one in bad]
    elif wrong == "no_spacing":
        seen = [(one, one.pixels) for one in bad]
        bad = [replace(a, pixels=replace(b, spacing_mm=None)) for a, b in seen if isinstance(b, SlicePixels)]
    elif wrong == "few":
        bad = bad[:1]
    elif wrong == "many":
        bad = [chest[0]] * 1501
    elif wrong == "coronal":
        turned = (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)
        bad = [replace(one, technique=replace(one.technique, ImageOrientationPatient=turned)) for one in bad]
    else:
        bad = [replace(one, exam=replace(one.exam, ImageType=("ORIGINAL", "PRIMARY", "LOCALIZER"))) for one in bad]
    _, facts = measured(bad)
    names = [fact.name for fact in facts if isinstance(fact, Measurement) and fact.name.startswith("ct")]
    assert names == []


def test_one_corrupt_slice_costs_only_itself(chest: list[Slice]) -> None:
    broken = [*chest[:10], replace(chest[10], pixels=NoPixels("decode_failed"), numbers={}), *chest[11:]]
    _, facts = measured(broken)
    assert facts.number("ct_chest.margin_top_mm") == pytest.approx(30, abs=STEP)


def test_a_ring_is_found_where_it_is_and_none_where_there_is_none() -> None:
    rng = np.random.default_rng(2)
    ys, xs = np.mgrid[:256, :256]
    distance = np.hypot(ys - 130, xs - 120)
    body = np.where(np.hypot(ys - 128, (xs - 128) / 1.2) < 95, 40.0, -1000.0)
    plain, ringed = [], []
    for _ in range(12):
        one = body + 12 * noise(rng, "ramp", (256, 256), 2.5)
        plain.append(profile(one.astype(np.float32), 130, 120))
        ring = 6 * np.exp(-(((distance - 55) / 0.9) ** 2))
        ringed.append(profile((one + ring).astype(np.float32), 130, 120))
    calm, torn = ring_z(plain), ring_z(ringed)
    assert calm is not None and calm[0] < 5
    assert torn is not None and torn[0] > 8 and abs(torn[1] - 55) <= 1
    assert ring_z([]) is None
