"""Watched: a source that is looked after. It says how the picture stands and begins anew by itself, for ever.

A cable, a dongle and a console fail every day; none of that is an exception here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from capture.screen import content, words
from capture.screen.frame import Frame, FrameSource, Seen
from capture.screen.pixels import Torn, luma
from capture.screen.signal import NoPicture, Signal

SILENT_S = 2.0
"""Without a frame for so long, the source is closed and opened again."""
FROZEN_S = 10.0
"""Identical buffers for so long on a screen with a running clock: a frozen feed."""
LOOK_S = 1.0
"""How often the picture itself is asked whether it is one: a dongle shows "no signal" as a picture."""
FIRST_S = 10.0
"""Until the first frame: a stream has to be asked, understood and decoded."""
STEADY_S = 10.0
"""A source that was well for so long is opened again soon when it fails."""
_FIRST_PAUSE_S, _MOST_PAUSE_S = 0.5, 12.0
"""Between two openings; doubled each time. Twelve seconds: at most five a minute."""


class Watched:
    """Frames of a source, with its state. ``clock``: seconds, never back. Used by one thread.

    ``has_clock``: the screen in place has a running clock (the template knows), so ten seconds of identical
    buffers are a frozen feed. Without one they are a console at rest.
    """

    def __init__(
        self,
        make: Callable[[], FrameSource],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._has_clock = False
        self._make, self._clock, self._sleep = make, clock, sleep
        self._source: FrameSource | None = None
        self._seen = Seen(words.STARTING)
        self._pause, self._open_at = _FIRST_PAUSE_S, float("-inf")
        self._last: Frame | None = None
        self._opened, self._changed, self._looked = clock(), clock(), float("-inf")
        self._silent = 0.0
        self._blank = 0
        self._times: deque[float] = deque(maxlen=64)

    @property
    def has_clock(self) -> bool:
        """Whether standing still means frozen. It counts from when this becomes true."""
        return self._has_clock

    @has_clock.setter
    def has_clock(self, has: bool) -> None:
        if has and not self._has_clock:
            self._changed = self._clock()
        self._has_clock = has

    @property
    def fps(self) -> float:
        """Frames a second over the last five seconds."""
        now = self._clock()
        recent = [at for at in self._times if now - at < 5]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 else 0.0

    def next(self, timeout_s: float) -> tuple[Seen, Frame | None]:
        """The state, and the newest frame if one came within ``timeout_s``. There is a frame only when OK."""
        if self._source is None and not self._begin(timeout_s):
            return self._seen, None
        began = self._clock()
        try:
            frame = self._source.read(timeout_s) if self._source else None
        except NoPicture as said:
            self._end(said.signal)
            return self._seen, None
        # Only waiting counts: whoever reads text for five seconds does not look.
        self._silent = 0.0 if frame else self._silent + self._clock() - began
        return self._judge(frame)

    def close(self) -> None:
        """Let go of the device."""
        if self._source is not None:
            self._source.close()
            self._source = None

    def _begin(self, timeout_s: float) -> bool:
        wait = self._open_at - self._clock()
        if wait > 0:
            self._sleep(min(wait, timeout_s))
            if wait > timeout_s:
                return False
        source = self._make()
        try:
            source.open()
        except NoPicture as said:
            source.close()
            self._end(said.signal)
            return False
        self._source = source
        self._opened, self._silent = self._clock(), 0.0
        self._last = None
        return True

    def _end(self, signal: Signal) -> None:
        """Close, and open again after a pause that grows."""
        self.close()
        self._seen = Seen(signal)
        self._open_at = self._clock() + self._pause
        self._pause = min(self._pause * 2, _MOST_PAUSE_S)

    def _judge(self, frame: Frame | None) -> tuple[Seen, Frame | None]:
        now = self._clock()
        if frame is None:
            if self._silent >= (SILENT_S if self._last else FIRST_S):
                self._end(words.SILENT)
            return self._seen, None
        if now - self._opened >= STEADY_S:
            self._pause = _FIRST_PAUSE_S
        self._times.append(now)
        if self._last is None or frame.data != self._last.data:
            self._changed = now
        self._last = frame
        signal = self._signal(frame, now)
        self._seen = Seen(signal, frame.format, frame.width, frame.height)
        return self._seen, frame if signal is words.OK else None

    def _signal(self, frame: Frame, now: float) -> Signal:
        if self._has_clock and now - self._changed >= FROZEN_S:
            return words.FROZEN
        if now - self._looked >= LOOK_S:
            self._looked = now
            try:
                empty = content.no_picture(luma(frame, 8))
            except Torn:
                empty = False
            self._blank = self._blank + 1 if empty else 0
        return words.EMPTY_PICTURE if self._blank >= 2 else words.OK
