"""Trial: a run or a dry run under somebody's eyes, in a process of its own; each step waits for his word.

The networks and the far end's pictures do not belong into the agent, and a driver that hangs must not hang it. The
process ends with the agent, and when nobody says anything for five minutes.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from capture.errors import QcError
from capture.text import Bilingual

if TYPE_CHECKING:
    from edge.hands.journal import Journal
    from edge.hands.ports import Bgr
    from edge.hands.sequence import Sequence


How = Literal["look", "steps"]
Answer = Literal["go", "rest", "stop"]
"""rest: this step and all after it."""
State = Literal["open", "seen", "asks", "done", "stopped", "not_seen", "ambiguous", "words"]
_PATIENCE_S = 300.0
_LOOK = "look"
"""Name of the picture of a dry run."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is tried where. ``repr`` shows neither values nor password."""

    sequence: bytes = field(repr=False)
    how: How
    to: str
    password: str | None = field(repr=False)
    watched: Path | None
    values: Mapping[str, str] = field(repr=False)
    folder: Path
    """Where journals are kept."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come. ``moved``: by how many pixels what a step must see stood elsewhere than taught."""

    folder: Path
    states: Mapping[int, State] = field(default_factory=dict)
    moved: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    """Names without ``.png``, in the order in which they were taken."""
    running: bool = True
    why: tuple[str, Bilingual, Bilingual] | None = None
    """Code, reason and hint, when it was stopped."""

    @property
    def asks(self) -> int:
        """The step that waits for a word; 0 when none does."""
        return next((number for number, state in self.states.items() if state == "asks"), 0) if self.running else 0

    @property
    def at(self) -> int:
        """The step that was reached, of a dry run the first that is not seen; 0 before the first."""
        if _LOOK in self.pictures:
            return next((number for number, state in self.states.items() if state != "seen"), 1)
        return max(self.states, default=0)

    def picture_of(self, number: int) -> str:
        """What to show of a step: where it stopped, after it, before it, or the dry run's; "" for none."""
        names = [f"{number:03}-{when}" for when in ("stopped", "after", "before")]
        return next((name for name in [*names, _LOOK] if name in self.pictures), "")


class Trial:
    """One at a time for the whole box. Its methods are called by one thread."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")
        self._here, there = context.Pipe()
        self._process = context.Process(target=_work, args=(there, job, os.getpid()), daemon=True)
        self._process.start()
        there.close()
        self.job = job
        self._progress = Progress(job.folder)
        self.version = 0
        """Counts up with every change."""

    def progress(self) -> Progress:
        """What has become known until now."""
        try:
            while self._progress.running and self._here.poll():
                self._progress = self._here.recv()
                self.version += 1
        except (EOFError, OSError):
            self._progress = replace(self._progress, running=False, why=_DIED)
            self.version += 1
        return self._progress

    def answer(self, answer: Answer) -> None:
        """A person's word on the step that asks. "stop" is heard at any time, and lets go of every key."""
        if self.progress().asks:
            with suppress(OSError):
                self._here.send(answer)
        elif answer == "stop":
            self._process.terminate()

    def close(self) -> None:
        """End it, wherever it is. What was typed stays typed."""
        self._process.terminate()
        self._process.join(5)
        self._here.close()


_DIED = (
    "hands.ended",
    Bilingual("试用已中断", "The trial was broken off"),
    Bilingual("查看最后的画面后再试", "Look at the last picture, then try again"),
)


class _Teller:
    """The child's side: what happens, said to the page as it happens."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection, self._progress = connection, Progress(folder)
        self._rest = False

    def tell(self, **changes: object) -> None:
        self._progress = replace(self._progress, **changes)  # type: ignore[arg-type]  # by name, as replace() does
        self._connection.send(self._progress)

    def state(self, number: int, state: State) -> None:
        self.tell(states={**self._progress.states, number: state})

    def moved(self, number: int, by: tuple[int, int]) -> None:
        self.tell(moved={**self._progress.moved, number: by}, states={**self._progress.states, number: "seen"})

    def picture(self, name: str) -> None:
        self.tell(pictures=(*self._progress.pictures, name))

    def asks(self, number: int) -> bool:
        """Raises EOFError when the page's process is gone."""
        if self._rest:
            return True
        self.state(number, "asks")
        answer = self._connection.recv() if self._connection.poll(_PATIENCE_S) else "stop"
        self._rest = answer == "rest"
        return answer in ("go", "rest")


def _work(connection: Connection, job: Job, agent: int) -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != agent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # not without letting go of the keys
    from cloud_sync.kit import log
    from edge.hands.journal import Journal
    from edge.hands.sequence import load

    log.configure("hands")
    sequence, teller = load(job.sequence), _Teller(connection, job.folder)

    class Told(Journal):
        """A journal that is read while it is written."""

        def picture(self, name: str, bgr: Bgr) -> None:
            super().picture(name, bgr)
            teller.picture(name)

        def line(self, **entry: str | int) -> None:
            super().line(**entry)
            if entry["state"] == "seen":
                teller.moved(int(entry["step"]), (int(entry["x"]), int(entry["y"])))
            else:
                teller.state(int(entry["step"]), "done" if entry["state"] == "done" else "stopped")

    with suppress(EOFError, BrokenPipeError):
        try:
            journal = Told(job.folder, sequence.id)
            teller.tell(folder=journal.folder)
            _try(job, sequence, journal, teller)
            teller.tell(running=False)
        except QcError as error:
            teller.tell(running=False, why=(error.code, error.text, error.hint))


def _try(job: Job, sequence: Sequence, journal: Journal, teller: _Teller) -> None:
    from edge.hands.far import far_end
    from edge.hands.runner import Runner, reader

    with far_end(job.to, job.password, job.watched) as (eyes, hand):
        runner = Runner(eyes, hand, reader(), lambda number, step: teller.asks(number))
        if job.how == "steps":
            runner.run(sequence, job.values, journal)
            return
        looks = runner.check(sequence, job.values)
        journal.picture(_LOOK, eyes.look())
        teller.tell(states={one.number: one.seen for one in looks})
