"""Marks over the picture: what is strong, what is faint, and that no caption hides another."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from edge.console.captions import Caption
from edge.console.overlay import overlay_of
from edge.store import cards
from edge.store.cards import Card
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason
from models.rules.verdict import Finding, Grade, NotAssessed
from tests.unit.edge.console.stage import FACTS, Stage, build, dim, off_centre, verdict

LUNG = Mark("contour", "lung_left", ((0.55, 0.2), (0.8, 0.3), (0.85, 0.8), (0.6, 0.7)))
TOP = Mark("arrow", "margin_top", ((0.6, 0.2), (0.6, 0.05)), "27 mm")
CUT = Mark("arrow", "margin_bottom", ((0.7, 1.0), (0.7, 1.0)), "0 mm")
PACER = Mark("heat", "medical_device", ((0.2, 0.2), (0.3, 0.2), (0.3, 0.3)), weight=0.9)


def fact(name: str, *marks: Mark) -> Measurement:
    return Measurement(name, 1.0, "mm", "margins/1", marks=marks)


def finding(of: Measurement, base: Finding | None = None) -> Finding:
    return replace(base or off_centre(), evidence=(of,))


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return build(tmp_path)


def card_of(stage: Stage, facts: tuple[Measured, ...], *findings: Finding) -> Card:
    given = replace(verdict(Grade.BING), findings=findings)
    case_id = stage.add(given=given, facts=(*FACTS, *facts), size=(1200, 1000))
    card = stage.services.db.read(lambda c: cards.one(c, case_id, identity=False))
    assert card is not None
    return card


def test_what_a_finding_rests_on_is_strong_and_numbered_the_rest_is_faint(stage: Stage) -> None:
    bottom, top = fact("chest.margin_bottom_mm", CUT, LUNG), fact("chest.margin_top_mm", TOP, LUNG)
    overlay = overlay_of(card_of(stage, (bottom, top), finding(bottom)))
    assert [(shape.kind, shape.strong) for shape in overlay.shapes] == [
        ("margin", False), ("lung", True), ("margin", True),
    ]  # fmt: skip
    assert overlay.legend == (("lung", True), ("margin", True)) and overlay.boxed == ()
    assert [(box.text, box.number, box.strong) for box in overlay.captions] == [
        ("0 mm", 1, True), ("27 mm", None, False),
    ]  # fmt: skip
    assert overlay.captions[0].severity == off_centre().severity


def test_a_finding_without_marks_keeps_its_box(stage: Stage) -> None:
    top = fact("chest.margin_top_mm", TOP)
    overlay = overlay_of(card_of(stage, (top,), off_centre(), finding(top, replace(dim(), regions=()))))
    assert overlay.boxed == (1,) and overlay.captions[0].number == 2


def test_a_mark_of_two_findings_carries_both_numbers_somewhere(stage: Stage) -> None:
    both = fact("chest.margin_top_mm", TOP, LUNG)
    overlay = overlay_of(card_of(stage, (both,), finding(both), finding(both, dim())))
    assert sorted(box.number for box in overlay.captions if box.number) == [1, 2]
    assert [box.severity for box in sorted(overlay.captions, key=lambda b: b.number or 9)][:2] == [
        "major",
        "minor",
    ]


def test_a_medical_device_is_nobodys_fault(stage: Stage) -> None:
    seen = fact("chest.foreign_object_probability", PACER)
    [shape] = overlay_of(card_of(stage, (seen,), finding(seen))).shapes
    assert (shape.kind, shape.strong, shape.form) == ("device", False, "heat")


def test_an_object_that_no_finding_names_is_not_drawn(stage: Stage) -> None:
    """The network guesses at every film; a good one must not show "foreign object" beside its grade A."""
    thing = replace(PACER, name="foreign_object")
    seen = fact("chest.foreign_object_probability", thing, PACER)
    assert overlay_of(card_of(stage, (seen,))).legend == ()
    drawn = overlay_of(card_of(stage, (seen,), finding(seen)))
    assert drawn.legend == (("device", False), ("object", True))


def test_metal_on_a_ct_is_measured_not_guessed(stage: Stage) -> None:
    metal = fact("ct.metal_ratio", replace(PACER, name="metal"))
    assert overlay_of(card_of(stage, (metal,))).legend == (("object", False),)


def test_an_arrow_too_short_to_be_seen_gets_a_ring(stage: Stage) -> None:
    one = fact("chest.margin_bottom_mm", CUT)
    two = fact("chest.margin_top_mm", TOP)
    none, long = overlay_of(card_of(stage, (one, two))).shapes
    assert "a" in none.line and "a" in none.solid  # ring and dot
    assert "a" not in long.line and long.solid.endswith("Z")  # shaft and head


@pytest.mark.parametrize("corner", [(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.5, 0.0)])
def test_the_ring_of_what_is_cut_off_at_the_edge_is_seen_whole(stage: Stage, corner: tuple[float, float]) -> None:
    card = card_of(stage, (fact("chest.margin_left_mm", Mark("arrow", "margin_left", (corner, corner), "0 mm")),))
    [ring] = overlay_of(card).shapes
    wide, high = card.columns or 1000, card.rows or 1000
    radius = float(re.findall(r"a([\d.]+) ", ring.line)[0])
    left, middle = (float(one) for one in re.findall(r"M(-?[\d.]+) (-?[\d.]+)", ring.line)[-1])
    assert 0 <= left <= wide - 2 * radius
    assert radius <= middle <= high - radius


def test_captions_stay_inside_and_apart(stage: Stage) -> None:
    marks = [Mark("arrow", f"margin_{n}", ((x, y), (x, y)), f"{n} mm") for n, (x, y) in enumerate(
        (x, y) for x in (0.0, 0.02, 0.98, 1.0) for y in (0.0, 0.03, 1.0)
    )]  # fmt: skip
    found = fact("chest.margin_top_mm", *marks)
    boxes = overlay_of(card_of(stage, (found,), finding(found))).captions
    assert len(boxes) == 12
    for box in boxes:
        assert box.x >= 0 and box.y >= 0 and box.x + box.width <= 1000 and box.y + box.height <= 1200
    assert not any(overlap(one, other) for one in boxes for other in boxes if one is not other)


def test_no_caption_covers_a_line_that_a_finding_rests_on(stage: Stage) -> None:
    """Top and bottom of a thin stack: red lines with hardly a caption's height between them."""
    red = fact(
        "ct_head.margin_top_mm",
        Mark("line", "missing_top", ((0.3, 0.40), (0.6, 0.40)), "0 mm"),
        Mark("line", "missing_bottom", ((0.3, 0.47), (0.6, 0.47)), "0 mm"),
    )
    faint = fact("ct_head.streak_mm", Mark("line", "streak", ((0.3, 0.435), (0.6, 0.435)), "0.5 mm"))
    boxes = overlay_of(card_of(stage, (red, faint), finding(red))).captions
    assert [box.text for box in boxes] == ["0 mm", "0 mm"], "the faint one would lie on a red line or on its own"
    for box in boxes:
        for y in (0.40 * 1200, 0.47 * 1200):
            assert not (box.y <= y <= box.y + box.height and box.x < 600 and box.x + box.width > 300), box


def test_a_faint_caption_without_room_is_left_out_and_a_strong_one_never(stage: Stage) -> None:
    lines = [Mark("line", f"missing_{n}", ((0.0, n / 30), (1.0, n / 30)), "9 mm") for n in range(31)]
    red = fact("ct_head.margin_top_mm", *lines)
    faint = fact("ct_head.streak_mm", Mark("line", "streak", ((0.3, 0.51), (0.6, 0.51)), "0.5 mm"))
    boxes = overlay_of(card_of(stage, (red, faint), finding(red))).captions
    assert [box.text for box in boxes] == ["9 mm"] * 31


def overlap(one: Caption, other: Caption) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.y + other.height and other.y < one.y + one.height


def test_marks_that_cannot_be_drawn_are_left_out(stage: Stage) -> None:
    bad = fact(
        "chest.margin_top_mm", Mark("line", "rotation", ()), Mark("line", "rotation", ((0.1, float("nan")),))
    )
    card = card_of(stage, (bad,))
    assert card.drawings == () and not overlay_of(card).shapes


def test_a_list_of_cases_carries_no_drawings(stage: Stage) -> None:
    card = card_of(stage, (fact("chest.margin_top_mm", TOP),))
    [listed] = stage.services.db.read(lambda c: cards.recent(c, 5, identity=False))
    [shown] = stage.services.db.read(lambda c: cards.on_board(c, 0, 5, identity=False))
    assert (listed.drawings, shown.drawings) == ((), card.drawings) and card.drawings


async def test_a_good_image_that_was_not_wholly_assessed_is_not_praised_as_if_it_were(stage: Stage) -> None:
    unlike = NotMeasured("chest.rotation_deg", Reason.UNLIKE_TRAINING)
    open_rule = NotAssessed("PA03", off_centre().title, (unlike,))
    async with stage.logged_in() as browser:
        stage.add(Grade.JIA)  # its network is not installed: nothing that this picture lacks
        assert "Well done" in (await browser.get("/")).text
        stage.add(given=replace(verdict(Grade.JIA), not_assessed=(open_rule,)))
        page = (await browser.get("/")).text
        assert "Nothing wrong in what could be assessed" in page[: page.index("</article>")]


async def test_the_pages_draw_explain_and_say_what_was_not_assessed(stage: Stage) -> None:
    bottom = fact("chest.margin_bottom_mm", CUT, LUNG)
    unlike = NotMeasured("chest.rotation_deg", Reason.UNLIKE_TRAINING)
    given = replace(
        verdict(Grade.BING),
        findings=(finding(bottom),),
        not_assessed=(NotAssessed("PA03", off_centre().title, (unlike,)),),
    )
    case_id = stage.add(given=given, facts=(*FACTS, bottom))
    async with stage.logged_in() as browser:
        for address in ("/", f"/case/{case_id}"):
            page = (await browser.get(address)).text
            assert re.search(
                r'class="of-margin arrow strong"><path class="halo" d="M[^"]+"/><path class="ink"', page
            )
            assert ">0 mm</text>" in page and 'id="overlay"' in page
            legend = page[page.index('<figcaption class="legend marks">') : page.index("</figcaption>")]
            assert "Margin" in legend and "1 not assessed: unlike what the network learnt from" in legend
        picture = page[page.index("<figure") : page.index("</figure>")]
        assert "regions" in picture and "<rect x=" not in picture  # the mark stands for the box
