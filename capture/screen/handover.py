"""Handover: shots into the spool, each exactly once in effect. What finds no room waits here and is tried again.

Two records must agree that cannot be written at once: the spool, and the memory of what was handed over. So a shot
is written down as a letter first, and the memory names it as it is saved: from then on it is due. A process killed
behind that point hands the letter over once more, the same bytes, which intake knows by their digest; one killed
before has forgotten the image, and takes it anew if it is still shown.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from capture.errors import Retry
from capture.spool import Spool

log = structlog.get_logger()
MOST_WAITING = 8
"""Shots of some megabytes each. Beyond that the oldest goes, and the journal says so."""
_AGAIN_S = 2.0

Due = Mapping[str, tuple[str, ...]]
"""Names of letters by the template whose memory must name them."""


@dataclass(frozen=True, slots=True)
class _Shot:
    template: str
    content: bytes

    @property
    def name(self) -> str:
        return f"{hashlib.sha256(self.content).hexdigest()[:32]}.shot"


class Handover:
    """To one spool, for one screen. ``at``: see :class:`~capture.spool.Spool`."""

    def __init__(
        self,
        spool: Spool,
        source: str,
        letters: Path,
        remember: Callable[[Due], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        """``letters``: a folder of its own. ``remember`` saves the memories with what is due; raises OSError."""
        self._spool, self._source, self._letters = spool, source, letters
        self._remember, self._clock, self._at = remember, clock, at
        self._waiting: deque[_Shot] = deque()
        self._next_at = float("-inf")

    def __len__(self) -> int:
        """How many wait for room."""
        return len(self._waiting)

    def resume(self, due: Due) -> None:
        """What a process before this one was about to hand over. A letter that no memory names is none."""
        template_of = {name: template for template, names in due.items() for name in names}
        with suppress(OSError):
            self._letters.mkdir(mode=0o700, parents=True, exist_ok=True)
            for letter in self._letters.iterdir():
                if letter.name in template_of:
                    self._waiting.append(_Shot(template_of[letter.name], letter.read_bytes()))
                else:
                    letter.unlink()

    def put(self, template: str, shot: bytes) -> None:
        """Hand it over, now or when there is room. See :meth:`push`."""
        if len(self._waiting) >= MOST_WAITING:
            self._waiting.popleft()
            log.error("screen.dropped", device=self._source, code="spool.full")
        self._waiting.append(_Shot(template, shot))
        self._next_at = float("-inf")
        self.push()

    def push(self) -> None:
        """Try what waits, not more often than every two seconds: all of it, for a memory knows all or nothing."""
        if not self._waiting or self._clock() < self._next_at:
            return
        code = "spool.full"
        try:
            if self._spool.has_room(2 * sum(len(one.content) for one in self._waiting)):
                self._write_letters()
                while self._waiting:
                    self._hand_over(self._waiting[0])
                    self._waiting.popleft()
        except Retry as error:
            code = error.code
        if self._waiting:
            self._next_at = self._clock() + _AGAIN_S
            log.warning("screen.held", device=self._source, code=code, count=len(self._waiting))

    def _write_letters(self) -> None:
        """And have them remembered. A disk that refuses is no reason to lose an image that the spool may take."""
        with suppress(OSError):
            due: dict[str, tuple[str, ...]] = {}
            for one in self._waiting:
                _write(self._letters / one.name, one.content)
                due[one.template] = (*due.get(one.template, ()), one.name)
            self._at("screen.written")
            self._remember(due)
            self._at("screen.remembered")

    def _hand_over(self, one: _Shot) -> None:
        with self._spool.receive(kind="frame", source=self._source) as incoming:
            incoming.write(one.content)
            incoming.commit(time.time_ns() // 1_000_000)
        self._at("screen.handed_over")
        with suppress(OSError):
            (self._letters / one.name).unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, on the medium. Its name says what is in it: one that is there need not be written."""
    if path.exists():
        return
    written = path.with_suffix(".tmp")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)
