"""The DICOM port: accepts connections within limits, a thread for each that speaks, until told to stop."""

from __future__ import annotations

import errno
import gc
import selectors
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
        self._silent: dict[Guest, None] = {}
        """Who has not said a word yet, in the order in which they came."""
        self._branches: list[Branch] = []
        self._due = 0.0

    def serve(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; then what is in transfer gets its grace, and the rest is cut."""
        self._branch_off()
        self._host.prepare()
        log.info("process.started", port=self.port, address=self._settings.host)
        crew: Crew[Guest] = Crew(lambda guest: self._host.entertain(guest, stop))
        with self._listening, selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            for branch in self._branches:
                selector.register(branch.line, selectors.EVENT_READ, branch)
            while not stop.is_set():
                self._now_and_then(selector)
                # Those who left make room before others come in.
                for key, _ in sorted(selector.select(TICK_S), key=lambda event: event[0].data is None):
                    if isinstance(key.data, Guest):
                        self._hear(key.data, selector, crew)
                    elif isinstance(key.data, Branch):
                        self._hear_branch(key.data, selector)
                    else:
                        self._accept(selector, stop)
        log.info("process.stopping")
        self._part()
        crew.dismiss()

    def _branch_off(self) -> None:
        """The other processes, before this one has threads, and without files that they would share."""
        self._spool.close()
        gc.freeze()  # what is collected is written to, and what is written to is no longer shared
        for _ in range(self._settings.processes - 1):
            lines = [branch.line for branch in self._branches]
            self._branches.append(Branch(self._branch_host, [self._listening, *lines]))

    def _accept(self, selector: selectors.BaseSelector, stop: threading.Event) -> None:
        """One who waits; if others do, the selector says so again."""
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
        self._silent[guest] = None
        selector.register(connection, selectors.EVENT_READ, guest)

    def _hear(self, guest: Guest, selector: selectors.BaseSelector, crew: Crew[Guest]) -> None:
        """Its first word: from now on it has a thread, in the process that has the fewest guests."""
        selector.unregister(guest.connection)
        del self._silent[guest]
        elsewhere = sum(len(branch.guests) for branch in self._branches)
        with self._host.turn:
            here = sum(other.admitted for other in self.guests if other not in self._silent) - elsewhere - 1
        branch = min(self._branches, key=lambda branch: len(branch.guests), default=None)
        if guest.admitted and branch is not None and len(branch.guests) < here:
            with suppress(OSError):
                branch.give(guest)
                return
        try:
            crew.give(guest)
        except RuntimeError:  # no more threads
            self._host.forget(guest)

    def _hear_branch(self, branch: Branch, selector: selectors.BaseSelector) -> None:
        """Some of its guests have left; or it has ended, and all of them are lost."""
        try:
            gone = branch.ended()
        except EOFError:
            log.error("process.failed", reason="branch")
            selector.unregister(branch.line)
            self._branches.remove(branch)
            gone = list(branch.guests.values())
            branch.dismiss()
            branch.wait(0.0)
            with suppress(OSError, Retry):
                self._spool.recover()
        for guest in gone:
            self._host.forget(guest)

    def _now_and_then(self, selector: selectors.BaseSelector) -> None:
        """Say that we live, and lose patience with who says nothing."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + TICK_S
        self._alive()
        self._host.diary.write_now_and_then()
        latest = now - self._settings.first_pdu_timeout_s
        while (guest := next(iter(self._silent), None)) is not None and guest.since < latest:
            selector.unregister(guest.connection)
            del self._silent[guest]
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
        for branch in self._branches:
            branch.dismiss()
        for guest in (*self._silent, *(guest for branch in self._branches for guest in branch.guests.values())):
            self._host.forget(guest)
        self._host.part()
        for branch in self._branches:
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
