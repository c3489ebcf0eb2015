"""A USB keyboard and a pointer with absolute places, which the box plays for the console (HID 1.11).

The box writes reports to ``/dev/hidgN``; :mod:`edge.hands.gadget` makes them. The console needs no driver: it is
a boot keyboard (appendix B.1) and a tablet-like mouse.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from capture.errors import QcError
from capture.text import Bilingual
from edge.hands import stops
from edge.hands.keys import KEYS, Key, usage_of
from edge.hands.ports import Button

FARTHEST = 32767
"""Logical maximum of both axes in the pointer's descriptor."""
_BUTTONS: dict[Button, int] = {"left": 1, "right": 2, "middle": 4}
_BETWEEN_S = 0.012
"""Longer than the polling interval of 8 ms that hosts use for slow devices: no report may overtake another."""
_FAR = Bilingual("USB 键盘接口", "the USB keyboard port")
_RELEASED = bytes(8)


class Hid:
    """A :class:`edge.hands.ports.Hand` over two report files."""

    def __init__(self, keyboard: Path, pointer: Path, pause: Callable[[float], None] = time.sleep) -> None:
        """Open both.

        Raises:
            Retry: ``hands.lost``.
        """
        self._pause = pause
        self._open: list[int] = []
        try:
            for path in (keyboard, pointer):
                self._open.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            self.close()
            raise stops.lost(_FAR) from None
        self._keyboard, self._pointer = self._open

    def can_type(self, text: str) -> bool:
        """A US keyboard has a key for each character."""
        return all(usage_of(character) for character in text)

    def point(self, x: int, y: int, size: tuple[int, int]) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self._send(self._pointer, struct.pack("<BHH", 0, _logical(x, size[0]), _logical(y, size[1])))

    def click(self, x: int, y: int, size: tuple[int, int], button: Button, times: int) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self.point(x, y, size)
        place = (_logical(x, size[0]), _logical(y, size[1]))
        for _ in range(times):
            self._send(self._pointer, struct.pack("<BHH", _BUTTONS[button], *place))
            self._send(self._pointer, struct.pack("<BHH", 0, *place))

    def press(self, keys: tuple[str, ...]) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self._chord([KEYS[name] for name in keys])

    def type(self, text: str) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        for character in text:
            key = usage_of(character)
            if key is None:
                raise ValueError("can_type was not asked")
            self._chord([key])

    def close(self) -> None:
        """Let go of every key, then of the files."""
        if len(self._open) == 2:
            with suppress(QcError):
                self._send(self._keyboard, _RELEASED)
        while self._open:
            os.close(self._open.pop())

    def _chord(self, keys: list[Key]) -> None:
        modifiers = 0
        for key in keys:
            modifiers |= key.modifier
        usages = bytes(key.usage for key in keys if key.usage)
        try:
            self._send(self._keyboard, (bytes([modifiers, 0]) + usages).ljust(8, b"\0"))
        finally:
            self._send(self._keyboard, _RELEASED)

    def _send(self, to: int, report: bytes) -> None:
        """One report. The kernel says EAGAIN while the host has not fetched the last one."""
        for _ in range(100):
            try:
                os.write(to, report)
            except BlockingIOError:
                self._pause(_BETWEEN_S)
                continue
            except OSError as error:
                # ESHUTDOWN: no host at the other end of the lead.
                assert error.errno != errno.EBADF  # noqa: S101 - ours would be closed
                raise stops.lost(_FAR) from None
            self._pause(_BETWEEN_S)
            return
        raise stops.lost(_FAR)


def _logical(at: int, length: int) -> int:
    """The middle of a pixel on the pointer's axis."""
    return min(round((at + 0.5) * (FARTHEST + 1) / length), FARTHEST)
