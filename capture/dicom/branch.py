"""A process beside the listener's that serves some of the associations: Python runs one thread at a time.

The listener hands it a connection (SCM_RIGHTS, unix(7)) and hears when the association has ended. Whichever of the
two ends first, the other one hears so from the kernel.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable

import structlog

from capture.dicom.crew import Crew
from capture.dicom.host import Guest, Host
from capture.dicom.wire import TICK_S

log = structlog.get_logger()
_GUEST = struct.Struct("@Qd")
"""Its number and since when it is here; its address follows."""
_NUMBER = struct.Struct("@Q")
_LONGEST = 256
_LOOK_S = 0.02


class Branch:
    """The listener's end. Made while the process has one thread only."""

    def __init__(self, make: Callable[[], Host], close: Iterable[socket.socket]) -> None:
        """``make`` is called in the new process, which first lets go of what it must ``close``."""
        self.line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            try:
                for one in (self.line, *close):
                    one.close()
                _serve(theirs, make())
            except Exception:
                log.exception("process.failed")
            finally:
                os._exit(0)
        theirs.close()
        self.line.setblocking(False)
        self.guests: dict[int, Guest] = {}
        self._given = 0

    def give(self, guest: Guest) -> None:
        """It is served there from now on. Raises OSError when it cannot be; then nothing has changed."""
        note = _GUEST.pack(self._given, guest.since) + guest.peer.encode()
        socket.send_fds(self.line, [note], [guest.connection.fileno()])
        guest.connection.close()
        self.guests[self._given] = guest
        self._given += 1

    def ended(self) -> list[Guest]:
        """Whose association has ended. Raises EOFError when the process has, and all of them were told of."""
        gone: list[Guest] = []
        while True:
            try:
                said = self.line.recv(_NUMBER.size)
            except BlockingIOError:
                return gone
            except ConnectionError:
                said = b""
            if not said:
                if gone:
                    return gone
                raise EOFError
            gone.append(self.guests.pop(_NUMBER.unpack(said)[0]))

    def dismiss(self) -> None:
        """From now on it ends as soon as its guests let it."""
        self.line.close()

    def wait(self, patience_s: float) -> None:
        """Until it has ended, which it must after ``patience_s``."""
        end = time.monotonic() + patience_s
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > end:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                return
            time.sleep(_LOOK_S)


def _serve(line: socket.socket, host: Host) -> None:
    """Until the listener has gone, or says so: a signal to all is for the listener."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    stop = threading.Event()

    def entertain(numbered: tuple[int, Guest]) -> None:
        number, guest = numbered
        host.entertain(guest, stop, lambda guest: over(number))

    def over(number: int) -> None:
        try:
            line.send(_NUMBER.pack(number))
        except OSError:  # the listener has gone
            stop.set()

    host.prepare()
    crew = Crew(entertain)
    line.settimeout(TICK_S)
    while not stop.is_set():
        host.diary.write_now_and_then()
        try:
            note, descriptors, _, _ = socket.recv_fds(line, _LONGEST, 1)
        except TimeoutError:
            host.rest()
            continue
        except ConnectionError:  # the listener has gone and left a word of ours unheard
            break
        if not note:
            break
        number, since = _GUEST.unpack_from(note)
        guest = Guest(note[_GUEST.size :].decode(), socket.socket(fileno=descriptors[0]), since, admitted=True)
        host.welcome(guest)
        try:
            crew.give((number, guest))
        except RuntimeError:  # no more threads
            over(number)
            host.forget(guest)
    stop.set()
    host.part()
    host.close()
