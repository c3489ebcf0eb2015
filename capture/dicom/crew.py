"""Threads that each do one thing at a time; a few that have nothing to do are kept for the next."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
_KEPT = 2


class Crew(Generic[T]):
    """As many threads as there are things to do; ``do`` must not raise."""

    def __init__(self, do: Callable[[T], None]) -> None:
        self._do = do
        self._waiting: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._turn = threading.Lock()
        self._free, self._kept = 0, _KEPT

    def give(self, one: T) -> None:
        """Have it done at once. Raises RuntimeError when there can be no more threads."""
        with self._turn:
            if self._free:
                self._free -= 1
                self._waiting.put(one)
                return
        threading.Thread(target=self._work, args=(one,), name="association", daemon=True).start()

    def dismiss(self) -> None:
        """Who has nothing to do goes, the others when they are done."""
        with self._turn:
            for _ in range(self._free):
                self._waiting.put(None)
            self._free = self._kept = 0

    def _work(self, first: T) -> None:
        one: T | None = first
        while one is not None:
            self._do(one)
            with self._turn:
                if self._free >= self._kept:
                    return
                self._free += 1
            one = self._waiting.get()
