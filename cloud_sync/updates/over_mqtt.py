"""The repository through the broker, for sites that reach nothing else: pieces are asked for and come as messages.

Messages may be lost, doubled, late and out of order, and anybody's; only an answer to what is being waited for
counts. A few pieces are asked for ahead, so that the way there and back is not waited for at each of them.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from pydantic import ValidationError
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError

from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.wire.codec import WireError, encode, split_chunk
from cloud_sync.wire.control import Chunk, Fetch

PIECE = 96 * 1024
"""The most that one chunk may carry (``Fetch.length``)."""
_OK, _BEHIND_THE_END, _NOT_NOW = 200, 416, 503


@dataclass
class _Asked:
    """A piece on its way. ``due``: when it is asked for again."""

    fetch: Fetch
    due: float
    tries: int = 1
    answer: tuple[Chunk, bytes] | None = None


@dataclass
class _Transfer:
    """One file. ``asked`` is in the order of the file."""

    path: str
    next: int
    total: int | None = None
    asked: list[_Asked] = field(default_factory=list)


class OverMqtt(Fetcher):
    """``hear`` gets what comes on ``dn/chunk``, from any thread; files are fetched one at a time by one thread."""

    def __init__(
        self, request: Callable[[bytes], None], *, ahead: int = 4, timeout_s: float = 10.0, tries: int = 6,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        """``request`` says something on ``up/fetch`` (it may be lost). A piece is asked for ``tries`` times,
        ``timeout_s`` apart, before the file is given up."""
        super().__init__(tick=tick)
        self._request, self._ahead, self._timeout_s, self._tries = request, ahead, timeout_s, tries
        self._changed = threading.Condition()
        self._waiting: dict[str, _Asked] = {}

    def hear(self, payload: bytes) -> None:
        """A ``dn/chunk``. Quick; what answers nothing that is waited for is let go."""
        try:
            chunk, content = split_chunk(payload)
        except WireError:
            return
        with self._changed:
            asked = self._waiting.get(chunk.id)
            if asked is not None and asked.answer is None:
                asked.answer = (chunk, content)
                self._changed.notify_all()

    def pieces(self, path: str, offset: int) -> Iterator[bytes]:
        """See Fetcher."""
        transfer = _Transfer(path, offset)
        try:
            self._ask(transfer)
            while transfer.asked and (piece := self._first(transfer)):
                yield piece
                self._ask(transfer)
        finally:
            with self._changed:
                for asked in transfer.asked:
                    self._waiting.pop(asked.fetch.id, None)

    def _ask(self, transfer: _Transfer) -> None:
        """Ask for the next pieces: for one only until the length of the file is known."""
        most = 1 if transfer.total is None else self._ahead
        while len(transfer.asked) < most and (transfer.total is None or transfer.next < transfer.total):
            fetch = _question(transfer.path, transfer.next)
            asked = _Asked(fetch, self._tick() + self._timeout_s)
            with self._changed:
                self._waiting[fetch.id] = asked
            transfer.asked.append(asked)
            transfer.next += PIECE
            self._request(encode(fetch))

    def _first(self, transfer: _Transfer) -> bytes:
        """The bytes of the piece that comes next in the file; none behind its end."""
        asked = transfer.asked[0]
        while (answer := self._answer(transfer)) is None or answer[0].status == _NOT_NOW:
            self._again(transfer, asked)
        with self._changed:
            del self._waiting[transfer.asked.pop(0).fetch.id]
        chunk, content = answer
        if chunk.status == _BEHIND_THE_END:
            return b""
        if chunk.status != _OK:
            raise DownloadHTTPError(f"status {chunk.status}", chunk.status)
        self._plausible(transfer, asked.fetch, chunk, len(content))
        return content

    def _plausible(self, transfer: _Transfer, fetch: Fetch, chunk: Chunk, length: int) -> None:
        """A piece is as long as it must be, in a file as long as it was."""
        transfer.total = chunk.total if transfer.total is None else transfer.total
        if chunk.total != transfer.total or length != max(0, min(PIECE, chunk.total - fetch.offset)):
            raise DownloadError(f"{length} bytes at {fetch.offset} of {chunk.total}")

    def _answer(self, transfer: _Transfer) -> tuple[Chunk, bytes] | None:
        """What came for the first piece, until something has to be asked for again."""
        first = transfer.asked[0]
        with self._changed:
            self._changed.wait_for(lambda: first.answer is not None, max(0.0, first.due - self._tick()))
            return first.answer

    def _again(self, transfer: _Transfer, asked: _Asked) -> None:
        """The same question, with the same number: a late answer to the first is one to the second."""
        if asked.answer is not None:
            time.sleep(min(self._timeout_s, 1.0))
        if asked.tries >= self._tries:
            raise SlowRetrievalError(f"no answer to {asked.tries} requests")
        with self._changed:
            asked.answer = None
        asked.tries += 1
        asked.due = self._tick() + self._timeout_s
        self._request(encode(asked.fetch))


def _question(path: str, offset: int) -> Fetch:
    try:
        return Fetch(id=secrets.token_hex(8), path=path, offset=offset, length=PIECE)
    except ValidationError:
        raise DownloadHTTPError("not a path of the repository", 404) from None
