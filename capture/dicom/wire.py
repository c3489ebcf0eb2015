"""One TCP connection, with limits on how long anybody may dawdle."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from typing import Any

from capture.dicom.pdu import HEADER, PDV_HEADER, Ended

TICK_S = 0.5
"""How often a waiting thread looks whether it should stop."""
MIN_RATE = 1024
"""Bytes a second below which a peer loses its time (slow-loris)."""
_BUFFER = 8192
"""Bytes for headers, commands, and a request of 90 contexts; a data set is received right where it is to lie."""
_PROMPT = TICK_S * MIN_RATE
"""Bytes that earn as much time as the longest wait for them took, so that nobody need look at the clock."""
_ACKNOWLEDGE_AT_ONCE = socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1
_TIMEVAL = struct.pack("@ll", 0, int(TICK_S * 1_000_000))


def prepare(listening: socket.socket) -> None:
    """Give a socket what whoever connects to it inherits (tcp(7)), rather than to each of them.

    One small write per response must leave at once: the Nagle / delayed-ACK stall costs 40 ms an image. The
    kernel's own timeout spares a poll(2) before each call.
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _TIMEVAL)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIMEVAL)


class Wire:
    """Reads and writes one connection; every method may raise :class:`Ended`. ``since``: when it was made."""

    def __init__(self, connection: socket.socket, stop: threading.Event, since: float | None = None) -> None:
        self._socket = connection
        self._stop = stop
        self.since = time.monotonic() if since is None else since
        self._buffer = memoryview(bytearray(_BUFFER))
        self._ahead = self._buffer[: HEADER.size + PDV_HEADER.size]
        """The headers behind a fragment come in the same call, and nothing that would then have to be copied."""
        self._start = self._end = 0
        self._silence = self._deadline = 0.0
        self._idle = False
        self._encrypted = isinstance(connection, ssl.SSLSocket)
        if self._encrypted:
            connection.settimeout(TICK_S)

    def expect(self, seconds: float, *, idle: bool = False) -> None:
        """From now on the peer may be silent for ``seconds``, and in all take that long plus size / MIN_RATE.

        ``idle``: between messages, where a stop of the process may end the association.
        """
        self._silence, self._idle = seconds, idle
        self._deadline = time.monotonic() + seconds

    def unpack(self, layout: struct.Struct) -> tuple[Any, ...]:
        """The next few bytes as numbers."""
        size = layout.size
        while self._end - self._start < size:
            self._fill()
        at = self._start
        self._start = at + size
        return layout.unpack_from(self._buffer, at)

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes."""
        taken = memoryview(bytearray(count))
        rest = taken
        while rest:
            rest = rest[self.readinto(rest) :]
        return bytes(taken)

    def readinto(self, room: memoryview) -> int:
        """Some bytes, at least one; how many."""
        if self._start == self._end:
            count = self._receive([room, self._ahead])
            behind = count - len(room)
            if behind <= 0:
                return count
            self._start, self._end = 0, behind
            return len(room)
        count = min(len(room), self._end - self._start)
        room[:count] = self._buffer[self._start : self._start + count]
        self._start += count
        return count

    def send(self, reply: bytes) -> None:
        """All of it, in one write if the peer reads."""
        silent_at = time.monotonic() + self._silence
        rest = memoryview(reply)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except (TimeoutError, BlockingIOError):
                if time.monotonic() > silent_at:
                    raise Ended("connection.lost") from None
            except OSError:
                raise Ended("connection.lost") from None

    def close(self, linger_s: float) -> None:
        """Say no more, hear the peer out for a moment so that our last PDU is not lost to a reset, and close."""
        self.expect(linger_s)
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while time.monotonic() < self._deadline and self._socket.recv_into(self._buffer):
                pass
        except OSError:
            pass
        finally:
            self._socket.close()

    def _fill(self) -> None:
        left = self._end - self._start
        if left:  # a fragment of a header
            self._buffer[:left] = bytes(self._buffer[self._start : self._end])
        self._start, self._end = 0, left
        self._end += self._receive([self._buffer[left:]])

    def _receive(self, rooms: list[memoryview]) -> int:
        """Wait for bytes. Ended: connection.closed, connection.lost, connection.silent, or stopping."""
        waited = 0.0
        while True:
            try:
                # This does not last, so before each wait: a sender that leaves Nagle on waits for our ACK.
                self._socket.setsockopt(*_ACKNOWLEDGE_AT_ONCE)
                if self._encrypted:
                    count = self._socket.recv_into(rooms[0])
                else:
                    count = self._socket.recvmsg_into(rooms)[0]
            except (TimeoutError, BlockingIOError):
                waited += TICK_S
                self._may_wait(waited)
                continue
            except OSError:
                raise Ended("connection.lost") from None
            if count == 0:
                raise Ended("connection.closed")
            self._deadline += count / MIN_RATE
            if count < _PROMPT:
                self._in_time()
            return count

    def _may_wait(self, waited: float) -> None:
        if self._idle and self._start == self._end and self._stop.is_set():
            raise Ended("stopping")
        if waited >= self._silence:
            raise Ended("connection.silent")
        self._in_time()

    def _in_time(self) -> None:
        if time.monotonic() > self._deadline:
            raise Ended("connection.silent")
