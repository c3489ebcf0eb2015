"""The window between a screen's process and the console: ``<data_dir>/screens/live/<source>/``.

The process writes ``state.json`` and, while somebody looks, ``live.png``; the console touches ``watch``. Neither
opens the other's device or database. Every file appears whole or not at all.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from capture.screen.frame import Picture, PixelFormat, Seen
from capture.screen.signal import State
from capture.text import Bilingual

log = structlog.get_logger()
SAY_AGAIN_S = 2.0
LOOKED_S = 5.0
"""How long one :func:`watch` counts."""
PICTURE_S = 0.5
_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


@checked(frozen=True, slots=True)
class Told:
    """``state.json``. Nothing of what the screen shows is in it."""

    state: State
    reason: Bilingual
    hint: Bilingual
    since: int
    """UTC milliseconds at which this state began."""
    at: int
    """UTC milliseconds at which this was written: every two seconds while the process lives."""
    format: PixelFormat | None = None
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """Pictures a second that came in."""
    template: str = ""
    """``id@version`` of the template that is in place; "" when none is."""
    events: Mapping[str, int] | None = None
    """How often each event was seen since the process began."""


@dataclass(frozen=True, slots=True, eq=False)
class Live:
    """The newest picture, lossless. ``at``: UTC milliseconds at which it was written."""

    png: bytes
    at: int


_TOLD = TypeAdapter(Told)


class Window:
    """The process's side. Faults of the disk are no reason to stop watching a screen: they are passed over."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._clock, self._wall = folder, clock, wall
        self._said: tuple[Told, float] | None = None
        self._shown = float("-inf")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.glob(".*.tmp"):
            left.unlink(missing_ok=True)

    def state(
        self, seen: Seen, *, fps: float = 0.0, template: str = "", events: Mapping[str, int] | None = None
    ) -> None:
        """Say how it stands: at once when state, size or template changed, else every two seconds."""
        now, before = self._clock(), self._said
        at = round(self._wall() * 1000)
        signal = seen.signal
        same_state = before is not None and before[0].state == signal.state
        since = before[0].since if before and same_state else at
        told = Told(
            signal.state, signal.reason, signal.hint, since, at, seen.format, seen.width, seen.height,
            round(fps, 1), template, dict(events or {}),
        )  # fmt: skip
        if before and now - before[1] < SAY_AGAIN_S and _essence(before[0]) == _essence(told):
            return
        if not same_state:
            log.info("screen.state", device=self._folder.name, state=signal.state.value)
        self._said = (told, now)
        with suppress(OSError):
            _write(self._folder / "state.json", _TOLD.dump_json(told))

    def wanted(self) -> bool:
        """Whether somebody looks at the live picture and a new one is due."""
        if self._clock() - self._shown < PICTURE_S:
            return False
        try:
            looked = (self._folder / "watch").stat().st_mtime
        except OSError:
            return False
        return abs(self._wall() - looked) < LOOKED_S

    def show(self, picture: Picture) -> None:
        """Put the live picture up."""
        self._shown = self._clock()
        done, png = cv2.imencode(".png", picture.bgr, _FAST_PNG)
        if done:
            with suppress(OSError):
                _write(self._folder / "live.png", png.tobytes())

    def close(self) -> None:
        """Nobody watches the screen any more: what was shown of it goes."""
        for name in ("live.png", "state.json"):
            with suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)


def seen(folder: Path, *, wall: Callable[[], float] = time.time) -> Told | None:
    """What the process said last; None when it does not run (nothing said for 10 s)."""
    try:
        told = _TOLD.validate_json((folder / "state.json").read_bytes())
    except (OSError, ValidationError):
        return None
    return told if abs(wall() * 1000 - told.at) < 10_000 else None


def watch(folder: Path) -> None:
    """Ask for the live picture for the next five seconds."""
    with suppress(OSError):
        (folder / "watch").touch(mode=0o600)


def live(folder: Path, *, wall: Callable[[], float] = time.time) -> Live | None:
    """The newest picture; None when there is none of the last ten seconds."""
    path = folder / "live.png"
    try:
        at = round(path.stat().st_mtime * 1000)
        png = path.read_bytes()
    except OSError:
        return None
    return Live(png, at) if abs(wall() * 1000 - at) < 10_000 else None


def _essence(told: Told) -> tuple[object, ...]:
    return told.state, told.reason, told.format, told.width, told.height, told.template, told.events


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all. Not synced: after a power cut nobody wants an old picture."""
    written = path.with_name(f".{secrets.token_hex(4)}.tmp")
    try:
        descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
