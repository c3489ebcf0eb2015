"""The sheet: marks lie where the picture shows the thing, whatever the orientation of the stack."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from models.measurement import Region
from models.sets.sheet import COLUMNS, PANELS, ROWS, Picture, draw, on_sheet, place, png, region_on_sheet
from models.sets.upright import turn, upright

LPS = {"R": (-1, 0, 0), "L": (1, 0, 0), "A": (0, -1, 0), "P": (0, 1, 0), "H": (0, 0, 1), "F": (0, 0, -1)}


def test_panels_do_not_overlap_and_fill_the_sheet() -> None:
    halves = (PANELS["left"], PANELS["right"])
    six = {(box.left, box.top): box for box in PANELS.values() if box not in halves}
    assert PANELS["wrap"] == PANELS["first"] and PANELS["spike"] == PANELS["last"]
    for boxes in (halves, tuple(six.values())):
        do_not_overlap_and_fill(boxes)


def do_not_overlap_and_fill(boxes: Sequence[Region]) -> None:
    for a, b in itertools.combinations(boxes, 2):
        assert (
            a.right <= b.left + 1e-9 or b.right <= a.left + 1e-9 or a.bottom <= b.top + 1e-9 or b.bottom <= a.top
        )
    assert sum((b.right - b.left) * (b.bottom - b.top) for b in boxes) == pytest.approx(1)


@pytest.mark.parametrize("size", [(300.0, 400.0), (400.0, 100.0), (20.0, 500.0)])
def test_a_mark_is_where_the_picture_shows_the_thing(size: tuple[float, float]) -> None:
    values = np.zeros((round(size[0]), round(size[1])), np.float32)
    down, across = 0.75 * size[0], 0.25 * size[1]
    cv2.circle(values, (round(across), round(down)), 6, 1.0, -1)
    sheet = draw({"axial": Picture(values, size, (0, 1))})
    lit = np.argwhere(sheet[..., 0] > 100).mean(axis=0)
    ((x, y),) = on_sheet("axial", size, [(across, down)])
    assert (y * ROWS, x * COLUMNS) == pytest.approx(tuple(lit), abs=2.5)


def test_a_square_millimetre_is_square_on_the_sheet() -> None:
    at = place("coronal", (200.0, 400.0))
    wide, high = (at.right - at.left) * COLUMNS, (at.bottom - at.top) * ROWS
    assert wide / high == pytest.approx(2)
    box = region_on_sheet("coronal", (200.0, 400.0), Region(100, 50, 200, 150))
    assert (box.right - box.left) * COLUMNS == pytest.approx((box.bottom - box.top) * ROWS)


def test_points_outside_the_picture_stay_on_its_border() -> None:
    at = place("map", (100.0, 100.0))
    assert on_sheet("map", (100.0, 100.0), [(-5, 120)]) == ((at.left, at.bottom),)


def test_a_map_is_coloured_and_black_where_it_knows_nothing() -> None:
    values = np.full((50, 50), np.nan, np.float32)
    values[:25] = 1.0
    sheet = draw({"map": Picture(values, (100.0, 100.0), (0, 1), heat=True)})
    at = place("map", (100.0, 100.0))
    lower = sheet[round((at.top + 3 * at.bottom) / 4 * ROWS), round((at.left + at.right) / 2 * COLUMNS)]
    upper = sheet[round((3 * at.top + at.bottom) / 4 * ROWS), round((at.left + at.right) / 2 * COLUMNS)]
    assert lower.sum() == 0 and upper.sum() > 300


def test_where_a_map_knows_nothing_the_picture_under_it_is_seen() -> None:
    values = np.full((50, 50), np.nan, np.float32)
    values[:25] = 1.0
    grey = Picture(np.full((50, 50), 0.5, np.float32), (100.0, 100.0), (0, 1))
    sheet = draw({"map": Picture(values, (100.0, 100.0), (0, 1), heat=True, under=grey)})
    at = place("map", (100.0, 100.0))
    lower = sheet[round((at.top + 3 * at.bottom) / 4 * ROWS), round((at.left + at.right) / 2 * COLUMNS)]
    assert lower.tolist() == [127, 127, 127]


def test_png_is_read_back_the_same() -> None:
    sheet = draw({"first": Picture(np.eye(40, dtype=np.float32), (40.0, 40.0), (0, 1), ("R", "A"))})
    assert sheet.any()
    again = cv2.imdecode(np.frombuffer(png(sheet), np.uint8), cv2.IMREAD_COLOR)
    assert again is not None and np.array_equal(again, sheet)


@pytest.mark.parametrize("letters", ["FPL", "HPL", "LFA", "ALH", "PFR", "RPH"])
def test_any_orientation_is_turned_head_front_and_right_first(letters: str) -> None:
    """A volume drawn in the patient, read out along other axes, comes back as it was drawn."""
    rng = np.random.default_rng(0)
    patient = rng.normal(size=(5, 6, 7)).astype(np.float32)  # head to feet, front to back, right to left
    first = {"F": (0, 1), "H": (0, -1), "P": (1, 1), "A": (1, -1), "L": (2, 1), "R": (2, -1)}
    order = [first[letter][0] for letter in letters]
    stack = np.transpose(patient, order)
    stack = stack[tuple(slice(None, None, first[letter][1]) for letter in letters)]
    steps = (2.0, 3.0, 4.0)
    spacing = tuple(steps[axis] for axis in order)
    slices, rows, columns = (LPS[letter] for letter in letters)
    how = turn(rows, columns, slices)
    assert how is not None
    turned = upright(stack, (spacing[0], spacing[1], spacing[2]), how)
    assert np.array_equal(turned.values, patient) and turned.spacing_mm == steps
    assert turned.extent.of("sagittal") == (10.0, 18.0)
    panels = turned.middle((0, 1))
    assert np.array_equal(panels["first"].values, patient[0])
    assert panels["coronal"].letters == ("R", "H") and panels["sagittal"].letters == ("A", "H")
    assert np.array_equal(panels["coronal"].values, patient[:, 3])


def test_an_oblique_stack_has_no_names_for_its_axes() -> None:
    angle = np.deg2rad(40)
    rows, slices = (0, np.cos(angle), -np.sin(angle)), (0, np.sin(angle), np.cos(angle))
    assert turn(rows, (1, 0, 0), slices) is not None
    assert turn(rows, (0.6, 0.6, 0.5), slices) is None
