"""Reading for the teaching page: one process with the OCR networks, started when asked, ended when idle.

The networks take some hundred MB and seconds of a core: neither belongs into the agent, and nobody teaches long.
"""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from pebble import ProcessExpired, ProcessPool

from capture.arrival import Arrival
from capture.errors import Misuse
from capture.redaction.answer import Redacted, Refused
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.propose import Proposal
from capture.screen.reader import Readings
from capture.screen.reading import FieldReading
from capture.screen.template import Box, ScreenField, Template
from capture.text import Bilingual

if TYPE_CHECKING:
    from capture.screen.frame import Picture
    from capture.screen.ocr.engine import Engines

T = TypeVar("T")
IDLE_S = 120.0
_PATIENCE_S = 120.0
"""A proposal reads two whole screens: 5 s of a quiet core."""


@dataclass(frozen=True, slots=True)
class Proved:
    """What a template makes of one stored frame."""

    placed: bool
    """Whether the screen would be known."""
    readings: tuple[FieldReading, ...]


class ReadingRoom(Protocol):
    """What the teaching page asks for. Pictures are PNG."""

    async def propose(self, a: bytes, b: bytes) -> Proposal:
        """Fields, anchors and image box of two exams of one console."""

    async def read(self, fields: Sequence[ScreenField], png: bytes, *, of: str = "") -> tuple[FieldReading, ...]:
        """One reading for each field. ``of``: name of a live picture, of which only what changed is read again."""

    async def prove(self, template: Template, frames: Sequence[bytes]) -> tuple[Proved, ...]:
        """Each frame, as the screen's process would see it."""

    async def moving(self, frames: Sequence[bytes]) -> Box | None:
        """Where a live picture moves."""

    async def redact(
        self, path: Path, arrival: Arrival, templates: Sequence[Template], known: Sequence[str]
    ) -> Redacted | Refused:
        """A case's picture without the patient: :func:`capture.redaction.files.redact_file`."""

    async def close(self) -> None:
        """End the process. It starts again when asked."""


class SpawnedReading:
    """:class:`ReadingRoom` in a process of its own."""

    def __init__(self, settings: ReadingSettings, idle_s: float = IDLE_S) -> None:
        self._settings, self._idle_s = settings, idle_s
        self._pool: ProcessPool | None = None
        self._ending: asyncio.TimerHandle | None = None
        self._busy = 0

    async def propose(self, a: bytes, b: bytes) -> Proposal:
        return await self._run(_propose, a, b)

    async def read(self, fields: Sequence[ScreenField], png: bytes, *, of: str = "") -> tuple[FieldReading, ...]:
        return await self._run(_read, tuple(fields), png, of)

    async def prove(self, template: Template, frames: Sequence[bytes]) -> tuple[Proved, ...]:
        return await self._run(_prove, template, tuple(frames))

    async def moving(self, frames: Sequence[bytes]) -> Box | None:
        return await self._run(_moving, tuple(frames))

    async def redact(
        self, path: Path, arrival: Arrival, templates: Sequence[Template], known: Sequence[str]
    ) -> Redacted | Refused:
        return await self._run(_redact, path, arrival, tuple(templates), tuple(known))

    async def close(self) -> None:
        if self._ending is not None:
            self._ending.cancel()
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(_end, pool)

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        """Raises Misuse ``reading.failed``: the process died or took too long."""
        if self._ending is not None:
            self._ending.cancel()
        pool = self._pool or self._start()
        self._busy += 1
        try:
            done: T = await asyncio.wrap_future(
                pool.schedule(work, args=(self._settings, *args), timeout=_PATIENCE_S)
            )
            return done
        except (ProcessExpired, TimeoutError) as error:
            raise Misuse(
                "reading.failed",
                Bilingual("屏幕读取没有完成", "The screen could not be read"),
                Bilingual("请重试；若反复出现，请运行 qcbox doctor", "Try again; if it stays, run qcbox doctor"),
            ) from error
        finally:
            self._busy -= 1
            if not self._busy:
                self._ending = asyncio.get_running_loop().call_later(self._idle_s, self._leave)

    def _start(self) -> ProcessPool:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(max_workers=1, initializer=_begin, initargs=(os.getpid(),), context=context)
        return self._pool

    def _leave(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            asyncio.get_running_loop().run_in_executor(None, _end, pool)


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble has types for the rest
    pool.join()


def _begin(agent: int) -> None:
    """In the new process: end with the agent, one thread (the worker pool has the other cores)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != agent:
        os._exit(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2

    cv2.setNumThreads(1)


@cache
def _engines(settings: ReadingSettings) -> Engines:
    from capture.screen.ocr.choice import make

    return make(settings)


@cache
def _seen() -> dict[str, tuple[tuple[ScreenField, ...], Readings]]:
    """What was read of each live picture last."""
    return {}


def _picture(png: bytes) -> Picture:
    from capture.screen.frame import Picture
    from capture.screen.shot import picture

    return Picture(picture(png), 0.0)


def _propose(settings: ReadingSettings, a: bytes, b: bytes) -> Proposal:
    from capture.screen.propose import propose

    return propose(_picture(a), _picture(b), _engines(settings))


def _read(
    settings: ReadingSettings, fields: tuple[ScreenField, ...], png: bytes, of: str
) -> tuple[FieldReading, ...]:
    from capture.screen.reader import Reader

    before = _seen().get(of)
    again = before[1] if before is not None and before[0] == fields else None
    readings = Reader(_engines(settings)).read(fields, [_picture(png)], again)
    if of:
        _seen()[of] = (fields, readings)
    return readings.fields


def _prove(settings: ReadingSettings, template: Template, frames: tuple[bytes, ...]) -> tuple[Proved, ...]:
    from capture.screen.anchors import place, upright
    from capture.screen.frame import Picture
    from capture.screen.reader import Reader

    reader = Reader(_engines(settings))
    proved = []
    for png in frames:
        picture = _picture(png)
        placed = place(picture.bgr, template)
        if placed is not None:
            picture = Picture(upright(picture.bgr, placed), picture.time)
        readings = reader.read(template.fields, [picture]).fields
        proved.append(Proved(placed is not None, readings))
    return tuple(proved)


def _redact(
    settings: ReadingSettings,
    path: Path,
    arrival: Arrival,
    templates: tuple[Template, ...],
    known: tuple[str, ...],
) -> Redacted | Refused:
    from capture.redaction.files import redact_file
    from capture.redaction.net import net_of

    return redact_file(path, arrival, templates, known, net_of(_engines(settings)))


def _moving(settings: ReadingSettings, frames: tuple[bytes, ...]) -> Box | None:
    from capture.screen.propose import moving_image

    return moving_image(tuple(_picture(png) for png in frames))
