"""An X11 display of this machine, by xdotool: for consoles that run on the box itself, and for tests."""

from __future__ import annotations

import os
import subprocess

from capture.text import Bilingual
from edge.hands import stops
from edge.hands.ports import Button

_BUTTONS: dict[Button, str] = {"left": "1", "middle": "2", "right": "3"}
_NAMES = {"PageUp": "Prior", "PageDown": "Next"}
_TIMEOUT_S = 30.0
_FAR = Bilingual("X11 显示", "the X11 display")


class X11Hand:
    """A :class:`edge.hands.ports.Hand`."""

    def __init__(self, display: str) -> None:
        self._environment = {**os.environ, "DISPLAY": display}

    def can_type(self, text: str) -> bool:
        """xdotool maps a key for each character."""
        return text.isprintable()

    def point(self, x: int, y: int, size: tuple[int, int]) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self._call("mousemove", str(x), str(y))

    def click(self, x: int, y: int, size: tuple[int, int], button: Button, times: int) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self.point(x, y, size)
        self._call("click", "--repeat", str(times), "--delay", "60", _BUTTONS[button])

    def press(self, keys: tuple[str, ...]) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self._call("key", "+".join(_NAMES.get(name, name) for name in keys))

    def type(self, text: str) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self._call("type", "--delay", "20", "--", text)

    def close(self) -> None:
        """Nothing is held between two calls."""

    def _call(self, *arguments: str) -> None:
        try:
            subprocess.run(  # noqa: S603 - no shell; what is typed is an argument behind "--"
                ["xdotool", *arguments],  # noqa: S607 - from the distribution, wherever it puts it
                env=self._environment,
                check=True,
                capture_output=True,
                timeout=_TIMEOUT_S,
            )
        except (OSError, subprocess.SubprocessError):
            raise stops.lost(_FAR) from None
