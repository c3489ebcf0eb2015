"""Work on what somebody else wrote, in a process of its own with little time and memory.

Such a process is forked from one that has its libraries loaded (multiprocessing's fork server), so that it costs
about ten milliseconds. The kernel ends it when it takes more than it is allowed, also inside a library that never
comes back to Python. Whoever began it learns which limit that was, and where the work was then.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Sequence
from ctypes import Array, c_char
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from cloud_sync.kit.confined import NO_MEMORY, Limit, allow, confine, left, limit_of

_FORK_SERVER = multiprocessing.get_context("forkserver")
_POLLING = threading.Lock()
"""A start looks after every other process, and two looks at one that has just ended lose how it ended."""
_GENTLE = 5
"""Niceness: what is taken in and shown comes first."""
_PATIENCE = 5
"""Times its processor time that an answer may take on a machine that is busy."""
_FAREWELL_S = 5.0
"""How long a process may take to end that has closed its side."""
_LONGEST_PLACE = 120


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take."""

    memory_mb: int
    """Beyond what it has as it begins."""
    burst_s: float
    """Of processor time, for one piece of the work."""
    each_s: float
    """Of processor time for each piece, on average."""


@dataclass(frozen=True, slots=True)
class Over:
    """Work that was ended by a limit, or that crashed. ``at``: where it was, in its own words."""

    limit: Limit
    at: str


class Gauge:
    """In the process: the work says how far it is. Its time counts from the first piece on."""

    def __init__(self, limits: Limits, place: Array[c_char]) -> None:
        self._limits, self._place = limits, place

    def next(self) -> None:
        """The next piece begins; what the ones before it left over is there for it, up to ``burst_s``."""
        over = left() or self._limits.burst_s
        allow(min(self._limits.burst_s, over + self._limits.each_s))

    def at(self, place: str) -> None:
        """What comes now, for who asks why it ended there."""
        self._place.value = place.encode()[:_LONGEST_PLACE]


class Limited:
    """One such process. Safe from several threads."""

    def __init__(self, work: Callable[..., None], limits: Limits, *arguments: object) -> None:
        """Begin ``work(gauge, *arguments)``: a function of a module, and what can be pickled."""
        self._place = _FORK_SERVER.RawArray(c_char, _LONGEST_PLACE)
        asked = (work, limits, self._place, arguments)
        self._process = _FORK_SERVER.Process(target=_confined, args=asked, daemon=True)
        with _POLLING:
            self._process.start()

    @property
    def alive(self) -> bool:
        return self._code() is None

    def over(self) -> Over | None:
        """How it was ended before it was done, once it is no longer alive; None: by none of its limits."""
        limit = limit_of(self._code())
        return None if limit is None else self.stopped(limit)

    def stopped(self, limit: Limit) -> Over:
        """That it was ended now, by this limit."""
        return Over(limit, self._place.value.decode(errors="replace"))

    def leave(self) -> None:
        """Let it end by itself: it is about to, and killed it would not say why."""
        wait([self._process.sentinel], _FAREWELL_S)

    def end(self) -> None:
        """End it if it works, and wait until it has ended."""
        if self.alive:
            self._process.kill()
        wait([self._process.sentinel])

    def _code(self) -> int | None:
        with _POLLING:
            return self._process.exitcode


def prepare(modules: Sequence[str]) -> None:
    """What the process shall have loaded that all are forked from. Called before the first one begins."""
    _FORK_SERVER.set_forkserver_preload(list(modules))


def ask(work: Callable[[Gauge, bytes], bytes], question: bytes, limits: Limits, pieces: int) -> bytes | Over:
    """The answer of ``work``, a function of a module, to a question of so many pieces; or what ended it.

    Raises:
        TimeoutError: the machine is too busy to come to an answer.
        ChildProcessError: it ended otherwise.
    """
    ours, theirs = _FORK_SERVER.Pipe(duplex=False)
    with ours:
        with theirs:
            process = Limited(_answered, limits, theirs, work, question)
        try:
            if not ours.poll(_PATIENCE * (limits.burst_s + limits.each_s * pieces)):
                raise TimeoutError
            return ours.recv_bytes()
        except EOFError:
            process.leave()
        finally:
            process.end()
    over = process.over()
    if over is None:
        raise ChildProcessError("no answer")
    return over


def _answered(gauge: Gauge, answer: Connection, work: Callable[[Gauge, bytes], bytes], question: bytes) -> None:
    answer.send_bytes(work(gauge, question))


def _confined(
    work: Callable[..., None], limits: Limits, place: Array[c_char], arguments: tuple[object, ...]
) -> None:
    os.nice(_GENTLE)
    confine(limits.memory_mb)
    try:
        work(Gauge(limits, place), *arguments)
    except MemoryError:
        raise SystemExit(NO_MEMORY) from None
