"""The far end by its address: eyes and a hand for it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import cv2
import numpy as np

from capture.errors import Misuse
from capture.screen import window
from capture.screen.frame import FrameSource
from capture.screen.pixels import Torn, picture
from capture.screen.settings import ScreenSettings
from capture.screen.signal import NoPicture
from capture.screen.sources import make
from capture.text import Bilingual
from edge.hands import stops
from edge.hands.hid import Hid
from edge.hands.ports import Bgr, Eyes, Hand
from edge.hands.vnc import Vnc
from edge.hands.x11 import X11Hand

_PATIENCE_S = 10.0
_BETWEEN_S = 0.05
_VNC_PORT = 5900


class SourceEyes:
    """Looks through a source of frames that nobody else has open."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source

    def look(self) -> Bgr:
        """See :class:`~edge.hands.ports.Eyes`."""
        asked = time.monotonic()
        while (left := asked + _PATIENCE_S - time.monotonic()) > 0:
            try:
                frame = self._source.read(left)
                if frame is not None and frame.time >= asked:
                    return picture(frame).bgr
            except (NoPicture, Torn):
                continue
        raise stops.blind()


class WindowEyes:
    """Looks through the window of the process that watches the screen: a capture card has one reader."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def look(self) -> Bgr:
        """See :class:`~edge.hands.ports.Eyes`."""
        asked = round(time.time() * 1000)
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            window.watch(self._folder)
            live = window.live(self._folder)
            if live is not None and live.at > asked:
                decoded = cv2.imdecode(np.frombuffer(live.png, np.uint8), cv2.IMREAD_COLOR)
                if decoded is not None:
                    return np.asarray(decoded, np.uint8)
            time.sleep(_BETWEEN_S)
        raise stops.blind()


@contextmanager
def far_end(to: str, password: str | None, watched: Path | None) -> Iterator[tuple[Eyes, Hand]]:
    """Eyes and hand, let go of at the end.

    Args:
        to: ``vnc://HOST[:PORT]``, ``x11:DISPLAY`` or ``usb:KEYBOARD,POINTER``.
        password: Of the VNC server.
        watched: Window of the screen that is looked at; a USB hand has no eyes of its own.

    Raises:
        Misuse: ``hands.address``; else as the hand itself.
        Retry: it cannot be reached.
    """
    kind, _, rest = to.partition(":")
    with ExitStack() as held:
        if kind == "vnc" and rest.startswith("//"):
            host, _, port = rest.removeprefix("//").partition(":")
            if not host or not (port or "0").isdigit():
                raise _address()
            vnc = Vnc(host, int(port or _VNC_PORT), password)
            held.callback(vnc.close)
            yield vnc, vnc
        elif kind == "x11" and rest:
            yield _x11(rest, held), X11Hand(rest)
        elif kind == "usb" and rest.count(",") == 1 and watched is not None:
            keyboard, pointer = rest.split(",")
            hid = Hid(Path(keyboard), Path(pointer))
            held.callback(hid.close)
            yield WindowEyes(watched), hid
        else:
            raise _address()


def _x11(display: str, held: ExitStack) -> Eyes:
    source = make(ScreenSettings(name="hands", kind="x11", address=display))
    held.callback(source.close)
    try:
        source.open()
    except NoPicture:
        raise stops.blind() from None
    return SourceEyes(source)


def _address() -> Misuse:
    return Misuse(
        "hands.address",
        Bilingual("无法理解 --to 的地址", "The address of --to cannot be understood"),
        Bilingual(
            "应为 vnc://主机:端口、x11::显示号，或 usb:/dev/hidg0,/dev/hidg1 加 --screen",
            "It is vnc://HOST:PORT, x11::DISPLAY, or usb:/dev/hidg0,/dev/hidg1 together with --screen",
        ),
    )
