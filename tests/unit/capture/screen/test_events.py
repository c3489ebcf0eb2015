"""Streams with random timing: all events right, none extra, in time. The real readers are the second witness."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from capture.screen.events import Detector, Event
from capture.screen.memory import MOST_LOOKS, Memory, digest, load
from capture.screen.ocr import choice
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.reader import Reader
from capture.screen.template import Box
from tests import screens
from tests.benchmarks.screen_events import watch
from tests.screen_scenes import SCENES, dialog, exposure, freeze, window_drag
from tests.screen_streams import LATE_S, Stream
from tests.screens import DR, Capture, Grey

Scene = Callable[[np.random.Generator], Stream]
_CAPTURES: tuple[Capture, ...] = ("q95", "q70", "worst")
_NAMES = [scene.__name__ for scene in SCENES]


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(choice.make(ReadingSettings()))


@pytest.mark.slow
@pytest.mark.parametrize("capture", _CAPTURES)
@pytest.mark.parametrize("scene", SCENES, ids=_NAMES)
def test_all_events_and_none_extra(scene: Scene, capture: Capture, reader: Reader) -> None:
    """The bar of issue 5: forty streams and more at two qualities. Time is the stream's own."""
    rng = np.random.default_rng([_NAMES.index(scene.__name__), _CAPTURES.index(capture)])
    outcome = watch(scene(rng), capture, reader)
    assert outcome.found == outcome.expected
    assert max(outcome.late) <= LATE_S


@pytest.mark.parametrize("scene", [exposure, window_drag, dialog, freeze])
def test_without_a_second_witness(scene: Scene, reader: Reader) -> None:
    outcome = watch(scene(np.random.default_rng(9)), "q70", reader, witnesses=(), frozen_text="")
    assert outcome.found == outcome.expected


class Said:
    """A witness that says what it is told."""

    def __init__(self, *texts: str | None, placed: bool = True) -> None:
        self.here, self.said = placed, texts

    def placed(self) -> bool:
        return self.here

    def texts(self) -> tuple[str | None, ...]:
        return self.said


class Watching:
    """A detector with a clock of ten frames a second."""

    def __init__(self, memory: Memory | None = None, **changes: object) -> None:
        self.detector, self.time = Detector(DR.template(**changes), memory), 0.0

    def rest(self, image: Grey | None, witness: Said, seconds: float = 1.0) -> list[str]:
        """Kinds of events while this is shown."""
        quarter = screens.DR.draw(image)[::4, ::4, 0].copy()
        events: list[Event] = []
        for _ in range(round(seconds * 10)):
            self.time += 0.1
            events += self.detector.feed(quarter, self.time, witness)
        return [event.kind for event in events]


FILMS = [screens.film(seed) for seed in range(3)]


def test_nothing_is_decided_while_the_anchors_are_not_in_place() -> None:
    watching = Watching()
    assert watching.rest(FILMS[0], Said("1")) == ["seen"]
    assert watching.rest(FILMS[1], Said("2", placed=False), 3) == []
    assert watching.rest(FILMS[1], Said("2")) == ["new"]


def test_a_witness_that_cannot_be_read_is_waited_for() -> None:
    watching = Watching()
    watching.rest(FILMS[0], Said("1"))
    assert watching.rest(FILMS[1], Said(None), 4) == []
    assert watching.rest(FILMS[1], Said("2"), 3) == ["new"]


def test_the_same_picture_of_another_exposure_is_new() -> None:
    """A phantom, exposed twice: the image goes away and looks the same when it is back."""
    watching = Watching()
    watching.rest(FILMS[0], Said("1"))
    assert watching.rest(None, Said("1")) == []
    assert watching.rest(FILMS[0], Said("2")) == ["new"]
    assert watching.rest(None, Said("2")) == []
    assert watching.rest(FILMS[0], Said("2")) == []


def test_a_reprocessed_image_is_an_update_and_a_later_look_is_nothing() -> None:
    watching = Watching()
    watching.rest(None, Said("1"))
    assert watching.rest(FILMS[0], Said("1")) == ["new"]
    assert watching.rest(FILMS[1], Said("1"), 4) == ["update"], "the final version, processed beyond recognition"
    assert watching.rest(FILMS[1], Said("1"), 20) == []
    assert watching.rest(FILMS[2], Said("1"), 6) == [], "somebody zooms"


def test_an_image_number_that_begins_anew_with_the_next_patient() -> None:
    watching = Watching()
    watching.rest(None, Said("1", "A"))
    assert watching.rest(FILMS[0], Said("1", "A")) == ["new"]
    watching.rest(None, Said("1", "B"))
    assert watching.rest(FILMS[1], Said("1", "B")) == ["new"]
    assert watching.rest(FILMS[0], Said("1", "A")) == ["seen"]
    assert watching.rest(FILMS[2], Said(None, "C"), 3) == [], "a patient alone is no witness"


def test_an_image_reopened_after_many_others_in_other_greys() -> None:
    watching = Watching()
    watching.rest(None, Said("1"))
    for number in range(MOST_LOOKS + 5):
        assert watching.rest(screens.windowed(FILMS[number % 3], 90 + number, 200), Said(str(number)), 0.6) == [
            "new"
        ]
    assert watching.rest(screens.film(9), Said("3")) == ["seen"]


def test_an_image_from_before_the_process_is_never_updated() -> None:
    watching = Watching()
    assert watching.rest(FILMS[0], Said("1")) == ["seen"]
    assert watching.rest(screens.windowed(FILMS[0], 110, 180), Said("1"), 3) == []


def test_overlays_do_not_count() -> None:
    corner = Box(x=DR.image.x + 40, y=DR.image.y + 40, w=420, h=420)
    watching = Watching(overlays=(corner.model_dump(),))
    watching.rest(FILMS[0], Said("1"))
    drawn = FILMS[0].copy()
    drawn[40:460, 40:460] = FILMS[1][40:460, 40:460]
    assert watching.rest(drawn, Said("1"), 3) == []


def test_an_image_box_smaller_than_a_block_gives_no_events() -> None:
    watching = Watching(image=Box(x=500, y=300, w=20, h=20).model_dump())
    assert watching.rest(FILMS[0], Said("1"), 2) == []


def test_memory_outlives_the_process() -> None:
    watching = Watching()
    watching.rest(None, Said("1"))
    watching.rest(FILMS[0], Said("1"))
    content = watching.detector.memory.dump()
    rows, columns = watching.detector.grid.usable.shape
    later = Watching(load(content, (rows, columns)))
    assert later.rest(FILMS[0], Said("1")) == ["seen"]
    assert later.rest(FILMS[1], Said("2")) == ["new"]
    missed = Watching(load(content, (rows, columns)))
    assert missed.rest(FILMS[1], Said("2")) == ["new"], "exposed while nobody watched"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"\x93NUMPY"])
def test_a_damaged_memory_is_an_empty_one(content: bytes) -> None:
    memory = load(content, (31, 35))
    assert memory.dump() == Memory().dump()


def test_memory_of_another_image_box_is_forgotten() -> None:
    watching = Watching()
    watching.rest(FILMS[0], Said("1"))
    assert load(watching.detector.memory.dump(), (3, 4)).dump() == Memory().dump()


def test_texts_of_witnesses_are_not_kept() -> None:
    watching = Watching()
    watching.rest(FILMS[0], Said("GEHEIM-4711"))
    assert b"GEHEIM" not in watching.detector.memory.dump()
    assert "GEHEIM" not in str(digest(("GEHEIM-4711", None)))
