"""The door's own TLS listener: a thread beside the centre's pages, with a client certificate where there is one.

TLS asks for a certificate and takes a connection without one; each address then says whether it needs it. A
certificate of a strange authority, an expired one and one that is no client's do not get through the handshake.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.enrolment.vault import SERVER
from cloud_sync.kit.serving import PatientProtocol


class CertificateProtocol(PatientProtocol):
    """Tells the application who the peer is, by the certificate that TLS has checked."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Put the certificate (DER) where ``scope["state"]`` comes from."""
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls is not None else None
        self.app_state = {**self.app_state, "certificate": shown}
        super().connection_made(transport)


class Listener:
    """Serves an application until ``stop``. A new server certificate or authority is taken up without a restart;
    one that is believed no more still gets through the handshake until then, and no further than that."""

    def __init__(self, settings: EnrolmentSettings, believed: Path, app: ASGIApp) -> None:
        """``believed``: PEM of the authorities whose clients may come.

        Raises:
            Misuse: there is no server certificate yet, or it cannot be used.
        """
        self._certificate = settings.folder / f"{SERVER}.pem"
        self._key = settings.folder / f"{SERVER}.key"
        self._believed = believed
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.verify_mode = ssl.CERT_OPTIONAL
        self._taken: tuple[float, ...] = ()
        self.look()
        self._server = _Server(
            uvicorn.Config(
                app, host=settings.host, port=settings.port, http=CertificateProtocol, log_config=None,
                access_log=False, server_header=False, timeout_graceful_shutdown=5, lifespan="off",
                ssl_context_factory=lambda config, default: self._context,
            )
        )  # fmt: skip
        self._thread = threading.Thread(target=self._serve, name="enrolment-door")

    def start(self) -> None:
        """Serve in a thread; returns once the address is bound.

        Raises:
            Misuse: it cannot be.
        """
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.02)
        if not self._server.started:
            raise Misuse(
                "enrol.address",
                Bilingual("注册服务的地址无法使用", "The address of the enrolment door cannot be used"),
                Bilingual("检查 enrolment.host 与 enrolment.port", "Look at enrolment.host and enrolment.port"),
            )

    @property
    def alive(self) -> bool:
        """Whether it still serves."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Serve no more."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join()

    def _serve(self) -> None:
        with contextlib.suppress(SystemExit):
            self._server.run()

    def look(self) -> None:
        """Take up certificate and authorities if their files changed. Raises Misuse; what was taken up stays."""
        try:
            now = tuple(path.stat().st_mtime for path in (self._certificate, self._key, self._believed))
            if now != self._taken:
                # First where nobody is served: a key without its certificate would leave a context with neither.
                for context in (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), self._context):
                    context.load_cert_chain(self._certificate, self._key)
                    context.load_verify_locations(self._believed)
                self._taken = now
        except (OSError, ValueError):
            raise _no_certificate() from None


def _no_certificate() -> Misuse:
    return Misuse(
        "ca.server",
        Bilingual("注册服务没有可用的服务器证书", "The enrolment door has no server certificate that it can use"),
        Bilingual(
            "运行 qcbox-central ca issue-server server --name 主机名",
            "Run qcbox-central ca issue-server server --name HOSTNAME",
        ),
    )


class _Server(uvicorn.Server):
    """Signals are the main thread's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None here."""
        yield
