"""The DICOM port: accepts connections, a thread for each, within limits, until told to stop."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import structlog

from capture.dicom.association import Association
from capture.dicom.pdu import CONGESTION
from capture.dicom.peers import plain_address
from capture.dicom.settings import DicomSettings, TlsSettings
from capture.dicom.wire import TICK_S, Wire
from capture.errors import Misuse
from capture.spool import Spool
from capture.text import Bilingual

log = structlog.get_logger()
BEING_REFUSED = 64
"""Connections over the limit that are answered at once; more are closed without a word."""


@dataclass(slots=True, eq=False)
class _Guest:
    """One connection and its thread. ``admitted``: within the limits; the others hear a refusal."""

    peer: str
    connection: socket.socket
    admitted: bool


class Listener:
    """Binds in the constructor, so that ``port`` is known before :meth:`serve`.

    Raises Misuse ``listener.port`` or ``listener.tls``.
    """

    def __init__(
        self,
        settings: DicomSettings,
        spool: Spool,
        *,
        alive: Callable[[], None] = lambda: None,
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        self._settings, self._spool, self._alive, self._at = settings, spool, alive, at
        self._tls = _tls_context(settings.tls) if settings.tls else None
        self._listening = _bind(settings)
        self.port: int = self._listening.getsockname()[1]
        self.guests: dict[threading.Thread, _Guest] = {}
        self._lock = threading.Lock()

    def serve(self, stop: threading.Event) -> None:
        """Until ``stop`` is set; then what is in transfer gets its grace, and the rest is cut."""
        log.info("process.started", port=self.port, address=self._settings.host)
        with self._listening:
            while not stop.is_set():
                self._alive()
                self._accept(stop)
        log.info("process.stopping")
        self._part()

    def _accept(self, stop: threading.Event) -> None:
        try:
            connection, address = self._listening.accept()
        except TimeoutError:
            return
        except OSError as error:  # out of descriptors, or a peer that left before it was accepted
            if error.errno != errno.ECONNABORTED:
                log.error("association.refused", reason="limit.descriptors")
                stop.wait(TICK_S)
            return
        guest = _Guest(plain_address(address[0]), connection, admitted=False)
        thread = threading.Thread(target=self._entertain, args=(guest, stop), name="association", daemon=True)
        if not self._admit(thread, guest):
            connection.close()
            return
        try:
            thread.start()
        except RuntimeError:  # no more threads
            self._forget(thread)
            connection.close()

    def _admit(self, thread: threading.Thread, guest: _Guest) -> bool:
        """Give it a place among the served or the refused; False when there is none of either."""
        with self._lock:
            served = [other.peer for other in self.guests.values() if other.admitted]
            if len(self.guests) - len(served) >= BEING_REFUSED:
                return False
            settings = self._settings
            guest.admitted = (
                len(served) < settings.max_associations and served.count(guest.peer) < settings.max_per_address
            )
            self.guests[thread] = guest
        return True

    def _forget(self, thread: threading.Thread) -> None:
        with self._lock:
            self.guests.pop(thread, None)

    def _entertain(self, guest: _Guest, stop: threading.Event) -> None:
        try:
            if self._tls is not None:
                guest.connection.settimeout(self._settings.first_pdu_timeout_s)
                guest.connection = self._tls.wrap_socket(guest.connection, server_side=True)
            wire = Wire(guest.connection, stop)
            association = Association(wire, guest.peer, self._settings, self._spool, self._at)
            if guest.admitted:
                association.serve()
            else:
                association.refuse(CONGESTION)
            wire.close()
        except OSError:
            log.info(
                "association.ended", peer=guest.peer, reason="tls.handshake" if self._tls else "connection.lost"
            )
        finally:
            guest.connection.close()
            self._forget(threading.current_thread())

    def _part(self) -> None:
        """Wait for the objects in transfer, then cut the connections and let their threads tidy up."""
        deadline = time.monotonic() + self._settings.stop_grace_s
        for cut in (False, True):
            with self._lock:
                still = list(self.guests.items())
            for thread, guest in still:
                if cut:
                    with suppress(OSError):
                        guest.connection.shutdown(socket.SHUT_RDWR)
                thread.join(TICK_S if cut else max(deadline - time.monotonic(), 0))


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
    listening.settimeout(TICK_S)
    return listening


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
