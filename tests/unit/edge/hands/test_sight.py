"""Patches on a screen: where they are now, not there, there twice, or greyed out."""

from __future__ import annotations

import base64
import json

import cv2
import numpy as np
import pytest

from capture.errors import Misuse
from capture.screen.template import Box
from edge.hands.ports import Bgr
from edge.hands.sequence import Patch, Sequence, load, names_in
from edge.hands.sight import Shift, holds, locate, telling

WINDOW = Box(x=100, y=80, w=120, h=40)


def screen(*at: tuple[int, int], text: str = "Save") -> Bgr:
    """A desktop with buttons at these places."""
    shown = np.random.default_rng(3).normal(90, 3, (400, 600, 3)).clip(0, 255).astype(np.uint8)
    for x, y in at:
        cv2.rectangle(shown, (x, y), (x + 119, y + 39), (200, 190, 180), -1)
        cv2.putText(shown, text, (x + 20, y + 28), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (20, 20, 20), 2)
    return shown


def cut(shown: Bgr, box: Box, similarity: float = 0.9) -> Patch:
    png = cv2.imencode(".png", shown[box.rows, box.columns])[1].tobytes()
    return Patch(box=box, png=base64.b64encode(png).decode(), similarity=similarity)


PATCH = cut(screen((100, 80)), WINDOW)


def test_where_it_was_and_where_it_went() -> None:
    assert locate(screen((100, 80)), (PATCH,), 0) == Shift(0, 0)
    assert locate(screen((340, 230)), (PATCH,), 500) == Shift(240, 150)
    assert locate(screen((340, 230)), (PATCH,), 100) == "not_seen"


@pytest.mark.parametrize(
    "shown",
    [
        screen(),
        screen((100, 80), text="Exit"),
        (screen((100, 80)) * 0.6).astype(np.uint8),
        np.zeros((400, 600, 3), np.uint8),
    ],
    ids=["gone", "another button", "greyed out", "black"],
)
def test_not_there(shown: Bgr) -> None:
    assert locate(shown, (PATCH,), 500) == "not_seen"
    assert not holds(shown, (PATCH,), Shift(0, 0))


def test_twice_is_not_a_place() -> None:
    assert locate(screen((20, 200), (340, 230)), (PATCH,), 500) == "ambiguous"
    assert locate(screen((100, 80), (340, 230)), (PATCH,), 500) == Shift(0, 0), "where it was taught it is told"


def test_all_patches_must_have_moved_together() -> None:
    other = cut(screen((100, 80), (300, 80)), Box(x=300, y=80, w=120, h=40))
    assert locate(
        screen((130, 100), (330, 100)), (cut(screen((100, 80)), Box(x=96, y=76, w=128, h=48)), other), 0
    ) == ("not_seen")
    title = cut(screen((100, 80), text="RIS"), WINDOW)
    both = screen((130, 100), text="RIS")
    cv2.putText(both, "Patient", (330, 128), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (250, 250, 250), 2)
    label = cut(both, Box(x=325, y=100, w=110, h=40)).model_copy(update={"box": Box(x=295, y=80, w=110, h=40)})
    assert locate(both, (title, label), 200) == Shift(30, 20)
    stays = label.model_copy(update={"box": Box(x=325, y=100, w=110, h=40)})
    assert locate(both, (title, stays), 200) == "not_seen"


def test_a_surface_tells_nothing() -> None:
    assert not telling(np.full((20, 20, 3), 77, np.uint8)) and telling(screen((0, 0))[:40, :120])


def test_a_sequence_comes_back_as_it_was_written() -> None:
    made = Sequence.model_validate(
        {
            "id": "ris", "title": "RIS", "width": 600, "height": 400,
            "steps": [
                {"do": "click", "x": 5, "y": 5, "sees": [PATCH.model_dump()]},
                {"do": "type", "text": "{verdict} {grade}", "echo": {"x": 300, "y": 80, "w": 90, "h": 20},
                 "sees": [PATCH.model_dump()]},
                {"do": "press", "keys": ["ctrl", "s"], "sees": [PATCH.model_dump()]},
            ],
        }
    )  # fmt: skip
    assert load(made.dump()) == made and made.names == ("grade", "verdict")


@pytest.mark.parametrize(
    "step",
    [
        {"do": "click", "x": 700, "y": 5},
        {"do": "press", "keys": ["Enter"]},
        {"do": "type", "text": "{0}", "echo": {"x": 300, "y": 80, "w": 90, "h": 20}},
        {"do": "type", "text": "{a.b}", "echo": {"x": 300, "y": 80, "w": 90, "h": 20}},
        {"do": "type", "text": "{a", "echo": {"x": 300, "y": 80, "w": 90, "h": 20}},
        {"do": "type", "text": "x", "echo": {"x": 150, "y": 80, "w": 90, "h": 20}},
        {"do": "wait", "sees": []},
        {"do": "wait", "sees": [{**PATCH.model_dump(), "png": "#"}]},
        {"do": "wait", "roams": 3},
        {"do": "erase"},
    ],
    ids=["outside", "no such key", "position", "attribute", "open brace", "covers what it sees", "blind",
         "no base64", "misspelt", "unknown"],
)  # fmt: skip
def test_a_sequence_that_is_wrong_is_refused_without_quoting_it(step: dict[str, object]) -> None:
    whole = {"id": "ris", "title": "RIS", "width": 600, "height": 400}
    content = {**whole, "schema_version": 1, "steps": [{"sees": [PATCH.model_dump()], **step}]}

    with pytest.raises(Misuse, match=r"hands\.sequence"):
        load(json.dumps(content).encode())


def test_names_are_plain() -> None:
    assert names_in("{{}} {verdict}") == ("verdict",)
    with pytest.raises(ValueError, match="plain"):
        names_in("{verdict!r}")
