"""Lines of two exams side by side, without a network: what is one place, what is parted, how far it reaches."""

from __future__ import annotations

import cv2
import numpy as np

from capture.screen.lines import Line, paired, room
from capture.screen.ocr.engine import Bgr
from capture.screen.template import Box

INK, GROUND = (0, 0, 0), 240


def screen(*texts: tuple[str, int, int]) -> Bgr:
    shown = np.full((200, 600, 3), GROUND, np.uint8)
    for text, x, y in texts:
        cv2.putText(shown, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.6, INK, 2)
    return shown


def line(text: str, x: int, y: int, w: int, h: int = 24) -> Line:
    return Line(Box(x=x, y=y, w=w, h=h), text)


def test_a_label_found_in_one_line_with_its_value_is_parted() -> None:
    a, b = screen(("PROG", 20, 60), ("KNEE", 140, 60)), screen(("PROG", 20, 60), ("CHEST", 140, 60))
    label, found = paired(
        [line("PROG KNEE", 15, 42, 185)], [line("PROG", 15, 42, 70), line("CHEST", 135, 42, 80)], a, b
    )
    assert (label.text, label.changed, found.texts, found.changed) == ("PROG", False, ("KNEE", "CHEST"), True)
    assert label.box.x + label.box.w < found.box.x <= 140
    assert "KNEE" not in repr(found)


def test_rows_that_moved_a_little_find_each_other() -> None:
    shown = screen()
    first = [line("ONE", 20, 40, 60), line("TWO", 20, 64, 60)]
    moved = [line("UNO", 20, 47, 60), line("DUE", 20, 71, 60)]
    assert [pair.texts for pair in paired(first, moved, shown, shown)] == [("ONE", "UNO"), ("TWO", "DUE")]


def test_a_text_of_one_exam_alone_is_a_changed_one_unless_its_pixels_are_the_same() -> None:
    a, b = screen(("KNEE", 140, 60)), screen()
    (only,) = paired([line("KNEE", 135, 42, 70)], [], a, b)
    assert (only.texts, only.changed, only.text) == (("KNEE",), True, "KNEE")
    (missed,) = paired([line("KNEE", 135, 42, 70)], [], a, a)
    assert not missed.changed


def test_a_field_grows_over_its_own_background_up_to_the_next_thing() -> None:
    a, b = screen(("81", 100, 60), ("kV", 190, 60)), screen(("120", 100, 60), ("kV", 190, 60))
    pairs = paired(
        [line("81", 97, 42, 30), line("kV", 187, 42, 30)], [line("120", 97, 42, 42), line("kV", 187, 42, 30)], a, b
    )
    box = room(pairs[0], pairs, a, b)
    assert (box.x, 175 < box.x + box.w <= 188) == (97, True)
    framed_a, framed_b = a.copy(), b.copy()
    for shown in (framed_a, framed_b):
        cv2.rectangle(shown, (90, 44), (160, 64), (90, 90, 90), 1)
    inside = room(pairs[0], pairs, framed_a, framed_b)
    assert inside.x + inside.w <= 160
    assert (inside.y, inside.y + inside.h) == (45, 64)
