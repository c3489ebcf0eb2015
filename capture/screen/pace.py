"""Pace: whether the image box moves, has come to rest, or has been moving for so long that it is live."""

from __future__ import annotations

from collections import deque

from capture.screen.blocks import Grid, Look

REST_S = 0.4
"""Stillness after which a picture is looked at."""
LIVE_S = 0.8
"""Motion without a rest for so long is a live picture."""
_LIVE_SHARE = 0.3
"""Of the frames that then differ from the one before: slow probes give few pictures a second."""


class Pace:
    """Compares with the look at which stillness began, so that slow drift adds up and is seen, too."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._held: Look | None = None
        self._frames: deque[tuple[float, bool]] = deque()
        self.still_since = float("-inf")
        self._moving_since: float | None = None
        self.resting = False
        self.live = False

    def feed(self, look: Look, time: float) -> None:
        """One frame later."""
        moved = self._held is None or self._grid.moved(self._held, look)
        self._frames.append((time, moved))
        while self._frames[0][0] < time - LIVE_S:
            self._frames.popleft()
        if moved:
            self._held, self.still_since = look, time
            if self.resting or self._moving_since is None:
                self._moving_since = time
        self.resting = time - self.still_since >= REST_S
        self.live = not self.resting and self._lively(time)

    def forget(self) -> None:
        """The picture was away."""
        self._held, self._moving_since, self.resting, self.live = None, None, False, False

    def _lively(self, time: float) -> bool:
        if self._moving_since is None or time - self._moving_since < LIVE_S:
            return False
        return sum(moved for _, moved in self._frames) >= _LIVE_SHARE * len(self._frames)
