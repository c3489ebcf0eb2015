"""Is this the screen that was taught?"""

from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from capture.screen import anchors
from capture.screen.pixels import luma, picture
from capture.screen.template import Anchor, Box
from tests import screens
from tests.screens import DR, ULTRASOUND, Bgr, Capture

TAUGHT = DR.template()
ALL = len(TAUGHT.anchors)
FILM = screens.film(1)


def shifted(screen: Bgr, dx: int, dy: int) -> Bgr:
    matrix = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    return np.asarray(cv2.warpAffine(screen, matrix, (screens.WIDTH, screens.HEIGHT)), np.uint8)


@pytest.mark.parametrize("capture", ["bgr24", "yuyv", "q95", "q70", "worst", "limited", "interlaced"])
def test_every_way_of_capture(capture: Capture) -> None:
    values = {"PatientID": "99887766", "KVP": "66", "InstanceNumber": "7"}
    frame = screens.captured(DR.draw(FILM, values), capture)
    lines = 1 if capture == "interlaced" else 0
    for pixels in (luma(frame, 1), picture(frame).bgr):
        placed = anchors.place(pixels, TAUGHT)
        assert placed is not None
        assert (placed.dx, placed.matched) == (0, ALL)
        assert abs(placed.dy) <= lines


@pytest.mark.parametrize("screen", [DR.other_screen(), ULTRASOUND.draw(None), screens.colour_bars()])
def test_other_screens(screen: Bgr) -> None:
    assert anchors.place(screen, TAUGHT) is None


def test_another_resolution_is_another_screen() -> None:
    small = np.asarray(cv2.resize(DR.draw(FILM), (1280, 720)), np.uint8)
    assert anchors.place(small, TAUGHT) is None


def test_a_shifted_picture_is_moved_back() -> None:
    screen = DR.draw(FILM)
    placed = anchors.place(shifted(screen, 3, -2), TAUGHT)
    assert placed == anchors.Placed(3, -2, ALL)
    back = anchors.upright(shifted(screen, 3, -2), placed)
    assert np.array_equal(back[10:-10, 10:-10], screen[10:-10, 10:-10])
    assert anchors.place(shifted(screen, 9, 0), TAUGHT) is None


def test_a_dialog_may_cover_some_anchors_but_not_most() -> None:
    some = DR.draw(FILM, dialog=Box(x=0, y=200, w=900, h=400))
    placed = anchors.place(some, TAUGHT)
    assert placed is not None and TAUGHT.anchors_needed <= placed.matched < ALL
    assert anchors.place(DR.draw(FILM, dialog=Box(x=0, y=40, w=900, h=600)), TAUGHT) is None


@pytest.mark.parametrize("patch", ["", "not base64!", "AAAA"])
def test_patches_that_cannot_be_read_match_nothing(patch: str) -> None:
    broken = tuple(Anchor(box=one.box, patch=patch) for one in TAUGHT.anchors)
    assert anchors.place(DR.draw(FILM), TAUGHT.model_copy(update={"anchors": broken})) is None


def test_an_empty_surface_is_no_anchor() -> None:
    box = Box(x=1560, y=300, w=200, h=60)
    png = cv2.imencode(".png", np.full((60, 200), 212, np.uint8))[1].tobytes()
    flat = Anchor.model_validate({"box": box, "patch": base64.b64encode(png).decode()})
    assert anchors.place(DR.draw(FILM), TAUGHT.model_copy(update={"anchors": (flat,) * 4})) is None
