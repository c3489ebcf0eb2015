"""Measures of a drawn chest: the millimetres and degrees that were drawn come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.anatomy.both_ways import both_ways
from models.anatomy.chest import Chest
from models.anatomy.landmarks import peak_of
from models.anatomy.margins import CUT, WHOLE
from models.anatomy.rotation import degrees_of_shift
from models.anatomy.structures import CUTS, SIDE, organ_of
from models.image.lines import Side
from models.measurement import Reason
from tests.unit.models.anatomy.chests import NAMES, chest, fact, facts, number, reasons
from tests.unit.models.anatomy.drawn import Drawing, DrawnNetwork, Oval

PLAIN = Drawing()
PER_PX = 360 / 256
"""Millimetres of one pixel that the network sees."""
SIDES = ("left", "right", "top", "bottom")


def gaps(drawing: Drawing, left: float, top: float, right: float, bottom: float) -> dict[str, float]:
    """Millimetres between the drawn lungs and the sides of a field."""
    assert drawing.lung_left and drawing.lung_right
    one, other = drawing.lung_left.box, drawing.lung_right.box
    return {
        "left": one[0] - left,
        "right": right - other[2],
        "top": min(one[1], other[1]) - top,
        "bottom": bottom - max(one[3], other[3]),
    }


def test_margins_of_the_whole_film() -> None:
    found, truth = facts(chest(PLAIN)), gaps(PLAIN, 0, 0, 360, 360)
    for side in SIDES:
        assert number(found, f"margin_{side}_mm") == pytest.approx(truth[side], abs=PER_PX / 2)
        assert number(found, f"margin_{side}_percent") == pytest.approx(truth[side] / 3.6, abs=0.2)
    assert number(found, "margin_least_mm") == pytest.approx(min(truth.values()), abs=PER_PX / 2)


@settings(max_examples=25, deadline=None)
@given(
    left=st.floats(0, 44),
    top=st.floats(0, 49),
    right=st.floats(0, 54),
    bottom=st.floats(0, 49),
)
def test_margins_to_a_collimated_field(left: float, top: float, right: float, bottom: float) -> None:
    edges = left, top, 360 - right, 360 - bottom
    found, truth = facts(chest(PLAIN, field=edges)), gaps(PLAIN, *edges)
    for side in SIDES:
        measured = number(found, f"margin_{side}_mm")
        assert measured == pytest.approx(truth[side], abs=PER_PX) or (measured == 0 and truth[side] < 1.5 * PER_PX)


@settings(max_examples=15, deadline=None)
@given(right=st.floats(-40, 40), down=st.floats(-40, 40))
def test_a_shift_moves_margins_and_centre_and_nothing_else(right: float, down: float) -> None:
    before, after = facts(chest(PLAIN)), facts(chest(PLAIN.moved(right, down)))
    shift = {"left": right, "right": -right, "top": down, "bottom": -down}
    for side in SIDES:
        moved = number(after, f"margin_{side}_mm") - number(before, f"margin_{side}_mm")
        assert moved == pytest.approx(shift[side], abs=PER_PX)
    for name, way in (("horizontal", right), ("vertical", down)):
        offset = f"centre_offset_{name}_mm"
        assert number(after, offset) - number(before, offset) == pytest.approx(way, abs=PER_PX)
    for name in ("rotation_ratio", "lung_height_width_ratio", "excess_field_ratio", "lung_area_ratio"):
        assert number(after, name) == pytest.approx(number(before, name), abs=0.05)


@pytest.mark.parametrize("turned", [-8.0, -3.0, 4.0, 9.0])
def test_margins_are_square_to_a_turned_field(turned: float) -> None:
    """A round lung is as far from a side of a field turned about the lung's own middle, however it is turned."""
    round_lungs = Drawing(lung_left=Oval(180, 180, 90, 90), lung_right=Oval(180, 180, 90, 90))
    found = facts(chest(round_lungs, field=(60, 50, 300, 310), turned=turned))
    assert number(found, "margin_left_mm") == pytest.approx(30, abs=PER_PX)
    assert number(found, "margin_top_mm") == pytest.approx(40, abs=PER_PX)
    assert number(found, "centre_offset_horizontal_mm") == pytest.approx(0, abs=PER_PX)


@pytest.mark.parametrize("scale", [0.5, 1.5])
def test_a_film_of_another_size_has_other_millimetres_and_the_same_ratios(scale: float) -> None:
    whole = facts(chest(PLAIN))
    plane = replace(chest(PLAIN).percent, scale="mm", across=scale * PER_PX, down=scale * PER_PX)
    other = facts(chest(PLAIN, mm=plane))
    for name in NAMES:
        if not name.startswith("chest.rotation_towards"):
            short = name.removeprefix("chest.")
            factor = scale if name.endswith("_mm") else 1.0
            assert number(other, short) == pytest.approx(factor * number(whole, short), rel=1e-6), name


def test_mirrored_the_patient_keeps_his_sides_and_the_picture_changes_its() -> None:
    drawing = replace(PLAIN, end_left=(155.0, 84.0), scapula_left=Oval(60, 120, 20, 50), spine_deg=3.0)
    plain = facts(chest(drawing))
    mirror = facts(chest(drawing.flipped(), patient_left_is_image_left=True))
    assert number(mirror, "margin_left_mm") == pytest.approx(number(plain, "margin_right_mm"), abs=0.5)
    for name in ("rotation_ratio", "rotation_deg", "scapula_overlap_left_ratio", "lung_area_ratio"):
        assert number(mirror, name) == pytest.approx(number(plain, name), abs=0.01), name
    assert plain.text("chest.rotation_towards") == mirror.text("chest.rotation_towards") == "R"
    assert number(mirror, "spine_tilt_deg") == pytest.approx(-number(plain, "spine_tilt_deg"), abs=0.2)


@pytest.mark.parametrize(("end_left", "end_right"), [(160, 200), (150, 200), (160, 215), (172, 212), (165, 188)])
def test_rotation_is_the_asymmetry_of_the_clavicle_ends(end_left: float, end_right: float) -> None:
    found = facts(chest(replace(PLAIN, end_left=(end_left, 80.0), end_right=(end_right, 80.0))))
    left, right = 180 - end_left, end_right - 180
    truth = abs(right - left) / (right + left)
    assert number(found, "rotation_ratio") == pytest.approx(truth, abs=0.05)
    share = abs(right - left) / 2 / (305 - 45)
    assert number(found, "rotation_deg") == pytest.approx(degrees_of_shift(share), abs=0.5)
    if truth:
        # Image right is the patient's left.
        assert found.text("chest.rotation_towards") == ("L" if right > left else "R")


def test_a_spine_that_leans_does_not_read_as_rotation() -> None:
    lean = np.tan(np.radians(6)) * 100
    leaning = replace(PLAIN, spine_deg=6.0, end_left=(160.0 + lean, 80.0), end_right=(200.0 + lean, 80.0))
    found = facts(chest(leaning))
    assert number(found, "rotation_ratio") < 0.06
    assert number(found, "spine_tilt_deg") == pytest.approx(6, abs=0.4)


@pytest.mark.parametrize("lower", [0.0, 6.0, 18.0])
def test_height_difference_of_the_clavicle_ends(lower: float) -> None:
    found = facts(chest(replace(PLAIN, end_right=(200.0, 80.0 + lower))))
    assert number(found, "clavicle_height_difference_mm") == pytest.approx(lower, abs=0.5)
    assert number(found, "clavicle_height_difference_percent") == pytest.approx(lower / 3.6, abs=0.15)


@pytest.mark.parametrize("tilt", [-11.0, -4.0, 0.0, 7.0])
def test_tilt_is_the_angle_drawn(tilt: float) -> None:
    assert number(facts(chest(replace(PLAIN, spine_deg=tilt))), "spine_tilt_deg") == pytest.approx(tilt, abs=0.5)


def test_overlap_of_a_scapula_is_its_share_of_that_lung() -> None:
    """A scapula wholly inside a lung covers the ratio of the areas; the other side's is clear."""
    found = facts(chest(replace(PLAIN, scapula_left=Oval(105, 160, 15, 40))))
    truth = 15 * 40 / (60 * 130)
    assert number(found, "scapula_overlap_right_ratio") == pytest.approx(truth, rel=0.08)
    assert number(found, "scapula_overlap_left_ratio") == 0


def test_shape_size_and_centring_of_the_field() -> None:
    found = facts(chest(PLAIN, field=(15, 20, 345, 350)))
    box = 45, 50, 305, 310
    width, height = box[2] - box[0], box[3] - box[1]
    assert number(found, "lung_height_width_ratio") == pytest.approx(height / width, abs=0.01)
    least = (width * 1.14) * (height + 0.14 * width)
    assert number(found, "excess_field_ratio") == pytest.approx(330 * 330 / least - 1, abs=0.02)
    assert number(found, "centre_offset_horizontal_mm") == pytest.approx(175 - 180, abs=PER_PX)
    assert number(found, "centre_offset_vertical_mm") == pytest.approx(180 - 185, abs=PER_PX)
    assert number(found, "lung_area_ratio") == pytest.approx(55 * 125 / (60 * 130), rel=0.01)


@pytest.mark.parametrize("side", SIDES)
def test_a_lung_beyond_the_field_touches_it_and_has_no_shape(side: str) -> None:
    over = {"left": (-70.0, 0.0), "right": (70.0, 0.0), "top": (0.0, -70.0), "bottom": (0.0, 70.0)}[side]
    found = facts(chest(PLAIN.moved(*over)))
    assert number(found, f"margin_{side}_mm") == 0 == number(found, "margin_least_mm")
    unknown = [name for name in NAMES if "offset" in name or "excess" in name or "height_width" in name]
    assert reasons(found, unknown) == {Reason.NOT_RELIABLE}


@pytest.mark.parametrize("side", CUTS)
def test_where_the_network_was_asked_its_word_on_a_cut_counts(side: Side) -> None:
    """A border that was not found costs no cut, and a lung that just fits is none."""
    told = dict.fromkeys(CUTS, 0.02)
    away, along = chest(PLAIN), chest(PLAIN, field=(45, 50, 305, 310))
    said = facts(replace(away, structures=replace(away.structures, cut=told | {side: 0.9})))
    assert number(said, f"margin_{side}_mm") == 0 == number(said, "margin_least_mm")
    assert [other for other in SIDES if number(said, f"margin_{other}_mm") == 0] == [side]
    fits = facts(replace(along, structures=replace(along.structures, cut=told)))
    assert 0 < number(fits, f"margin_{side}_mm") < 2 * PER_PX


@pytest.mark.parametrize("side", CUTS)
def test_between_both_limits_nobody_is_told_and_the_side_is_marked(side: Side) -> None:
    told = dict.fromkeys(CUTS, 0.02) | {side: (WHOLE + CUT) / 2}
    film = chest(PLAIN)
    said = facts(replace(film, structures=replace(film.structures, cut=told)))
    lengths = [f"chest.margin_{name}_{scale}" for name in (side, "least") for scale in ("mm", "percent")]
    assert reasons(said, lengths) == {Reason.TOO_CLOSE}
    assert reasons(said, ["chest.excess_field_ratio", "chest.lung_height_width_ratio"]) == {Reason.NOT_RELIABLE}
    assert all(number(said, f"margin_{other}_mm") > 0 for other in SIDES if other != side)
    assert number(said, "margins_undecided") == 1
    marks = fact(said, "margins_undecided").marks
    assert [(mark.name, mark.caption) for mark in marks if mark.kind == "arrow"] == [(f"margin_{side}", "?")]
    assert {"lung_left", "lung_right"} <= {mark.name for mark in marks}


def test_one_lung_that_is_cut_is_told_whatever_the_other_sides_are() -> None:
    told: dict[Side, float] = {"left": 0.99, "right": (WHOLE + CUT) / 2, "top": 0.02, "bottom": 0.02}
    sure = {"left": 0.9, "right": 0.5, "top": 0.3, "bottom": 1.0}
    film = chest(PLAIN, sure_of_side=sure)
    said = facts(replace(film, structures=replace(film.structures, cut=told)))
    assert number(said, "margin_least_mm") == 0
    assert fact(said, "margin_least_mm").confidence == pytest.approx(0.9)
    assert number(said, "margins_undecided") == 1


@pytest.mark.parametrize(("told", "cut"), [(0.0, False), (WHOLE, False), (CUT, True), (1.0, True)])
def test_at_the_limits_and_beyond_the_word_counts(told: float, cut: bool) -> None:
    film = chest(PLAIN)
    asked = dict.fromkeys(CUTS, 0.0) | {"top": told}
    said = facts(replace(film, structures=replace(film.structures, cut=asked)))
    assert (number(said, "margin_least_mm") == 0) is cut
    assert number(said, "margins_undecided") == 0 and fact(said, "margins_undecided").marks == ()


def test_the_mirror_image_s_word_on_a_cut_is_of_the_other_side() -> None:
    film = chest(PLAIN)
    outputs = DrawnNetwork(PLAIN).run({"image": np.zeros((2, 1, SIDE, SIDE), np.float32)})
    outputs["cut"] = np.asarray([[0.8, 0.1, 0.3, 0.0], [0.2, 0.6, 0.1, 0.0]], np.float32)
    found = both_ways(lambda batch: outputs, film.structures.canvas)
    assert found.straight.cut == pytest.approx({"left": 0.8, "right": 0.1, "top": 0.3, "bottom": 0.0})
    assert found.mean.cut == pytest.approx({"left": 0.7, "right": 0.15, "top": 0.2, "bottom": 0.0})


def without(**changes: object) -> Chest:
    return chest(replace(PLAIN, **changes))  # type: ignore[arg-type] # fields of Drawing by name


def test_what_is_not_seen_has_no_number() -> None:
    assert reasons(facts(without(lung_left=None)), NAMES) == {Reason.NOT_RELIABLE}
    turn = ["chest.rotation_ratio", "chest.rotation_deg", "chest.rotation_towards"]
    level = ["chest.clavicle_height_difference_mm", "chest.clavicle_height_difference_percent"]
    assert reasons(facts(without(end_left=None)), turn + level) == {Reason.NOT_RELIABLE}
    spineless = facts(without(without=frozenset({"spinous_line", "spine"})))
    assert reasons(spineless, [*turn, "chest.spine_tilt_deg"]) == {Reason.NOT_RELIABLE}
    assert number(spineless, "clavicle_height_difference_mm") < 1
    bare = facts(without(scapula_right=None))
    assert reasons(bare, ["chest.scapula_overlap_left_ratio"]) == {Reason.NOT_RELIABLE}
    assert number(bare, "scapula_overlap_right_ratio") < 0.001


def test_crossed_clavicle_ends_are_not_measured() -> None:
    found = facts(without(end_left=(200.0, 80.0), end_right=(160.0, 80.0)))
    assert reasons(found, ["chest.rotation_ratio", "chest.clavicle_height_difference_mm"]) == {Reason.NOT_RELIABLE}


def test_without_spacing_there_are_shares_of_the_width_and_no_millimetres() -> None:
    found = facts(chest(PLAIN, spacing=False))
    assert reasons(found, [name for name in NAMES if name.endswith("_mm")]) == {Reason.NO_SPACING}
    assert number(found, "margin_left_percent") == pytest.approx(45 / 3.6, abs=0.2)
    assert fact(found, "margin_left_percent").marks[0].caption.endswith("%")
    assert number(found, "rotation_ratio") < 0.05


def test_a_blurred_border_and_an_unsure_field_take_confidence() -> None:
    sharp, soft = facts(chest(PLAIN)), facts(chest(replace(PLAIN, soft=6.0)))
    assert fact(sharp, "margin_top_mm").confidence > 0.9
    assert fact(soft, "margin_top_mm").confidence < 0.6
    doubted = facts(chest(PLAIN, sure_of_side={"left": 0.5, "right": 1.0, "top": 1.0, "bottom": 1.0}))
    assert fact(doubted, "margin_left_mm").confidence == 0.5
    assert fact(doubted, "margin_right_mm").confidence > 0.9


def test_marks_show_what_was_measured() -> None:
    found = facts(chest(PLAIN))
    arrow = fact(found, "margin_left_mm").marks[0]
    assert (arrow.kind, arrow.name, arrow.caption) == ("arrow", "margin_left", "45 mm")
    (x, y), (edge, same) = arrow.points
    assert x == pytest.approx(45 / 360, abs=0.01) and edge == pytest.approx(0, abs=0.002) and y == same
    least = fact(found, "margin_least_mm").marks
    assert [mark.name for mark in least[:2]] == ["lung_right", "lung_left"]
    assert all(3 < len(mark.points) <= 60 for mark in least[:2])
    names = [mark.name for mark in fact(found, "rotation_ratio").marks]
    assert names == ["spinous_line", "clavicle_end", "clavicle_end", "rotation", "rotation"]
    for one in found:
        for mark in getattr(one, "marks", ()):
            assert all(0 <= c <= 1 for point in mark.points for c in point), mark


def map_of(*rows_and_columns: tuple[slice, slice]) -> NDArray[np.float32]:
    values = np.zeros((256, 256), np.float32)
    for rows, columns in rows_and_columns:
        values[rows, columns] = 0.95
    return values


def test_an_organ_is_its_largest_part_without_holes() -> None:
    drawn = map_of((slice(40, 140), slice(30, 90)), (slice(200, 210), slice(200, 210)))
    drawn[80:90, 50:60] = 0
    organ = organ_of(drawn)
    assert organ is not None and organ.area == 100 * 60
    assert organ.stray == pytest.approx(100 / (100 * 60), rel=0.05)
    assert organ_of(np.full((256, 256), 0.3, np.float32)) is None


def test_a_thread_is_no_part_of_a_lung_and_a_sharp_angle_keeps_its_tip() -> None:
    threaded = map_of((slice(40, 140), slice(30, 90)), (slice(140, 180), slice(50, 53)))
    lung = organ_of(threaded, whole=True)
    assert lung is not None and lung.contour[:, 1].max() < 147
    rows, columns = np.mgrid[0:256, 0:256]
    wedge = np.where((columns >= 40) & (rows >= 60) & (columns - 40 < 0.7 * (200 - rows)), 0.95, 0)
    sharp = organ_of(wedge.astype(np.float32), whole=True)
    assert sharp is not None and sharp.contour[:, 1].max() > 197


def spot(x: float, y: float, spread: float, peak: float = 0.9) -> NDArray[np.float32]:
    rows, columns = np.mgrid[0:256, 0:256] + 0.5
    warmth = peak * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * spread**2))
    return np.asarray(warmth, np.float32)


def test_a_landmark_is_as_sure_as_its_spot_is_warm_sharp_and_single() -> None:
    sharp = peak_of(spot(100.3, 80.7, 3))
    assert sharp is not None and sharp.confidence == 1
    assert sharp.at == pytest.approx((100.3, 80.7), abs=0.2)
    wide, faint = peak_of(spot(100, 80, 9)), peak_of(spot(100, 80, 3, peak=0.25))
    two = peak_of(np.maximum(spot(100, 80, 3), spot(150, 80, 3, peak=0.85)))
    assert wide is not None and faint is not None and two is not None
    assert max(wide.confidence, faint.confidence, two.confidence) < 0.8
    assert two.confidence == 0.5 and faint.confidence == pytest.approx(0.5, abs=0.02)
    assert peak_of(spot(100, 80, 3, peak=0.1)) is None
