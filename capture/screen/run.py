"""The loop of one screen: source, watchdog, anchors, events, reader, shot, spool. No database, no network."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from capture.errors import Misuse
from capture.screen import memory, pixels, words
from capture.screen.events import Detector, Event
from capture.screen.frame import Frame, FrameSource, Picture, Seen
from capture.screen.handover import Due, Handover
from capture.screen.library import Library
from capture.screen.ocr.engine import Engines
from capture.screen.pixels import Torn
from capture.screen.reader import Reader, Readings
from capture.screen.shoot import shoot
from capture.screen.signal import Signal, State
from capture.screen.template import Template
from capture.screen.view import View, Witnesses
from capture.screen.watchdog import Watched
from capture.screen.window import Window
from capture.spool import Spool

log = structlog.get_logger()
_WAIT_S = 0.25
"""For a frame: the process says that it lives at least as often."""
_TEMPLATES_S = 2.0
"""How often the templates in use are asked for."""
_PLACE_S, _LOOK_FOR_S = 1.0, 0.5
"""How often the anchors are looked at, and looked for while they are not there."""
_FAULT_S = 20.0
"""How often a picture is asked how it came. Each event asks as well."""
_APART_S = 0.1
"""Between the frames that are read."""
_FRAMES = 3
_MEMORY, _LETTERS = "memory-{}.npz", "letters"
"""In the screen's own folder."""


class Taught:
    """One template in use: its detector and what was read with it."""

    def __init__(self, template: Template, reader: Reader, folder: Path) -> None:
        self.template = template
        self.witnesses = Witnesses(template, reader)
        self.before: Readings | None = None
        self._file = folder / _MEMORY.format(template.id)
        self.detector = Detector(template)
        if self._file.exists():
            rows, columns = self.detector.grid.usable.shape
            self.detector = Detector(template, memory.load(self._file.read_bytes(), (rows, columns)))

    def keep(self, due: tuple[str, ...]) -> None:
        """Remember beyond this process, and the letters that are due with it. Raises OSError."""
        self.detector.memory.due = due
        memory.save(self._file, self.detector.memory)


class ScreenSource:
    """An :class:`~capture.source.InputSource` that watches one screen and spools its shots as kind "frame"."""

    def __init__(
        self,
        name: str,
        folder: Path,
        make: Callable[[], FrameSource],
        engines: Engines,
        *,
        ready: Callable[[], None] = lambda: None,
        alive: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        """``folder``: ``<data_dir>/screens``. ``name``: of the screen in the configuration.

        ``at`` is called with the name of each step of the hand-over; tests end the process there.
        """
        self._name, self._reader, self._clock, self._at = name, Reader(engines), clock, at
        self._ready, self._alive = ready, alive
        self._library = Library(folder)
        self._folder = folder / "live" / name
        self._watched = Watched(make, clock=clock, sleep=sleep)
        self._taught: tuple[Taught, ...] = ()
        self._here: Taught | None = None
        """The template whose anchors are in place."""
        self._signal = words.NOT_TAUGHT
        """Of a picture that comes well: what the templates make of it."""
        self._size = (0, 0)
        self._events: Counter[str] = Counter()
        self._templates_at = self._place_at = self._fault_at = float("-inf")

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """See :class:`~capture.source.InputSource`."""
        window, handover = Window(self._folder), self.handover(spool)
        self._ready()
        try:
            while not stop.is_set():
                self._alive()
                self.turn(window, handover)
        finally:
            self._watched.close()
            window.close()

    def handover(self, spool: Spool) -> Handover:
        """Begins with what a process before this one was about to hand over."""
        letters = self._folder / _LETTERS
        made = Handover(spool, self._name, letters, self._remember, clock=self._clock, at=self._at)
        made.resume(_due(self._folder))
        return made

    def turn(self, window: Window, handover: Handover) -> None:
        """One frame, or a short wait for one."""
        self._renew_templates()
        seen, frame = self._watched.next(_WAIT_S)
        handover.push()
        if frame is not None:
            try:
                self._look(frame, handover)
                if window.wanted():
                    window.show(pixels.picture(frame, bool(self._here and self._here.template.limited_range)))
            except Torn:
                pass  # the next one will be whole
        elif seen.signal.state not in (State.OK, State.STARTING):
            self._lost()
        window.state(
            self._said(seen, len(handover)),
            fps=self._watched.fps,
            template=self._place_name(),
            events=self._events,
        )

    def _said(self, seen: Seen, waiting: int) -> Seen:
        if waiting:
            return Seen(words.NO_ROOM, seen.format, seen.width, seen.height)
        if seen.signal.state is not State.OK:
            return seen
        return Seen(self._signal, seen.format, seen.width, seen.height)

    def _place_name(self) -> str:
        return f"{self._here.template.id}@{self._here.template.version}" if self._here else ""

    def _renew_templates(self) -> None:
        now = self._clock()
        if now < self._templates_at:
            return
        self._templates_at = now + _TEMPLATES_S
        try:
            active = self._library.active(self._name)
        except Misuse as error:
            log.error("screen.templates", device=self._name, code=error.code)
            return
        if active != tuple(one.template for one in self._taught):
            self._taught = tuple(Taught(template, self._reader, self._folder) for template in active)
            self._here, self._place_at = None, float("-inf")

    def _lost(self) -> None:
        now = self._clock()
        for one in self._taught:
            self._count(one.detector.lost(now))
        self._place_at = float("-inf")

    def _look(self, frame: Frame, handover: Handover) -> None:
        here = self._find(frame)
        if here is None:
            return
        view = View(frame, here.template, here.witnesses)
        events = here.detector.feed(view.quarter, frame.time, view)
        self._count(events)
        for event in events:
            if event.kind in ("new", "update"):
                self._shoot(here, event, view, handover)

    def _find(self, frame: Frame) -> Taught | None:
        """The template whose anchors are in place; looked at anew twice a second, and when the size changes."""
        now, size = self._clock(), (frame.width, frame.height)
        if now < self._place_at and size == self._size:
            return self._here
        self._place_at, self._size = now + _PLACE_S, size
        views = [(one, View(frame, one.template, one.witnesses)) for one in self._taught]
        placed = [(view.place.matched, one, view) for one, view in views if view.place]
        before = self._here
        best = max(placed, key=lambda found: found[0] / len(found[1].template.anchors), default=None)
        self._here = best[1] if best else None
        self._place_at = now + (_PLACE_S if self._here else _LOOK_FOR_S)
        self._watched.has_clock = bool(self._here and self._here.template.clock)
        if before is not None and before is not self._here:
            before.detector.away()
        self._judge(frame, best[2] if best else None, now, known=before is self._here)
        return self._here

    def _judge(self, frame: Frame, view: View | None, now: float, *, known: bool) -> None:
        """What the board is told of a picture that comes well."""
        if view is None:
            self._signal = _unknown(frame, self._taught)
        elif now >= self._fault_at or not known:
            self._fault_at = now + _FAULT_S
            self._signal = view.fault or words.OK

    def _shoot(self, here: Taught, event: Event, view: View, handover: Handover) -> None:
        """Read it on three frames and hand it over. What waits for room is not remembered: it may be lost yet."""
        pictures = [view.picture]
        end = self._clock() + 2 * _FRAMES * _WAIT_S
        while len(pictures) < _FRAMES and self._clock() < end:
            seen, frame = self._watched.next(_WAIT_S)
            if seen.signal.state is not State.OK:
                break
            if frame is not None and frame.time - pictures[-1].time >= _APART_S:
                pictures += self._another(here, frame)
        self._alive()
        known = (here.before or Readings((), (), ())).besides(here.witnesses.last)
        here.before = self._reader.read(here.template.fields, pictures, known)
        self._alive()
        self._signal = view.fault or words.OK
        at = round((time.time() - (self._clock() - event.since)) * 1000)
        shot = shoot(self._name, here.template, event, at, self._signal.state, here.before, pictures)
        handover.put(here.template.id, shot)

    def _remember(self, due: Due) -> None:
        for one in self._taught:
            one.keep(due.get(one.template.id, ()))

    def _another(self, here: Taught, frame: Frame) -> list[Picture]:
        view = View(frame, here.template, here.witnesses)
        try:
            return [view.picture] if view.placed() else []
        except Torn:
            return []

    def _count(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self._events[event.kind] += 1
            log.info("screen.event", device=self._name, state=event.kind)


def _due(folder: Path) -> dict[str, tuple[str, ...]]:
    """What the memories in ``folder`` name, by template."""
    named = {}
    for file in folder.glob(_MEMORY.format("*")):
        with suppress(OSError):
            named[file.stem.removeprefix("memory-")] = memory.due(file.read_bytes())
    return named


def _unknown(frame: Frame, taught: tuple[Taught, ...]) -> Signal:
    if not taught:
        return words.NOT_TAUGHT
    first = taught[0].template
    if all((one.template.width, one.template.height) != (frame.width, frame.height) for one in taught):
        return words.other_size(frame.width, frame.height, first.width, first.height)
    return words.UNKNOWN_SCREEN
