"""The console's HTTP server inside the agent: uvicorn that leaves signals and the socket to us."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from capture.errors import Bug, Misuse
from capture.text import Bilingual
from cloud_sync.kit.serving import PatientProtocol
from edge.console.app import create_app
from edge.reading import ReadingRoom
from edge.services import Services

_GRACE_S = 2
"""Open pages hold their stream for ever; they connect again by themselves."""


class ConsoleServer:
    """Bound when made, so that ``port`` is known before anybody is told.

    Raises:
        Misuse: the address cannot be bound.
    """

    def __init__(self, services: Services, reading: ReadingRoom | None = None) -> None:
        """``reading``: what reads screens for the teaching page, if not a process of its own."""
        config = uvicorn.Config(
            create_app(services, reading),
            http=PatientProtocol,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = _Server(config)
        settings = services.settings.console
        try:
            family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
            self._socket = socket.create_server((settings.host, settings.port), family=family)
        except OSError as error:
            raise Misuse(
                "console.address",
                Bilingual("控制台地址无法使用", "The console's address cannot be used"),
                Bilingual(
                    "检查 console.host 与 console.port，或停止占用该端口的程序",
                    "Look at console.host and console.port, or stop what uses that port",
                ),
            ) from error
        self.port: int = self._socket.getsockname()[1]

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``."""
        serving = asyncio.create_task(self._server.serve([self._socket]))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            self._server.should_exit = True
            await serving
        if not stop.is_set():
            raise Bug(
                "console.ended",
                Bilingual("控制台意外停止", "The console ended by itself"),
                Bilingual("请报告此问题", "Please report this"),
            )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The agent handles signals for all its parts."""
        yield
