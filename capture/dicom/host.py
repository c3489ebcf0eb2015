"""Serves connections, each as one association, and knows who is here."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from capture.dicom.association import Association
from capture.dicom.diary import Diary
from capture.dicom.negotiation import Negotiator
from capture.dicom.pdu import CONGESTION
from capture.dicom.settings import DicomSettings, TlsSettings
from capture.dicom.telling import Relayed
from capture.dicom.wire import TICK_S, Wire
from capture.errors import Misuse
from capture.spool import Spool
from capture.text import Bilingual

log = structlog.get_logger()
_LINGER_S = 1.0
_LINGERING = 64
"""Connections that may linger after their association; they have no place any more, so this is their limit."""


@dataclass(slots=True, eq=False)
class Guest:
    """One connection. ``admitted``: has one of the places; who has none hears a refusal, or was served."""

    peer: str
    connection: socket.socket
    since: float
    """Monotonic seconds."""
    admitted: bool = False


class Host:
    """Threads may share it. Raises Misuse ``listener.tls``."""

    def __init__(
        self, settings: DicomSettings, spool: Spool, at: Callable[[str], None], relayed: Relayed = frozenset()
    ) -> None:
        self._settings, self._spool, self._at, self._relayed = settings, spool, at, relayed
        self._negotiator = Negotiator(settings)
        self.diary = Diary(log.bind())  # or each line would make a logger anew
        self._tls = _tls_context(settings.tls) if settings.tls else None
        self.guests: set[Guest] = set()
        self.turn = threading.Condition()

    def prepare(self) -> None:
        """Before the first guest: that one comes while others send, so it should not wait for new files."""
        self._spool.prepare()

    def rest(self) -> None:
        """Now and then: do ahead something small that a guest would wait for, if there is none."""
        if not self.guests:
            self._spool.stock(1)

    def welcome(self, guest: Guest) -> None:
        """It is here from now on."""
        with self.turn:
            self.guests.add(guest)

    def forget(self, guest: Guest) -> None:
        """It is not here any more."""
        guest.connection.close()
        with self.turn:
            self.guests.discard(guest)
            self.turn.notify_all()

    def entertain(
        self, guest: Guest, stop: threading.Event, over: Callable[[Guest], None] = lambda guest: None
    ) -> None:
        """The whole association; then it is forgotten. Never raises.

        ``over`` hears of its end while the connection is still open: who sees it closed has its place back.
        """
        wire: Wire | None = None
        try:
            if self._tls is not None:
                guest.connection.settimeout(self._settings.first_pdu_timeout_s)
                guest.connection = self._tls.wrap_socket(guest.connection, server_side=True)
            wire = Wire(guest.connection, stop, guest.since)
            association = Association(
                wire,
                guest.peer,
                self._settings,
                self._negotiator,
                self._spool,
                self._at,
                self.diary,
                self._relayed,
            )
            if guest.admitted:
                association.serve()
            else:
                association.refuse(CONGESTION)
        except OSError:
            self.diary.info(
                "association.ended", peer=guest.peer, reason="tls.handshake" if self._tls else "connection.lost"
            )
        finally:
            with self.turn:
                guest.admitted = False
                crowded = sum(not other.admitted for other in self.guests) > _LINGERING
            over(guest)
            if wire is not None:
                wire.close(0.0 if crowded else _LINGER_S)
            self.forget(guest)

    def close(self) -> None:
        """Let go of the spool's files."""
        self._spool.close()

    def part(self) -> None:
        """Wait for the objects in transfer, then cut the connections and let their threads tidy up."""
        with self.turn:
            self.turn.wait_for(lambda: not self.guests, self._settings.stop_grace_s)
            for guest in self.guests:
                with suppress(OSError):
                    guest.connection.shutdown(socket.SHUT_RDWR)
            self.turn.wait_for(lambda: not self.guests, TICK_S * (1 + len(self.guests)))
        self.diary.write()


def _tls_context(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.certificate, settings.key)
        if settings.ca is not None:
            context.load_verify_locations(settings.ca)
    except (OSError, ssl.SSLError) as error:
        raise Misuse(
            "listener.tls",
            Bilingual("DICOM 端口的证书无法使用", "The certificates of the DICOM port cannot be used"),
            Bilingual(
                "检查证书、私钥和 CA 文件的路径与内容", "Check path and content of certificate, key and CA file"
            ),
        ) from error
    if settings.require_client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
    return context
