"""Where files of the repository come from: one interface, whatever is behind it. What comes is not believed."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterator

from tuf.api.exceptions import SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

LEAST_BYTES_PER_S = 1024.0
"""Slower than this, over ``PACE_WINDOW_S``, is no transfer but a way to hold the box up."""
PACE_WINDOW_S = 60.0


class Fetcher(FetcherInterface):
    """Files of a repository by their path in it: ``metadata/...``, ``targets/...``."""

    def __init__(self, window_s: float = PACE_WINDOW_S, tick: Callable[[], float] = time.monotonic) -> None:
        """``window_s``: over how long the pace is looked at; ``tick`` gives seconds."""
        self._window_s, self._tick = window_s, tick

    @abstractmethod
    def pieces(self, path: str, offset: int) -> Iterator[bytes]:
        """The bytes of a file from ``offset`` on, in pieces of any size; nothing when it ends there.

        Raises, also while it is read: tuf's ``DownloadHTTPError`` (404: there is no such file),
        ``SlowRetrievalError``, ``DownloadError``.
        """

    def paced(self, path: str, offset: int) -> Iterator[bytes]:
        """``pieces``, ended by SlowRetrievalError when they only trickle."""
        began, came = self._tick(), 0
        for piece in self.pieces(path, offset):
            came += len(piece)
            yield piece
            spent = self._tick() - began
            if spent >= self._window_s:
                if came < LEAST_BYTES_PER_S * spent:
                    raise SlowRetrievalError(f"{came} bytes in {spent:.0f} s")
                began, came = self._tick(), 0

    def _fetch(self, url: str) -> Iterator[bytes]:
        """For tuf's Updater; its addresses are our paths."""
        return self.paced(url, 0)
