"""The DICOM port: accepts connections within limits, a thread for each that speaks, until told to stop."""

from __future__ import annotations

import errno
import gc
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

from capture.dicom.branch import Branch
from capture.dicom.crew import Crew
from capture.dicom.host import Guest, Host
from capture.dicom.peers import plain_address
from capture.dicom.settings import DicomSettings
from capture.dicom.telling import Relayed
from capture.dicom.wire import TICK_S, prepare
from capture.errors import Misuse, Retry
from capture.spool import Spool
from capture.text import Bilingual

log = structlog.get_logger()
BEING_REFUSED = 64
"""Connections over the limit that are answered at once; more are closed without a word."""
_TIDY_S = 5.0
"""Beyond the grace: for what a process does at its end."""


class Listener:
    """Binds in the constructor, so that ``port`` is known before :meth:`serve`.

    Who says nothing has no thread and costs nothing. What comes beside the first association is served by other
    processes (:class:`Branch`). Raises Misuse ``listener.port`` or ``listener.tls``.
    """

    def __init__(
        self,
        settings: DicomSettings,
        spool: Spool,
        *,
        alive: Callable[[], None] = lambda: None,
        at: Callable[[str], None] = lambda step: None,
        relayed: Relayed = frozenset(),
    ) -> None:
        self._settings, self._alive = settings, alive
        self._host = Host(settings, spool, at, relayed)
        self._branch_host = lambda: Host(settings, spool.twin(), at, relayed)
        self._spool = spool
        self._listening = _bind(settings)
        self.port: int = self._listening.getsockname()[1]
        self.guests = self._host.guests
        self._silent: dict[int, Guest] = {}
        """Who has not said a word yet, by descriptor, in the order in which they came."""
        self._branches: dict[int, Branch] = {}
        """By the descriptor of the line to it."""
        self._due = 0.0

    def serve(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; then what is in transfer gets its grace, and the rest is cut."""
        self._branch_off()
        self._host.prepare()
        log.info("process.started", port=self.port, address=self._settings.host)
        crew: Crew[Guest] = Crew(lambda guest: self._host.entertain(guest, stop))
        with self._listening, select.epoll() as waiting:
            for descriptor in (self._listening.fileno(), *self._branches):
                waiting.register(descriptor, select.EPOLLIN)
            while not stop.is_set():
                self._now_and_then(waiting)
                heard = [descriptor for descriptor, _ in waiting.poll(TICK_S)]
                for descriptor in heard:
                    if descriptor in self._silent:
                        self._hear(descriptor, waiting, crew)
                    elif descriptor in self._branches:
                        self._hear_branch(descriptor, waiting)
                if self._listening.fileno() in heard:  # those who left have made room before
                    self._accept(waiting, stop)
        log.info("process.stopping")
        self._part()
        crew.dismiss()

    def _branch_off(self) -> None:
        """The other processes, before this one has threads, and without files that they would share."""
        self._spool.close()
        gc.freeze()  # what is collected is written to, and what is written to is no longer shared
        for _ in range(self._settings.processes - 1):
            lines = [branch.line for branch in self._branches.values()]
            branch = Branch(self._branch_host, [self._listening, *lines])
            self._branches[branch.line.fileno()] = branch

    def _accept(self, waiting: select.epoll, stop: threading.Event) -> None:
        """One who waits; if others do, we are told so again."""
        try:
            connection, address = self._listening.accept()
        except OSError as error:  # out of descriptors, or a peer that left before it was accepted
            if error.errno not in (errno.ECONNABORTED, errno.EAGAIN):
                log.error("association.refused", reason="limit.descriptors")
                stop.wait(TICK_S)
            return
        guest = Guest(plain_address(address[0]), connection, time.monotonic())
        if not self._admit(guest):
            connection.close()
            return
        self._silent[connection.fileno()] = guest
        waiting.register(connection, select.EPOLLIN)

    def _hear(self, descriptor: int, waiting: select.epoll, crew: Crew[Guest]) -> None:
        """Its first word: from now on it has a thread, in the process that has the fewest guests."""
        waiting.unregister(descriptor)
        guest = self._silent.pop(descriptor)
        branch = self._less_busy() if guest.admitted and len(self.guests) > 1 else None
        if branch is not None:
            with suppress(OSError):
                branch.give(guest)
                return
        try:
            crew.give(guest)
        except RuntimeError:  # no more threads
            self._host.forget(guest)

    def _less_busy(self) -> Branch | None:
        """The other process with the fewest guests, if those are fewer than the others here."""
        elsewhere = sum(len(branch.guests) for branch in self._branches.values())
        with self._host.turn:
            here = sum(other.admitted for other in self.guests) - elsewhere - 1
        here -= sum(silent.admitted for silent in self._silent.values())
        branch = min(self._branches.values(), key=lambda branch: len(branch.guests), default=None)
        return branch if branch is not None and len(branch.guests) < here else None

    def _hear_branch(self, line: int, waiting: select.epoll) -> None:
        """Some of its guests have left; or it has ended, and all of them are lost."""
        branch = self._branches[line]
        try:
            gone = branch.ended()
        except EOFError:
            log.error("process.failed", reason="branch")
            waiting.unregister(line)
            del self._branches[line]
            gone = list(branch.guests.values())
            branch.dismiss()
            branch.wait(0.0)
            with suppress(OSError, Retry):
                self._spool.recover()
        for guest in gone:
            self._host.forget(guest)

    def _now_and_then(self, waiting: select.epoll) -> None:
        """Say that we live, and lose patience with who says nothing."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + TICK_S
        self._alive()
        self._host.diary.write()
        self._host.rest()
        latest = now - self._settings.first_pdu_timeout_s
        while (guest := next(iter(self._silent.values()), None)) is not None and guest.since < latest:
            waiting.unregister(guest.connection)
            del self._silent[guest.connection.fileno()]
            self._host.forget(guest)
            log.info("association.ended", peer=guest.peer, reason="connection.silent")

    def _admit(self, guest: Guest) -> bool:
        """Give it a place among the served or the refused; False when there is none of either."""
        with self._host.turn:
            served = [other.peer for other in self.guests if other.admitted]
            settings = self._settings
            guest.admitted = (
                len(served) < settings.max_associations and served.count(guest.peer) < settings.max_per_address
            )
            if not guest.admitted and len(self.guests) - len(served) >= BEING_REFUSED:
                return False
            self.guests.add(guest)
        return True

    def _part(self) -> None:
        """Each process waits for its objects in transfer, then cuts its connections."""
        branches = self._branches.values()
        for branch in branches:
            branch.dismiss()
        for guests in (self._silent, *(branch.guests for branch in branches)):
            for guest in guests.values():
                self._host.forget(guest)
        self._host.part()
        for branch in branches:
            branch.wait(self._settings.stop_grace_s + _TIDY_S)


def _bind(settings: DicomSettings) -> socket.socket:
    v6 = ":" in settings.host
    try:
        listening = socket.create_server(
            (settings.host, settings.port),
            family=socket.AF_INET6 if v6 else socket.AF_INET,
            backlog=128,
            dualstack_ipv6=v6 and socket.has_dualstack_ipv6(),
        )
    except OSError as error:
        raise Misuse(
            "listener.port",
            Bilingual(
                f"无法监听 {settings.host} 端口 {settings.port}",
                f"Cannot listen on {settings.host} port {settings.port}",
            ),
            Bilingual(
                "端口被占用、地址不属于本机或权限不足",
                "The port is taken, the address is not of this machine, or not permitted",
            ),
        ) from error
    listening.setblocking(False)
    prepare(listening)
    return listening
