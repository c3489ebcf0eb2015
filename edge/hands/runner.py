"""Runner: one step after the other, each only once all it must see is there. The first mismatch ends the run."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import structlog

from capture.errors import QcError
from capture.screen.ocr.choice import make
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.template import Box
from edge.hands import stops
from edge.hands.journal import Journal
from edge.hands.ports import Bgr, Eyes, Hand, aside
from edge.hands.sequence import Click, Press, Sequence, Step, Type, Wait, Words
from edge.hands.sight import Shift, holds, locate, size_of
from edge.hands.typing import Typist

Read = Callable[[Bgr, str], str]
"""The line of text in a crop; the second argument names the characters that may occur, "" for any."""
_BETWEEN_S = 0.1
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Look:
    """What a dry run says of a step: whether it could be made on the screen as it is."""

    number: int
    step: Step
    seen: Literal["seen", "not_seen", "ambiguous", "words"]


class Runner:
    """Runs sequences on one screen."""

    def __init__(
        self,
        eyes: Eyes,
        hand: Hand,
        read: Read,
        confirm: Callable[[int, Step], bool] = lambda number, step: True,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """``confirm`` is asked before every step that acts, with the step in view."""
        self._eyes = eyes
        self._hand = hand
        self._read = read
        self._confirm = confirm
        self._pause = pause

    def check(self, sequence: Sequence, values: Mapping[str, str]) -> tuple[Look, ...]:
        """Dry run: nothing is moved or pressed.

        Raises:
            Misuse: a value is missing or cannot be typed.
            SetAside: another resolution.
            Retry: the screen cannot be seen.
        """
        self._plan(sequence, values)
        screen = self._screen(sequence)
        return tuple(
            Look(number, step, self._seen(screen, step, values)) for number, step in enumerate(sequence.steps, 1)
        )

    def run(self, sequence: Sequence, values: Mapping[str, str], journal: Journal) -> None:
        """All steps.

        Raises:
            Misuse: as :meth:`check`; nothing has been done.
            SetAside: a step did not fit; those before it are done. The journal has the pictures.
            Retry: the screen, the far end or the journal is gone.
        """
        self._plan(sequence, values)
        aside(self._hand, size_of(self._screen(sequence)))
        for number, step in enumerate(sequence.steps, 1):
            started = time.monotonic()
            try:
                self._step(sequence, number, step, values, journal)
            except QcError as error:
                journal.line(step=number, do=step.do, state="stopped", code=error.code)
                log.warning("hands.stopped", code=error.code, step=number, count=len(sequence.steps))
                raise
            journal.line(step=number, do=step.do, state="done", ms=round((time.monotonic() - started) * 1000))
        log.info("hands.done", count=len(sequence.steps))

    def _plan(self, sequence: Sequence, values: Mapping[str, str]) -> None:
        for name in sequence.names:
            if name not in values:
                raise stops.no_value(name)
        for number, step in enumerate(sequence.steps, 1):
            if isinstance(step, Type):
                text = step.text.format_map(values)
                if not text.isprintable() or not self._hand.can_type(text):
                    raise stops.untypable(number)

    def _screen(self, sequence: Sequence) -> Bgr:
        screen = self._eyes.look()
        if size_of(screen) != (sequence.width, sequence.height):
            raise stops.other_size(size_of(screen), (sequence.width, sequence.height))
        return screen

    def _seen(
        self, screen: Bgr, step: Step, values: Mapping[str, str]
    ) -> Literal["seen", "not_seen", "ambiguous", "words"]:
        shift = locate(screen, step.sees, step.roam)
        if not isinstance(shift, Shift):
            return shift
        return "seen" if self._all_words(screen, step, shift, values) else "words"

    def _step(
        self, sequence: Sequence, number: int, step: Step, values: Mapping[str, str], journal: Journal
    ) -> None:
        try:
            screen, shift = self._wait(sequence, number, step, values)
        except QcError:
            journal.picture(f"{number:03}-stopped", self._eyes.look())
            raise
        journal.picture(f"{number:03}-before", screen)
        journal.line(step=number, do=step.do, state="seen", x=shift.x, y=shift.y)
        if isinstance(step, Wait):
            return
        if not self._confirm(number, step):
            raise stops.declined(number)
        # A person may have taken a minute, a dialog may have come: look once more, now.
        screen = self._eyes.look()
        if not holds(screen, step.sees, shift):
            journal.picture(f"{number:03}-stopped", screen)
            raise stops.not_seen(number, 0)
        try:
            self._act(number, step, shift, screen, values)
        finally:
            journal.picture(f"{number:03}-after", self._eyes.look())

    def _wait(self, sequence: Sequence, number: int, step: Step, values: Mapping[str, str]) -> tuple[Bgr, Shift]:
        """The screen on which the step is seen twice in a row at one place."""
        until = time.monotonic() + step.seconds
        before: Shift | None = None
        why = "not_seen"
        while True:
            screen = self._screen(sequence)
            shift = locate(screen, step.sees, step.roam)
            if isinstance(shift, Shift):
                if shift == before and self._all_words(screen, step, shift, values):
                    return screen, shift
                why = "words"
            else:
                why = shift
            before = shift if isinstance(shift, Shift) else None
            if time.monotonic() >= until:
                raise _why(why, number, step)
            self._pause(_BETWEEN_S)

    def _all_words(self, screen: Bgr, step: Step, shift: Shift, values: Mapping[str, str]) -> bool:
        return all(self._says(screen, words, shift, values) for words in step.words)

    def _says(self, screen: Bgr, words: Words, shift: Shift, values: Mapping[str, str]) -> bool:
        box = shift.moved(words.box, size_of(screen))
        return box is not None and self._reads(screen, box, words.text.format_map(values))

    def _reads(self, screen: Bgr, box: Box, expected: str) -> bool:
        crop = screen[box.rows, box.columns]
        seen = self._read(crop, "0123456789" if expected.isdigit() and expected.isascii() else "")
        return _plain(seen) == _plain(expected)

    def _act(self, number: int, step: Step, shift: Shift, screen: Bgr, values: Mapping[str, str]) -> None:
        if isinstance(step, Click):
            point = step.x + shift.x, step.y + shift.y
            self._hand.click(*point, size_of(screen), step.button, step.times)
            aside(self._hand, size_of(screen))
        elif isinstance(step, Press):
            self._hand.press(step.keys)
        elif isinstance(step, Type):
            self._type(number, step, shift, screen, step.text.format_map(values))

    def _type(self, number: int, step: Type, shift: Shift, screen: Bgr, text: str) -> None:
        box = shift.moved(step.echo, size_of(screen))
        if box is None:
            raise stops.not_seen(number, 0)
        Typist(self._eyes, self._hand, self._pause, lambda seen: holds(seen, step.sees, shift)).type(
            number, text, box, step.seconds, caret=step.caret
        )
        if step.reads_back:
            self._read_back(number, box, text, step.seconds)

    def _read_back(self, number: int, box: Box, text: str, seconds: float) -> None:
        """More than once: the last characters may be on their way, and a caret looks like a letter."""
        until = time.monotonic() + seconds
        while not self._reads(self._eyes.look(), box, text):
            if time.monotonic() >= until:
                raise stops.read_otherwise(number)
            self._pause(_BETWEEN_S)


def reader() -> Read:
    """The box's own first reader. Its network is loaded at the first text."""
    first = make(ReadingSettings()).first
    return lambda crop, alphabet: first.read([crop], [alphabet])[0].text


def _why(why: str, number: int, step: Step) -> QcError:
    if why == "ambiguous":
        return stops.ambiguous(number)
    return stops.other_words(number) if why == "words" and step.words else stops.not_seen(number, step.seconds)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
