"""What uvicorn leaves open to anybody who can reach the port: sockets without number, and requests without end.

A console shares its process with the judging: sockets taken by strangers must not be files that it lacks.
"""

from __future__ import annotations

import asyncio
import ipaddress

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 512
"""At once; systemd gives a process 1024 descriptors."""
MOST_PER_ADDRESS = 64
"""Of one peer; a proxy on this machine speaks for many and is not counted."""
PATIENCE_S = 10.0
"""A request has to be whole after one to two times this; answers may take as long as they like."""


class PatientProtocol(H11Protocol):
    """One connection, within limits. Give it to ``uvicorn.Config(http=...)``."""

    _look_again: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Close at once what is too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS or self._of_this_peer() > MOST_PER_ADDRESS:
            transport.abort()
        else:
            self._look(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """No more looks."""
        if self._look_again is not None:
            self._look_again.cancel()
        super().connection_lost(exc)

    def _of_this_peer(self) -> int:
        host = self.client[0] if self.client else ""
        if not host or ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            return 0
        return sum(other.client is not None and other.client[0] == host for other in self._siblings())

    def _siblings(self) -> list[H11Protocol]:
        return [other for other in self.connections if isinstance(other, H11Protocol)]

    def _look(self, before: object) -> None:
        """Whoever still says what they said at the last look has lost their turn."""
        unfinished = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        if unfinished and self._look_again is not None and self.cycle is before:
            self.transport.abort()
        else:
            self._look_again = self.loop.call_later(PATIENCE_S, self._look, self.cycle)
