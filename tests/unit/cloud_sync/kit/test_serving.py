"""Strangers at the port: too many, or too slow."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from cloud_sync.kit import serving

REQUEST = b"GET / HTTP/1.1\r\nHost: box\r\n\r\n"
Peers = Callable[[], list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Hears the whole request, then answers in two parts with a pause between."""
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await asyncio.sleep(0.7)
    await send({"type": "http.response.body", "body": b"b"})


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    config = uvicorn.Config(app, http=serving.PatientProtocol, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listening])
        try:
            yield listening.getsockname()[1]
        finally:
            await server.shutdown([listening])


async def ends(reader: asyncio.StreamReader) -> bool:
    """Whether the other side hangs up."""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(60):
            return await reader.read() == b""
    return True


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "PATIENCE_S", 0.2)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: box\r\n",
        b"POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 9\r\n\r\n1",
    ],
)
async def test_a_request_that_does_not_come_to_its_end_is_cut(said: bytes) -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(said)
        assert await ends(reader)
        writer.close()


async def test_an_answer_may_take_its_time_and_the_connection_serves_again() -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(REQUEST)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200") and await reader.readexactly(2) == b"ab"
        writer.close()


@pytest.mark.parametrize("limit", ["MOST_CONNECTIONS", "MOST_PER_ADDRESS"])
async def test_one_connection_too_many_is_closed(monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setattr(serving, limit, 2)
    monkeypatch.setattr(serving, "PATIENCE_S", 60)
    if limit == "MOST_PER_ADDRESS":  # a stranger, as far as the box knows
        monkeypatch.setattr("ipaddress.IPv4Address.is_loopback", False)
    async with served() as port:
        peers = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert await ends(peers[2][0])
        for _, writer in peers:
            writer.close()
