"""The self-test of a release in a process of its own, with little time, memory and no way to write a file.

``python -m edge.content.proving PARENT`` reads one question from its standard input and answers on its standard
output. Whatever becomes of that process, a crash among it, is an outcome of the test. Its libraries take longer to
load than most questions to answer: while a release comes, one such process gets ready.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import resource
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass

from cloud_sync.kit.confined import NO_MEMORY, allow, confine, die_with, limit_of
from edge.content.chosen import Chosen

_LONGEST = 250
_PATIENCE = 5
"""Times its seconds that a self-test may last on a box that is busy: its own time is what counts."""
_STANDS_S = 120.0
"""How long it waits for its question; some 80 MB of memory are too much to keep for ever."""


@dataclass(frozen=True, slots=True)
class Question:
    """What shall prove itself."""

    chosen: Chosen
    """With the release in force."""
    name: str
    """Of the release."""
    seconds: float
    """Of processor time."""
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Proof:
    """How it came out. ``code`` is empty when all holds."""

    held: int = 0
    code: str = ""
    detail: str = ""

    @property
    def holds(self) -> bool:
        return not self.code


class Prover:
    """Self-tests, each in a process of its own that, if it can, was there before."""

    def __init__(self) -> None:
        self._ready: Process | None = None
        self._until = 0.0

    async def expect(self) -> None:
        """A question will come: have a process ready for it."""
        self._until = time.monotonic() + _STANDS_S
        if self._ready is None:
            with suppress(OSError):  # no room for another process now
                self._ready = await _start()

    async def prove(self, question: Question) -> Proof:
        """Ask, and wait for the answer of the process or its end."""
        process, self._ready = self._ready, None
        if process is None or process.returncode is not None:
            process = await _start()
        try:
            return await _answered(process, question)
        finally:
            await _end(process)

    async def rest(self) -> None:
        """Called now and then: a process that nobody asked for long ends."""
        if time.monotonic() > self._until:
            await self.end()

    async def end(self) -> None:
        """Nobody asks any more."""
        process, self._ready = self._ready, None
        if process is not None:
            await _end(process)


async def _start() -> Process:
    asked = sys.executable, "-m", "edge.content.proving", str(os.getpid())
    return await asyncio.create_subprocess_exec(*asked, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)


async def _end(process: Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
    await process.communicate()


async def _answered(process: Process, question: Question) -> Proof:
    try:
        async with asyncio.timeout(_PATIENCE * question.seconds):
            answer, _ = await process.communicate(pickle.dumps(question))
    except TimeoutError:
        return _too_long(question)
    limit = limit_of(process.returncode)
    if limit == "time":
        return _too_long(question)
    if limit == "memory":
        return Proof(code="selftest.memory", detail=f"{question.memory_mb} MB")
    if process.returncode:
        return Proof(code="selftest.crash", detail=_ended(process.returncode))
    try:
        return Proof(**json.loads(answer))
    except (ValueError, TypeError):
        return Proof(code="selftest.crash", detail="no answer")


def _too_long(question: Question) -> Proof:
    return Proof(code="selftest.time", detail=f"{question.seconds:g} s")


def _ended(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit {code}"


def main() -> None:
    """The process."""
    _attend(int(sys.argv[1]))
    asked = sys.stdin.buffer.read()
    if asked:
        question = pickle.loads(asked)  # noqa: S301 - from our own parent, over a pipe
        _confine(question)
        try:
            sys.stdout.write(json.dumps(_answer(question)))
        except MemoryError:
            os._exit(NO_MEMORY)
        sys.stdout.flush()
    os._exit(0)  # nothing is left to tidy up, and with these libraries that takes long


def _answer(question: Question) -> dict[str, object]:
    from edge.content.loading import Refused, packages
    from models.content.selftest import self_test

    try:
        found = self_test(packages(question.chosen), {question.name})
    except Refused as refused:
        return {"code": refused.code, "detail": refused.detail[:_LONGEST]}
    if found.holds:
        return {"held": found.held}
    first = found.failed[0]
    return {"held": found.held, "code": first.code, "detail": f"{first.name} {first.text.en}".strip()[:_LONGEST]}


def _attend(parent: int) -> None:
    """Ended with the agent, and ready: what the libraries take is not the release's doing. Behind the images, but
    not far: a busy box must not starve it."""
    os.nice(3)
    die_with(parent)
    import edge.content.loading  # noqa: F401 - what answering takes
    import models.content.selftest  # noqa: F401 - the same
    from models.producer import discover

    discover()


def _confine(question: Question) -> None:
    """No files, and from here on little time and memory."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    confine(question.memory_mb)
    allow(question.seconds)


if __name__ == "__main__":
    main()
