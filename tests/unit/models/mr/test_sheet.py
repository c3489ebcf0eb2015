"""The sheet of an MR series: what its panels show, and that the marks lie on them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.acquisition import Acquisition
from models.circumstances import Circumstances
from models.measurement import Mark, Measurement, Measurements
from models.mr import MEASURES, PRODUCERS
from models.mr.painter import MrPainter
from models.producer import run_all
from models.sets.image_set import Completeness, ImageSet, Series
from models.sets.picture import picture_of
from models.sets.producer import SetSubject
from models.sets.record import record_of
from models.sets.sheet import COLUMNS, PANELS, ROWS, PanelName, place
from models.training.mr import kspace
from tests.unit.models.mr.heads import head, without_ball
from tests.unit.models.mr.test_series import POSITIONS, pictures, series


def measured(frames: list[Acquisition]) -> tuple[ImageSet, Measurements]:
    slices = tuple(one for frame in frames for one in record_of([frame], 0, MEASURES))
    images = ImageSet("series", (Series("s", slices),), Completeness(True))
    header = Measurements([Measurement("exam.kind", "mr_brain")])
    facts, _ = run_all(PRODUCERS, lambda so_far: SetSubject(images, Circumstances(received_at=0), so_far), header)
    return images, facts


def marks(facts: Measurements, name: str) -> tuple[Mark, ...]:
    fact = facts.get(name)
    assert isinstance(fact, Measurement)
    return fact.marks


def is_on(mark: Mark, panel: PanelName) -> bool:
    box = PANELS[panel]
    return all(box.left <= x <= box.right and box.top <= y <= box.bottom for x, y in mark.points)


def inside(mark: Mark) -> NDArray[np.bool_]:
    mask = np.zeros((ROWS, COLUMNS), np.uint8)
    points = np.array([(x * COLUMNS, y * ROWS) for x, y in mark.points]).round().astype(np.int32)
    cv2.fillPoly(mask, [points], 1)
    return mask > 0


def inside_of(panel: PanelName) -> NDArray[np.bool_]:
    box = PANELS[panel]
    mask = np.zeros((ROWS, COLUMNS), np.bool_)
    mask[int(box.top * ROWS) : int(box.bottom * ROWS), int(box.left * COLUMNS) : int(box.right * COLUMNS)] = True
    return mask


def sheet(images: ImageSet, facts: Measurements) -> NDArray[np.uint8]:
    jpeg = picture_of(images, facts)
    assert jpeg is not None
    return np.asarray(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), np.uint8)


def test_a_good_head_has_planes_its_ends_and_its_air() -> None:
    images, facts = measured(series(pictures()))
    panels = MrPainter().paint(images, facts)
    assert panels is not None
    assert set(panels) == {"coronal", "sagittal", "axial", "first", "last", "map"}
    assert panels["first"].foot == "#21" and panels["last"].foot == "#1"
    assert panels["axial"].letters == ("R", "A") and panels["map"].under is not None
    top = marks(facts, "mr.coverage_top_mm")
    assert is_on(top[0], "coronal") and is_on(top[1], "sagittal")
    assert not marks(facts, "mr.wrap_score") and not marks(facts, "mr.spike_z")


def test_a_void_is_outlined_in_the_slice_with_the_largest() -> None:
    hurt = without_ball(pictures(), POSITIONS, (10.0, 20.0, 40.0), 22.0)
    images, facts = measured(series(hurt))
    panels = MrPainter().paint(images, facts)
    assert panels is not None and "first" not in panels
    number = facts.number("mr.void_image")
    assert number is not None and panels["void"].foot == f"#{number:.0f}"
    (drawn,) = marks(facts, "mr.void_percent")
    assert is_on(drawn, "void")
    assert float(drawn.caption.removesuffix(" cm²")) == pytest.approx(np.pi * 2.2**2, rel=0.25)
    shown = sheet(images, facts).sum(axis=2)
    assert shown[inside(drawn)].mean() < 0.1 * shown[inside_of("void")].mean()


def test_a_ghost_glows_inside_its_marks_and_not_beside_them() -> None:
    random = np.random.default_rng(0)
    images, facts = measured(series([kspace.ghosted(one, 0, 0.08, 2, random) for one in pictures()]))
    drawn, shown = marks(facts, "mr.ghost_percent"), sheet(images, facts).sum(axis=2)
    assert len(drawn) == 2 and all(is_on(one, "map") for one in drawn)
    of_worst_slice = float(drawn[0].caption.removesuffix(" %"))
    assert of_worst_slice == pytest.approx(8, rel=0.4)
    bands = inside(drawn[0]) | inside(drawn[1])
    box = PANELS["map"]
    left = shown[int(box.top * ROWS) + 30 : -30, int(box.left * COLUMNS) + 16 : int(box.left * COLUMNS) + 40]
    assert np.percentile(shown[bands], 90) > 1.5 * np.percentile(left, 90)


def test_a_wrap_and_a_spike_take_the_places_of_the_ends() -> None:
    random = np.random.default_rng(1)
    folded = [kspace.spiked(kspace.wrapped(one, 0, 0.45, random), 0.2, random) for one in pictures()]
    images, facts = measured(series(folded))
    panels = MrPainter().paint(images, facts)
    assert panels is not None and {"wrap", "spike"} < set(panels) and not {"first", "last"} & set(panels)
    wrap, spike = marks(facts, "mr.wrap_score"), marks(facts, "mr.spike_z")
    assert len(wrap) == len(spike) == 2
    assert all(is_on(one, "wrap") for one in wrap) and all(is_on(one, "spike") for one in spike)
    at = place("wrap", panels["wrap"].size_mm)
    first, last = ([y for _, y in one.points] for one in wrap)
    assert min(first) == pytest.approx(at.top) and max(last) == pytest.approx(at.bottom)
    shown = sheet(images, facts).sum(axis=2)
    for one in spike:
        assert shown[inside(one)].max() > 1.15 * np.percentile(shown[inside(one)], 50)


def test_a_head_cut_at_the_top_says_how_much_is_missing() -> None:
    _, facts = measured(series(pictures())[:15])
    top = marks(facts, "mr.coverage_top_mm")
    assert {one.name for one in top} == {"missing_top"} and all(one.caption.startswith("-") for one in top)
    assert all(y < 0.45 for one in top for _, y in one.points)


def test_a_few_slices_are_one_slice_and_its_air() -> None:
    images, facts = measured(series(pictures())[9:11])
    panels = MrPainter().paint(images, facts)
    assert panels is not None and set(panels) == {"left", "right"}
    assert all(is_on(one, "right") for one in marks(facts, "mr.ghost_percent"))


def test_what_shows_nothing_has_no_sheet_of_its_own() -> None:
    images, facts = measured(series([np.zeros_like(head()) for _ in pictures()]))
    assert MrPainter().paint(images, facts) is None
    assert MrPainter().paint(ImageSet("study", images.series, images.completeness), facts) is None
