"""What happens on consoles: the streams of capture-ocr section 8, and more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from capture.screen.template import Box
from tests import screens
from tests.probe import Probe
from tests.screen_streams import Stream
from tests.screens import DR, ULTRASOUND, Console, Grey


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
