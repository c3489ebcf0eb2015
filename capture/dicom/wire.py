"""One TCP connection, read through a buffer of fixed size, with limits on how long anybody may dawdle."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

from capture.dicom.pdu import HEADER, Ended

TICK_S = 0.5
"""How often a waiting thread looks whether it should stop."""
MIN_RATE = 1024
"""Bytes a second below which a peer loses its time (slow-loris)."""
_BUFFER = 256 * 1024


class Wire:
    """Reads and writes one connection; every method may raise :class:`Ended`.

    Memory is the one buffer, whatever length a PDU announces.
    """

    def __init__(self, connection: socket.socket, stop: threading.Event) -> None:
        self._socket = connection
        self._stop = stop
        self._buffer = memoryview(bytearray(_BUFFER))
        self._start = self._end = 0
        self._silence = self._deadline = 0.0
        self._idle = False
        # One small write per response must leave at once: the Nagle / delayed-ACK stall costs 40 ms an image.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(TICK_S)

    def expect(self, seconds: float, *, idle: bool = False) -> None:
        """From now on the peer may be silent for ``seconds``, and in all take that long plus size / MIN_RATE.

        ``idle``: between messages, where a stop of the process may end the association.
        """
        self._silence, self._idle = seconds, idle
        self._deadline = time.monotonic() + seconds

    def header(self) -> tuple[int, int]:
        """Type and length of the next PDU."""
        kind, length = HEADER.unpack(self.take(HEADER.size))
        return kind, length

    def take(self, count: int) -> bytes:
        """Exactly ``count`` bytes; for small parts, at most the buffer."""
        while self._end - self._start < count:
            self._fill()
        taken = bytes(self._buffer[self._start : self._start + count])
        self._start += count
        return taken

    def chunks(self, count: int) -> Iterator[memoryview]:
        """``count`` bytes as they come; each view is valid until the next one is asked for."""
        while count:
            if self._start == self._end:
                self._fill()
            size = min(count, self._end - self._start)
            chunk = self._buffer[self._start : self._start + size]
            self._start += size
            count -= size
            yield chunk

    def send(self, reply: bytes) -> None:
        """All of it, in one write."""
        try:
            self._socket.settimeout(self._silence)
            self._socket.sendall(reply)
            self._socket.settimeout(TICK_S)
        except OSError:
            raise Ended("connection.lost") from None

    def close(self, linger_s: float = 1.0) -> None:
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
        """Wait for more bytes. Ended: connection.closed, connection.lost, connection.silent, or stopping."""
        if self._start:  # what is left is a fragment of a header, or nothing
            left = self._end - self._start
            self._buffer[:left] = bytes(self._buffer[self._start : self._end])
            self._start, self._end = 0, left
        silent_at = time.monotonic() + self._silence
        while True:
            try:
                self._acknowledge_at_once()
                count = self._socket.recv_into(self._buffer[self._end :])
            except TimeoutError:
                count = -1
            except OSError:
                raise Ended("connection.lost") from None
            if count == 0:
                raise Ended("connection.closed")
            if count < 0 and self._idle and self._start == self._end and self._stop.is_set():
                raise Ended("stopping")
            now = time.monotonic()
            if now > min(silent_at, self._deadline):
                raise Ended("connection.silent")
            if count > 0:
                self._end += count
                self._deadline += count / MIN_RATE
                return

    def _acknowledge_at_once(self) -> None:
        """TCP_QUICKACK does not last, so before each wait: a sender that leaves Nagle on waits for our ACK."""
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
