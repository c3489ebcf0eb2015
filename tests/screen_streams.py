"""Streams of drawn consoles with random timing, and the events they must give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from capture.screen.events import EventName
from capture.screen.frame import Frame
from capture.screen.template import Box, Template
from tests import screens
from tests.screens import Bgr, Capture, Console, Grey, captured

FPS = 10.0
LATE_S = 0.6
"""The bar: after the picture has come to rest."""


@dataclass(eq=False)
class Look:
    """What the console shows in one moment; None of everything: no signal."""

    time: float
    draw: Callable[[], Bgr] | None
    key: object
    """Equal keys are equal pictures, so that they are encoded once, as a card does."""


@dataclass(eq=False)
class Stream:
    """Builds a stream step by step. ``expected``: events in their order, and when each picture came to rest."""

    console: Console
    rng: np.random.Generator
    looks: list[Look] = field(default_factory=list)
    expected: list[tuple[EventName, float]] = field(default_factory=list)
    time: float = 100.0
    values: dict[str, str] = field(default_factory=dict)
    image: Grey | None = None
    cursor_moves: bool = True
    _cursor: tuple[int, int] = (960, 540)

    @property
    def template(self) -> Template:
        """As taught."""
        return self.console.template()

    def hold(self, low: float, high: float, *, dialog: Box | None = None, dim: bool = False) -> None:
        """The same picture for a random while; clock and cursor go on."""
        for _ in range(self._ticks(low, high)):
            self._frame(self.image, dialog=dialog, dim=dim)

    def play(self, low: float, high: float, picture: Callable[[], Grey]) -> None:
        """Another picture at each moment."""
        for _ in range(self._ticks(low, high)):
            self.image = picture()
            self._frame(self.image)

    def show(self, image: Grey | None, **values: str) -> None:
        """From now on."""
        self.image = image
        self.values |= values

    def elsewhere(self, low: float, high: float, draw: Callable[[], Bgr] | None) -> None:
        """Another screen, or no signal."""
        shown = draw() if draw else None
        for _ in range(self._ticks(low, high)):
            self._tick()
            self.looks.append(Look(self.time, (lambda: shown) if shown is not None else None, id(shown)))

    def expect(self, *kinds: EventName) -> None:
        """Events of a picture that is at rest from the next moment on."""
        self.expected += [(kind, self.time + 1 / FPS) for kind in kinds]

    def frames(self, capture: Capture) -> Iterator[tuple[float, Frame | None]]:
        """As captured; None: no signal."""
        before: tuple[object, bytes] | None = None
        for look in self.looks:
            if look.draw is None:
                yield look.time, None
                continue
            if before is None or before[0] != look.key:
                made = captured(look.draw(), capture)
                before = look.key, made.data
                kind = made.format
            yield look.time, Frame(before[1], kind, screens.WIDTH, screens.HEIGHT, look.time)

    def _ticks(self, low: float, high: float) -> int:
        return max(round(float(self.rng.uniform(low, high)) * FPS), 1)

    def _tick(self) -> None:
        self.time += float(self.rng.uniform(0.9, 1.1)) / FPS

    def _frame(self, image: Grey | None, dialog: Box | None = None, dim: bool = False) -> None:
        self._tick()
        clock = f"12:{int(self.time) // 60:02}:{int(self.time) % 60:02}"
        if self.cursor_moves and self.rng.uniform() < 0.3:
            x, y = self._cursor
            dx, dy = self.rng.integers(-60, 61, 2)
            self._cursor = int(np.clip(x + dx, 0, 1900)), int(np.clip(y + dy, 0, 1050))
        cursor, values = self._cursor, dict(self.values)
        key = (id(image), clock, cursor, tuple(values.items()), dialog, dim)
        self.looks.append(
            Look(
                self.time,
                lambda: self.console.draw(image, values, clock=clock, cursor=cursor, dialog=dialog, dim=dim),
                key,
            )
        )
