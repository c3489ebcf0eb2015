"""Desk: the drafts under way, one for each screen, on disk with their frames and every step back.

Frames show patients: the folder is closed to others, and a desk that nobody touched for a week is cleared.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from pydantic import ValidationError

from capture.screen.template import Part
from edge.teaching.draft import FRAMES, Draft, FrameName

_STEPS = 60
"""How far undo goes back."""
_KEPT_S = 7 * 86_400


class History(Part):
    """A draft, what it was before, and what was undone."""

    present: Draft
    past: tuple[Draft, ...] = ()
    future: tuple[Draft, ...] = ()

    def then(self, draft: Draft) -> History:
        """One step on. A step that changes nothing is none."""
        if draft == self.present:
            return self
        return History(present=draft, past=(*self.past, self.present)[-_STEPS:])

    def undone(self) -> History:
        """One step back."""
        if not self.past:
            return self
        return History(present=self.past[-1], past=self.past[:-1], future=(self.present, *self.future))

    def redone(self) -> History:
        """One step forward again."""
        if not self.future:
            return self
        return History(present=self.future[0], past=(*self.past, self.present), future=self.future[1:])


class Desk:
    """One screen's place on the desk. Used under a lock of its screen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def history(self) -> History | None:
        """What lies here; None when nothing does, or what does is of another release."""
        try:
            return History.model_validate_json((self._folder / "draft.json").read_bytes())
        except (OSError, ValidationError):
            return None

    def keep(self, history: History) -> None:
        """Write it down."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._folder / "draft.json", history.model_dump_json().encode())

    def put(self, name: FrameName, png: bytes) -> None:
        """Store a frame."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(self._folder / f"{name}.png", png)

    def frame(self, name: FrameName) -> bytes | None:
        """A stored frame."""
        try:
            return (self._folder / f"{name}.png").read_bytes()
        except OSError:
            return None

    def stamp(self, name: FrameName) -> int:
        """When it was stored, in milliseconds; 0 when it was not."""
        try:
            return int((self._folder / f"{name}.png").stat().st_mtime * 1000)
        except OSError:
            return 0

    @property
    def frames(self) -> tuple[FrameName, ...]:
        """Those that are stored."""
        return tuple(name for name in FRAMES if (self._folder / f"{name}.png").is_file())

    def clear(self) -> None:
        """Nothing stays."""
        shutil.rmtree(self._folder, ignore_errors=True)


def clear_old(folder: Path, now: float | None = None) -> None:
    """Clear the desks that nobody touched for a week."""
    with suppress(OSError):
        for one in folder.iterdir():
            if (now or time.time()) - one.stat().st_mtime > _KEPT_S:
                Desk(one).clear()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    written = path.with_name(f".{secrets.token_hex(4)}.tmp")
    try:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise
