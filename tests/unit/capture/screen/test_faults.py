"""A damaged picture of the right screen is told from the right one, and from no picture at all."""

from __future__ import annotations

import base64
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.screen import content, faults, words
from capture.screen.signal import Signal, State
from capture.screen.template import Anchor, Box, Template

Grey = NDArray[np.uint8]
LABELS = ("kVp", "mAs", "Patient ID", "Accession", "Distance cm", "Dose uGym2")


def console(value: int = 0) -> Grey:
    """Labels on a dark panel, numbers beside them, and an image with fine grain."""
    rng = np.random.default_rng(5)
    shown = np.full((540, 960), 40, np.uint8)
    image = cv2.GaussianBlur(rng.normal(0, 400, (500, 500)), (0, 0), 8) + rng.normal(0, 4, (500, 500))
    shown[20:520, 440:940] = np.clip(image + 110, 0, 255)
    for number, label in enumerate(LABELS):
        at = 60 + number * 70
        cv2.putText(shown, label, (20, at), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 210, 1, cv2.LINE_AA)
        cv2.putText(shown, str(70 + value), (240, at), cv2.FONT_HERSHEY_SIMPLEX, 0.55, 235, 1, cv2.LINE_AA)
    return shown


BOXES = [Box(x=15, y=42 + number * 70, w=140, h=26) for number in range(len(LABELS))]


def taught() -> Template:
    shown = console()
    patches = [
        base64.b64encode(cv2.imencode(".png", shown[b.rows, b.columns])[1].tobytes()).decode() for b in BOXES
    ]
    return Template(
        id="dr", version=1, title="DR", modality="DX", width=960, height=540, pixel_format="bgr24",
        anchors=tuple(Anchor(box=box, patch=patch) for box, patch in zip(BOXES, patches, strict=True)),
        fields=(), image=Box(x=440, y=20, w=500, h=500), event_mode="exposure",
    )  # fmt: skip


def jpeg(shown: Grey, quality: int = 70) -> Grey:
    encoded = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_GRAYSCALE), np.uint8)


def scaled(shown: Grey) -> Grey:
    small = cv2.resize(shown, (640, 360), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (960, 540), interpolation=cv2.INTER_CUBIC), np.uint8)


def limited(shown: Grey) -> Grey:
    return np.asarray((shown * (219 / 255) + 16).round(), np.uint8)


def expanded(shown: Grey) -> Grey:
    return np.clip((shown.astype(float) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)


def doubled(shown: Grey) -> Grey:
    return np.repeat(shown[::2], 2, axis=0)


def bobbed(shown: Grey) -> Grey:
    out = shown.copy()
    out[1:-1:2] = (shown[:-2:2].astype(int) + shown[2::2]) // 2
    return out


def darker(shown: Grey) -> Grey:
    """The same range, a dimmer backlight of the image: no fault of the way."""
    return np.asarray(np.clip(shown.astype(int) - 3, 0, 255), np.uint8)


CASES: tuple[tuple[Callable[[Grey], Grey], Signal | None], ...] = (
    (lambda shown: shown, None),
    (jpeg, None),
    (lambda shown: jpeg(shown, 95), None),
    (darker, None),
    (scaled, words.SCALED),
    (lambda shown: jpeg(scaled(shown)), words.SCALED),
    (limited, words.OTHER_RANGE),
    (lambda shown: jpeg(limited(shown)), words.OTHER_RANGE),
    (lambda shown: limited(limited(shown)), words.OTHER_RANGE),
    (expanded, words.OTHER_RANGE),
    (doubled, words.ROWS_DOUBLED),
    (lambda shown: jpeg(doubled(shown)), words.ROWS_DOUBLED),
    (bobbed, words.ROWS_DOUBLED),
)


@pytest.mark.parametrize(("damage", "expected"), CASES)
def test_each_fault_has_its_name(damage: Callable[[Grey], Grey], expected: Signal | None) -> None:
    assert faults.capture_fault(damage(console(3)), taught()) is expected


def test_another_resolution_is_said_with_both_sizes() -> None:
    said = faults.capture_fault(np.zeros((480, 640), np.uint8), taught())
    assert said is not None and said.state is State.UNSUPPORTED
    assert all(size in said.reason.en for size in ("640 x 480", "960 x 540"))


def test_anchors_that_are_not_there_are_no_witness() -> None:
    """Whose screen it is, is for the anchors to say; here it is only no capture fault."""
    shown = console()
    for box in BOXES:
        shown[box.rows, box.columns] = 40
    assert faults.capture_fault(shown, taught()) is None


def colour_bars() -> Grey:
    bars = np.repeat(np.array([235, 210, 170, 145, 105, 80, 40, 16], np.uint8), 30)
    return np.tile(bars, (135, 1))


def no_signal_text() -> Grey:
    shown = np.full((135, 240), 29, np.uint8)  # the luma of blue
    shown[64:66, 110:118] = 200
    return shown


@pytest.mark.parametrize(
    "shown", [np.zeros((135, 240), np.uint8), np.full((135, 240), 29, np.uint8), colour_bars(), no_signal_text()]
)
def test_what_a_card_shows_without_a_signal(shown: Grey) -> None:
    noisy = np.clip(shown + np.random.default_rng(2).normal(0, 1.5, shown.shape), 0, 255).astype(np.uint8)
    assert content.no_picture(shown) and content.no_picture(noisy)


def test_a_console_is_a_picture() -> None:
    shown = console()
    assert not content.no_picture(shown[::4, ::4]) and not content.no_picture(shown[::8, ::8])
    sparse = np.zeros((135, 240), np.uint8)
    sparse[5:9, 5:60] = 180  # a name and a clock on a black screen
    assert not content.no_picture(sparse)


def test_a_grey_wedge_is_no_colour_bars() -> None:
    """A quality-control image with steps fills only a part of the rows; a ramp has no plateaus."""
    ramp = np.tile(np.linspace(0, 255, 240).astype(np.uint8), (135, 1))
    assert not content.no_picture(ramp)
    console_with_wedge = console()[::4, ::4].copy()
    console_with_wedge[20:60, 120:230] = np.repeat(np.arange(0, 220, 20, dtype=np.uint8), 10)
    assert not content.no_picture(console_with_wedge)
