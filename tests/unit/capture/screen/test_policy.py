"""The policy: what is accepted, and what a person has to look at."""

from __future__ import annotations

import pytest

from capture.screen.format import learn
from capture.screen.ocr.engine import Reading
from capture.screen.policy import decide
from capture.screen.template import Box, FieldKind, ScreenField


def field(kind: FieldKind, *samples: str, low: float | None = None, high: float | None = None) -> ScreenField:
    box = Box(x=0, y=0, w=9, h=9)
    return ScreenField(keyword="KVP", box=box, kind=kind, format=learn(samples, kind), low=low, high=high)


def said(text: str, *scores: float) -> Reading:
    return Reading(text, scores if len(scores) == len(text) else (scores[0] if scores else 0.99,) * len(text))


NUMBER = field("number", "21.27", low=10, high=150)
NAME = field("name", "熊淼琪", "陆艳")
FREE = field("text", "胸部正位", "KNEE L AP")
LATIN = field("name", "ZHENG^MEILING", "WU YUTONG")


@pytest.mark.parametrize(
    ("taught", "first", "second", "reason"),
    [
        (NUMBER, said("84.10", 0.6), said("84.10", 0.5), ""),
        (NUMBER, said("84.10", 0.96), said("B4.10", 0.9), ""),
        (NUMBER, said("84.10", 0.94), said("34.10", 0.9), "readers_differ"),
        (NUMBER, said("84.10", 0.2), said("84.10", 0.2), "readers_differ"),
        (NUMBER, said("8410", 0.999), said("8410", 0.999), "format"),
        (NUMBER, said("841.00", 0.999), said("841.00", 0.999), "range"),
        (NUMBER, said("9.99", 0.999), said("9.99", 0.999), "range"),
        (NUMBER, said(""), said("84.10"), "empty"),
        (NAME, said("熊森琪", 0.987), said("熊森琪", 0.631), "readers_differ"),
        (NAME, said("洗浩艳", 0.913), said("洗浩艳", 0.91), "readers_differ"),
        (NAME, said("陆艳", 0.999), said("陆艳", 0.95), ""),
        (NAME, said("陆艳", 0.999), said("陆绝", 0.95), "readers_differ"),
        (FREE, said("KNEE LAPILAT", 0.82), said("KNEE LAPILAT", 0.89), "readers_differ"),
        (FREE, said("胸部正位", 0.82), said("胸部正位", 0.99), ""),
        (LATIN, said("CHEN-MARIA", 0.702), said("CHEN-MARIA", 0.959), "format"),
        (LATIN, said("WU MARIA", 0.6), said("WUMARIA", 0.9), ""),
        (LATIN, said("MA^XIN", 0.99, 0.99, 0.8, 0.99, 0.99, 0.99), said("MA^XIN"), "readers_differ"),
    ],
)
def test_the_rule(taught: ScreenField, first: Reading, second: Reading, reason: str) -> None:
    found = decide(taught, [first], [second])
    assert found.reason == reason
    assert (found.state == "accepted") == (reason == "")
    assert found.state == ("refused" if reason in ("format", "range", "empty") else found.state)


def test_frames_that_say_different_things_are_unsteady() -> None:
    frames = [said("84.10"), said("84.20")]
    assert decide(NUMBER, frames, frames).reason == "unsteady"
    assert decide(NUMBER, frames, frames).state == "to_check"


def test_the_value_is_shown_without_literals_and_never_in_its_repr() -> None:
    age = field("number", "33岁", "57岁")
    found = decide(age, [said("64 岁")], [said("64岁")])
    assert (found.text, found.second, found.state) == ("64", "64", "accepted")
    assert "64" not in repr(found)
    assert "64" not in repr(said("64 岁"))


def test_a_text_that_has_no_taught_format_is_shown_as_read() -> None:
    assert decide(NUMBER, [said("2127", 0.98)], [said("2127", 0.98)]).text == "2127"
