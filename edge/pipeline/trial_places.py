"""Content that is not proven never gets every worker: what hangs there must not hold up the images beside it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class TrialPlaces:
    """One place fewer than there are workers. Whoever gets none is judged by what is proven.

    A place is waited for as long as it seems to come free soon: images that arrive together are all judged by what
    is on trial, and none waits for one that hangs.
    """

    def __init__(self, workers: int, patience_s: float) -> None:
        """``patience_s``: seconds after which it is unclear whether a case ends at all."""
        self._free = asyncio.Semaphore(max(1, workers - 1))
        self._patience_s = patience_s
        self._begun: dict[object, float] = {}
        """Since when each place is taken, the earliest first."""
        self._none_until = float("-inf")

    @asynccontextmanager
    async def one(self) -> AsyncIterator[bool]:
        """Whether there is a place; it is held until the end of the block."""
        if not await self._come_free():
            yield False
            return
        case = object()
        self._begun[case] = time.monotonic()
        try:
            yield True
        finally:
            del self._begun[case]
            self._free.release()

    def lost(self, seconds: float) -> None:
        """A worker ended, and the next one takes as long as this to come: until then there are fewer."""
        self._none_until = time.monotonic() + seconds

    async def _come_free(self) -> bool:
        now = time.monotonic()
        left = next(iter(self._begun.values()), now) + self._patience_s - now
        if left <= 0:
            return False
        try:
            async with asyncio.timeout(left):
                await self._free.acquire()
        except TimeoutError:
            return False
        if time.monotonic() < self._none_until:
            self._free.release()
            return False
        return True
