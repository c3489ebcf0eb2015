"""Streams of drawn consoles with random timing, and the events they must give: capture-ocr section 8, and more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from capture.screen.events import EventName
from capture.screen.frame import Frame
from capture.screen.template import Box, Template
from tests import screens
from tests.screens import DR, ULTRASOUND, Bgr, Capture, Console, Grey, Probe, captured

FPS = 10.0
LATE_S = 0.6
"""The bar: after the picture has come to rest."""


@dataclass(eq=False)
class Look:
    """What the console shows in one moment; None of everything: no signal."""

    time: float
    draw: Callable[[], Bgr] | None
    key: object
    """Equal keys are equal pictures, so that they are encoded once, as a card does."""


@dataclass(eq=False)
class Stream:
    """Builds a stream step by step. ``expected``: events in their order, and when each picture came to rest."""

    console: Console
    rng: np.random.Generator
    looks: list[Look] = field(default_factory=list)
    expected: list[tuple[EventName, float]] = field(default_factory=list)
    time: float = 100.0
    values: dict[str, str] = field(default_factory=dict)
    image: Grey | None = None
    cursor_moves: bool = True
    _cursor: tuple[int, int] = (960, 540)

    @property
    def template(self) -> Template:
        """As taught."""
        return self.console.template()

    def hold(self, low: float, high: float, *, dialog: Box | None = None, dim: bool = False) -> None:
        """The same picture for a random while; clock and cursor go on."""
        for _ in range(self._ticks(low, high)):
            self._frame(self.image, dialog=dialog, dim=dim)

    def play(self, low: float, high: float, picture: Callable[[], Grey]) -> None:
        """Another picture at each moment."""
        for _ in range(self._ticks(low, high)):
            self.image = picture()
            self._frame(self.image)

    def show(self, image: Grey | None, **values: str) -> None:
        """From now on."""
        self.image = image
        self.values |= values

    def elsewhere(self, low: float, high: float, draw: Callable[[], Bgr] | None) -> None:
        """Another screen, or no signal."""
        shown = draw() if draw else None
        for _ in range(self._ticks(low, high)):
            self._tick()
            self.looks.append(Look(self.time, (lambda: shown) if shown is not None else None, id(shown)))

    def expect(self, *kinds: EventName) -> None:
        """Events of a picture that is at rest from the next moment on."""
        self.expected += [(kind, self.time + 1 / FPS) for kind in kinds]

    def frames(self, capture: Capture) -> Iterator[tuple[float, Frame | None]]:
        """As captured; None: no signal."""
        before: tuple[object, bytes] | None = None
        for look in self.looks:
            if look.draw is None:
                yield look.time, None
                continue
            if before is None or before[0] != look.key:
                made = captured(look.draw(), capture)
                before = look.key, made.data
                kind = made.format
            yield look.time, Frame(before[1], kind, screens.WIDTH, screens.HEIGHT, look.time)

    def _ticks(self, low: float, high: float) -> int:
        return max(round(float(self.rng.uniform(low, high)) * FPS), 1)

    def _tick(self) -> None:
        self.time += float(self.rng.uniform(0.9, 1.1)) / FPS

    def _frame(self, image: Grey | None, dialog: Box | None = None, dim: bool = False) -> None:
        self._tick()
        clock = f"12:{int(self.time) // 60:02}:{int(self.time) % 60:02}"
        if self.cursor_moves and self.rng.uniform() < 0.3:
            x, y = self._cursor
            dx, dy = self.rng.integers(-60, 61, 2)
            self._cursor = int(np.clip(x + dx, 0, 1900)), int(np.clip(y + dy, 0, 1050))
        cursor, values = self._cursor, dict(self.values)
        key = (id(image), clock, cursor, tuple(values.items()), dialog, dim)
        self.looks.append(
            Look(
                self.time,
                lambda: self.console.draw(image, values, clock=clock, cursor=cursor, dialog=dialog, dim=dim),
                key,
            )
        )


def _begun(rng: np.random.Generator, console: Console = DR) -> Stream:
    """The process begins while an old image is shown: it is not new."""
    stream = Stream(console, rng)
    stream.show(screens.film(int(rng.integers(1 << 30)), console.image), InstanceNumber="101")
    stream.expect("seen")
    stream.hold(1.0, 2.0)
    return stream


def _film(stream: Stream) -> Grey:
    return screens.film(int(stream.rng.integers(1 << 30)), stream.console.image)


def _dialog(stream: Stream, share: float) -> Box:
    """A box over so much of the image, somewhere in it."""
    box, rng = stream.console.image, stream.rng
    w = int(box.w * float(rng.uniform(max(share, 0.6), 0.95)))
    h = min(int(box.w * box.h * share / w), box.h)
    return Box(
        x=box.x + int(rng.integers(0, box.w - w + 1)), y=box.y + int(rng.integers(0, box.h - h + 1)), w=w, h=h
    )


def _expose(stream: Stream, image: Grey, number: int) -> None:
    """Blank, preview, final, as a DR console does."""
    stream.show(None)
    stream.hold(0.6, 2.0)
    stream.show(screens.preview(image), InstanceNumber=str(number))
    stream.expect("new")
    stream.hold(1.0, 2.5)
    stream.show(image)
    stream.expect("update")
    stream.hold(1.2, 2.0)


def idle(rng: np.random.Generator) -> Stream:
    """Clock and cursor."""
    stream = _begun(rng)
    stream.hold(3, 5)
    return stream


def exposure(rng: np.random.Generator) -> Stream:
    """Blank, preview, final."""
    stream = _begun(rng)
    _expose(stream, _film(stream), 102)
    return stream


def exposure_late_number(rng: np.random.Generator) -> Stream:
    """The image number comes after the image."""
    stream = _begun(rng)
    stream.show(_film(stream))
    stream.hold(0.7, 1.4)
    stream.show(stream.image, InstanceNumber="102")
    stream.expect("new")
    stream.hold(1.5, 2)
    return stream


def repeated(rng: np.random.Generator) -> Stream:
    """The same patient, positioned anew."""
    stream = _begun(rng)
    first = _film(stream)
    _expose(stream, first, 102)
    dx, dy = (int(step) for step in rng.integers(-30, 31, 2))
    _expose(stream, screens.moved(first, dx, dy, float(rng.uniform(-3, 3))), 103)
    return stream


def next_patient(rng: np.random.Generator) -> Stream:
    """The image number begins anew with each patient."""
    stream = _begun(rng)
    for patient in ("00412788", "00518203", "00630017"):
        stream.show(None, PatientID=patient, InstanceNumber="0")
        _expose(stream, _film(stream), 1)
    return stream


def window_drag(rng: np.random.Generator) -> Stream:
    """Window and level, dragged slowly."""
    stream = _begun(rng)
    image = _film(stream)
    _expose(stream, image, 102)
    level, width = float(rng.uniform(100, 150)), float(rng.choice([150, 180, 340]))
    steps = iter(np.linspace(0, 1, 200)[:: int(rng.integers(4, 14))].tolist())

    def dragged() -> Grey:
        at = next(steps, 1.0)
        return screens.windowed(image, 127.5 + (level - 127.5) * at, 255 + (width - 255) * at)

    stream.play(1.4, 2.0, dragged)
    stream.show(dragged())
    stream.expect("update")
    stream.hold(1.2, 2)
    return stream


def dialog(rng: np.random.Generator) -> Stream:
    """A box over about half of the picture, closed again."""
    stream = _begun(rng)
    _expose(stream, _film(stream), 102)
    over = _dialog(stream, float(rng.uniform(0.15, 0.6)))
    stream.expect("occluded")
    stream.hold(1.2, 3, dialog=over, dim=bool(rng.uniform() < 0.3))
    stream.expect("revealed")
    stream.hold(1.2, 2)
    return stream


def dialog_over_new(rng: np.random.Generator) -> Stream:
    """A new image comes while a box is open: it is read when the box is closed."""
    stream = _begun(rng)
    over = _dialog(stream, 0.4)
    stream.expect("occluded")
    stream.hold(1, 2, dialog=over)
    stream.show(_film(stream), InstanceNumber="102")
    stream.hold(1, 2, dialog=over)
    stream.expect("new")
    stream.hold(1.2, 2)
    return stream


def reopened(rng: np.random.Generator) -> Stream:
    """The old image is looked at again, then the new one."""
    stream = _begun(rng)
    old, new = stream.image, _film(stream)
    _expose(stream, new, 102)
    stream.show(old, InstanceNumber="101")
    stream.expect("seen")
    stream.hold(1.2, 2.5)
    stream.show(new, InstanceNumber="102")
    stream.expect("seen")
    stream.hold(1.2, 2)
    return stream


def zoomed(rng: np.random.Generator) -> Stream:
    """Long after the exposure somebody zooms in and out: another picture, and no other image."""
    stream = _begun(rng)
    image = _film(stream)
    height, width = image.shape
    stream.show(np.ascontiguousarray(np.kron(image[: height // 2, : width // 2], np.ones((2, 2), np.uint8))))
    stream.hold(2.6, 4)
    return stream


def cable_out(rng: np.random.Generator) -> Stream:
    """No signal, then the same picture."""
    stream = _begun(rng)
    stream.elsewhere(0.5, 3, None)
    stream.expected.append(("no_signal", stream.time))
    stream.hold(1.5, 2.5)
    return stream


def dongle_out(rng: np.random.Generator) -> Stream:
    """A dongle shows no signal as a picture."""
    stream = _begun(rng)
    stream.elsewhere(0.6, 2, screens.colour_bars)
    stream.hold(1.5, 2.5)
    return stream


def work_list(rng: np.random.Generator) -> Stream:
    """Another screen, and back; then an exposure."""
    stream = _begun(rng)
    stream.elsewhere(1, 3, DR.other_screen)
    stream.hold(1, 2)
    _expose(stream, _film(stream), 102)
    return stream


def _freezes(rng: np.random.Generator, *, still: bool) -> Stream:
    stream = Stream(ULTRASOUND, rng)
    probe = Probe(int(rng.integers(1 << 30)), still=still)
    stream.show(None, frozenState="LIVE")
    for _ in range(2):
        stream.show(stream.image, frozenState="LIVE")
        stream.expected.append(("live", stream.time + 1.0))
        stream.play(1.8, 3, probe.next)
        stream.show(probe.next(), frozenState="FROZEN")
        stream.expect("freeze", "new")
        stream.hold(1.2, 2.5)
    return stream


def freeze(rng: np.random.Generator) -> Stream:
    """Live and frozen twice, the probe moves."""
    return _freezes(rng, still=False)


def freeze_still(rng: np.random.Generator) -> Stream:
    """Live and frozen twice, nobody moves the probe."""
    return _freezes(rng, still=True)


def freeze_dialog(rng: np.random.Generator) -> Stream:
    """A box over the frozen picture; then its gain is changed."""
    stream = _freezes(rng, still=False)
    over = _dialog(stream, float(rng.uniform(0.35, 0.6)))
    stream.expect("occluded")
    stream.hold(1.2, 2, dialog=over)
    stream.expect("revealed")
    stream.hold(1.2, 2)
    assert stream.image is not None
    stream.show(screens.windowed(stream.image, 110, 190))
    stream.expect("update")
    stream.hold(1.2, 2)
    return stream


SCENES: tuple[Callable[[np.random.Generator], Stream], ...] = (
    idle, exposure, exposure_late_number, repeated, next_patient, window_drag, dialog, dialog_over_new, reopened,
    zoomed, cable_out, dongle_out, work_list, freeze, freeze_still, freeze_dialog,
)  # fmt: skip
