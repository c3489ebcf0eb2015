"""Covering: what is taught, what is found, and when a picture stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.redaction.answer import Area, Bgr, Redacted, Refused, Text
from capture.redaction.cover import LEFT_KNOWN, LEFT_TEXT, cover
from tests.unit.capture.redaction.nets import blank, ink


def test_all_text_goes_and_the_picture_itself_is_not_touched() -> None:
    drawn = blank()
    lines = [drawn.write("ZHAO MIN", 40, 40), drawn.write("00412788", 40, 300)]
    before = drawn.bgr.copy()
    answer = cover(drawn.bgr, (), (), ("ZHAO^MIN",), drawn.net)
    assert isinstance(answer, Redacted)
    assert all(ink(answer.bgr, drawn.bgr, line) == 0 for line in lines)
    assert len(answer.covered) == 2 and (drawn.bgr == before).all()
    assert (answer.bgr[200:280] == 60).all()


def test_what_is_taught_is_black_whatever_it_holds() -> None:
    drawn = blank()
    answer = cover(drawn.bgr, (Area(10, 10, 50, 20), Area(600, 470, 900, 900)), (), (), drawn.net)
    assert isinstance(answer, Redacted)
    assert (answer.bgr[10:20, 10:50] == 0).all() and (answer.bgr[470:, 600:] == 0).all()
    assert int((answer.bgr.max(axis=2) == 0).sum()) == 400 + 400
    assert answer.covered[1] == Area(600, 470, 640, 480)


def test_text_may_stay_only_inside_a_trusted_place() -> None:
    drawn = blank()
    inside, across = drawn.write("81 kV", 40, 40), drawn.write("102 kV ZHAO", 40, 120)
    trusted = (inside.grown(4), Area(30, 110, 150, 160))
    answer = cover(drawn.bgr, (), trusted, (), drawn.net)
    assert isinstance(answer, Redacted)
    assert ink(answer.bgr, drawn.bgr, inside) == 1
    assert ink(answer.bgr, drawn.bgr, across) == 0, "a line that reaches over its place may hold anything"


@pytest.mark.parametrize("text", ["ZHAO MIN", "ID 0041 2788", "MINZHAO"])
def test_a_trusted_place_that_says_who_it_is_keeps_the_picture_here(text: str) -> None:
    drawn = blank()
    place = drawn.write(text, 40, 40)
    assert cover(drawn.bgr, (), (place,), ("ZHAO^MIN", "00412788"), drawn.net) == LEFT_KNOWN


def test_a_number_cut_in_two_is_known_as_one() -> None:
    drawn = blank()
    places = [drawn.write("0041", 40, 40), drawn.write("2788", 200, 42)]
    assert cover(drawn.bgr, (), places, ("00412788",), drawn.net) == LEFT_KNOWN


def test_text_that_comes_again_and_again_keeps_the_picture_here() -> None:
    """A net that finds another readable line at every look is not at the end."""
    drawn = blank()

    def net(bgr: Bgr) -> list[Text]:
        drawn.looks += 1
        return [Text(Area(10, 20 * drawn.looks, 60, 20 * drawn.looks + 15), "left")]

    assert cover(drawn.bgr, (), (), (), net) == LEFT_TEXT


def test_what_cannot_be_read_is_covered_at_the_first_look_and_no_text_later() -> None:
    drawn = blank()

    def net(bgr: Bgr) -> list[Text]:
        drawn.looks += 1
        return [Text(Area(20 * drawn.looks, 10, 20 * drawn.looks + 12, 22), "", 0.0)]

    answer = cover(drawn.bgr, (), (), (), net)
    assert isinstance(answer, Redacted) and len(answer.covered) == 1


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(-20, 300), st.integers(-20, 200), st.integers(1, 150), st.integers(1, 60)),
        max_size=6,
    )
)
def test_outside_of_what_was_covered_no_pixel_changes(boxes: list[tuple[int, int, int, int]]) -> None:
    picture = np.random.default_rng(1).integers(1, 255, (160, 240, 3), np.uint8)
    texts = [Text(Area(x, y, x + w, y + h), "text") for x, y, w, h in boxes]
    asked = iter([texts])
    answer = cover(picture, (), (), (), lambda bgr: next(asked, []))
    assert not isinstance(answer, Refused)
    hidden = np.zeros(picture.shape[:2], np.bool_)
    for area in answer.covered:
        hidden[area.top : max(area.bottom, area.top), area.left : max(area.right, area.left)] = True
    assert (answer.bgr[~hidden] == picture[~hidden]).all() and (answer.bgr[hidden] == 0).all()
    for text in texts:
        place = text.area
        assert (
            answer.bgr[max(place.top, 0) : max(place.bottom, 0), max(place.left, 0) : max(place.right, 0)] == 0
        ).all()
