"""Pieces of the repository for boxes that ask through the broker (``up/fetch``, ``dn/chunk``)."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from pathlib import Path

import structlog

from cloud_sync.central.part import Outgoing
from cloud_sync.central.serving.shelf import take
from cloud_sync.wire import topics
from cloud_sync.wire.codec import WireError, decode, join_chunk
from cloud_sync.wire.control import Chunk, Fetch
from cloud_sync.wire.topics import Address

log = structlog.get_logger()

BYTES_A_TURN = 2 << 20
"""Read and sent before the ingest gets its turn again: some milliseconds."""
MOST_OF_A_BOX = 8
"""Questions of one box that wait. A box asks for four at a time; more is no hurry but an error."""
MOST_BOXES = 1000
_EXPIRY_S = 60


class Answers:
    """A Part. Boxes take turns, so that one that asks much delays nobody."""

    def __init__(self, folder: Path, bytes_a_turn: int = BYTES_A_TURN) -> None:
        """``folder``: the repository, ``metadata/`` and ``targets/``. It need not be there yet."""
        self._folder, self._budget = folder, bytes_a_turn
        self._asked: OrderedDict[str, deque[Fetch]] = OrderedDict()
        self._refused: list[Outgoing] = []

    def heard(self, address: Address, payload: bytes) -> None:
        """See Part."""
        if address.leaf != "fetch":
            return
        try:
            fetch = decode(payload, Fetch)
        except WireError as error:
            log.warning("ingest.dead_letter", box=address.box, code=error.code, where=address.leaf)
            return
        waiting = self._asked.get(address.box)
        if waiting is None and len(self._asked) < MOST_BOXES:
            waiting = self._asked.setdefault(address.box, deque())
        if waiting is not None and len(waiting) < MOST_OF_A_BOX:
            waiting.append(fetch)
        elif len(self._refused) < MOST_BOXES:
            self._refused.append(_say(address.box, Chunk(id=fetch.id, status=503)))

    def to_say(self) -> Iterator[Outgoing]:
        """See Part."""
        yield from self._refused
        self._refused.clear()
        left = self._budget
        while self._asked and left > 0:
            box, waiting = self._asked.popitem(last=False)
            fetch = waiting.popleft()
            if waiting:
                self._asked[box] = waiting
            chunk, content = self._read(fetch)
            left -= max(len(content), 1024)
            yield _say(box, chunk, content)

    def _read(self, fetch: Fetch) -> tuple[Chunk, bytes]:
        try:
            file, total = take(self._folder, fetch.path)
        except FileNotFoundError:
            return Chunk(id=fetch.id, status=404), b""
        with file:
            if fetch.offset >= total:
                return Chunk(id=fetch.id, status=416, total=total), b""
            try:
                file.seek(fetch.offset)
                content = file.read(fetch.length)
            except OSError:
                return Chunk(id=fetch.id, status=503), b""
        return Chunk(id=fetch.id, status=200, total=total), content


def _say(box: str, chunk: Chunk, content: bytes = b"") -> Outgoing:
    # A lost answer is asked for again; QoS 1 would let the broker keep megabytes for a box that is gone.
    return Outgoing(topics.down(box, "chunk"), join_chunk(chunk, content), qos=0, expiry_s=_EXPIRY_S)
