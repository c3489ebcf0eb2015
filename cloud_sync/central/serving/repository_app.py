"""The repository over HTTP: an ASGI application of its own, to be mounted behind whatever asks for certificates.

Metadata and releases are signed and no secret; who may connect is the listener's business. GET and HEAD of the
two shapes of path, whole or from a byte on; everything else is not there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, BinaryIO

from cloud_sync.central.serving.shelf import take

_PIECE = 1 << 18
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{1,15})?")
Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Scope = MutableMapping[str, Any]


class RepositoryApp:
    """``folder``: the repository, ``metadata/`` and ``targets/``. It need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI 3."""
        if scope["type"] != "http":
            raise ValueError("this application speaks HTTP only")
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, 405, {"allow": "GET, HEAD"})
            return
        path = scope["path"].removeprefix(scope.get("root_path", "")).removeprefix("/")
        try:
            file, total = await asyncio.to_thread(take, self._folder, path)
        except FileNotFoundError:
            await _refuse(send, 404)
            return
        gone = asyncio.create_task(_gone(receive))
        try:
            with file:
                await _hand_out(scope, send, gone, file, total)
        finally:
            gone.cancel()


async def _gone(receive: Receive) -> None:
    """Until nobody is there any more: a server takes what is sent to nobody without a word."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hand_out(scope: Scope, send: Send, gone: asyncio.Task[None], file: BinaryIO, total: int) -> None:
    span = _span(dict(scope["headers"]).get(b"range", b"").decode("latin-1"), total)
    if span is None:
        await _refuse(send, 416, {"content-range": f"bytes */{total}"})
        return
    begin, end = span
    part = {"content-range": f"bytes {begin}-{end - 1}/{total}"} if end - begin < total else {}
    headers = {
        "content-length": str(end - begin), "content-type": "application/octet-stream", "accept-ranges": "bytes",
        "cache-control": "no-cache", "x-content-type-options": "nosniff",
    }  # fmt: skip
    await _start(send, 206 if part else 200, headers | part)
    file.seek(begin)
    left = end - begin if scope["method"] == "GET" else 0
    while left > 0 and not gone.done() and (piece := await asyncio.to_thread(file.read, min(_PIECE, left))):
        left -= len(piece)
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _span(asked: str, total: int) -> tuple[int, int] | None:
    """First byte and the one after the last. A header that is none, or asks for several ranges, is no range
    (RFC 9110, 14.2); None: behind the end."""
    match = _RANGE.fullmatch(asked)
    if match is None:
        return 0, total
    begin, end = int(match[1]), min(int(match[2]) + 1, total) if match[2] else total
    return (begin, end) if begin < end else None


async def _start(send: Send, status: int, headers: MutableMapping[str, str]) -> None:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _refuse(send: Send, status: int, headers: MutableMapping[str, str] | None = None) -> None:
    await _start(send, status, {"content-length": "0", **(headers or {})})
    await send({"type": "http.response.body", "body": b""})
