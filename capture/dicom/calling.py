"""Associations that we open (PS3.8 7.1), over TLS where it is set (PS3.15 B.12), and why there is none."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association

from capture.dicom.settings import Callee, CalleeTls
from capture.dicom.unreached import certificate_unfit, no_such_host, of_association, of_tls, own_files
from capture.errors import Retry

Kind = tuple[str, str]
"""SOP class and transfer syntax."""


@contextmanager
def called(
    callee: Callee,
    kinds: Iterable[Kind],
    as_scp_of: str | None = None,
    on_report: Callable[[evt.Event], tuple[int, None]] | None = None,
) -> Iterator[Association]:
    """An association, released at the end if it still is one. ``on_report`` answers N-EVENT-REPORT.

    ``as_scp_of``: the SOP class whose provider we are (PS3.7 D.3.3.4).

    Raises:
        Retry: ``peer.…``: there is none, and why.
    """
    context = None if callee.tls is None else tls_context(callee.tls)
    asking = AE(ae_title=callee.own_ae_title)
    asking.acse_timeout = asking.dimse_timeout = asking.network_timeout = callee.timeout_s
    asking.connection_timeout = callee.timeout_s
    for sop_class, syntax in sorted(set(kinds)):
        asking.add_requested_context(sop_class, syntax)
    roles: list[Any] = [] if as_scp_of is None else [build_role(as_scp_of, scp_role=True)]
    opened = _Opened(callee.timeout_s)
    handlers: list[Any] = [(evt.EVT_CONN_OPEN, opened)]
    if on_report is not None:
        handlers.append((evt.EVT_N_EVENT_REPORT, on_report))
    try:
        association = asking.associate(
            callee.host, callee.port, ae_title=callee.ae_title, ext_neg=roles, evt_handlers=handlers,
            tls_args=None if context is None or callee.tls is None else (context, callee.tls.name or callee.host),
        )  # fmt: skip
    except (OSError, UnicodeError):  # the name is looked up before anything else
        raise no_such_host() from None
    if not association.is_established:
        raise _why(association, context, opened.yes)
    keep_answers(association)
    try:
        yield association
    finally:
        if association.is_established:
            association.release()


def keep_answers(association: Association) -> None:
    """Leave answers to whoever asked: the loop that serves the peer's requests takes requests only.

    pynetdicom pauses that loop for each question, but may take it for paused when it is just going on: the loop
    then takes the answer, drops it as unexpected, and whoever asked waits for the whole time-out.
    """
    waiting, take = association.dimse.msg_queue, association.dimse.get_msg

    def get_msg(block: bool = False) -> Any:
        if not block:
            with waiting.mutex:
                first = waiting.queue[0][1] if waiting.queue else None
            if first is None or not first.is_valid_request:
                return None, None
        return take(block)

    association.dimse.get_msg = get_msg  # type: ignore[method-assign]


def tls_context(tls: CalleeTls, *, verify: bool = True) -> Noting:
    """Only the named authorities are believed, only TLS 1.2 and later spoken. Files are renewed: read each time.

    ``verify=False`` believes anybody: to look at a certificate that does not fit, never to send.

    Raises:
        Retry: ``peer.own_files``.
    """
    context = Noting(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = _NotingSocket
    setting = "ca"
    try:
        if verify:
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a single certificate may be pinned, too
            context.load_verify_locations(tls.ca)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        setting = "certificate, key"
        if tls.certificate is not None:
            context.load_cert_chain(tls.certificate, tls.key, password="")  # none is asked of the terminal
    except OSError as error:
        raise own_files(setting, error) from None
    return context


def connection_of(association: Association) -> socket.socket | None:
    """What it goes over, while it does."""
    transport = association.dul.socket
    return None if transport is None else transport.socket


class Noting(ssl.SSLContext):
    """Keeps what goes wrong with its connection: pynetdicom only logs it."""

    trouble: OSError | None = None


class _NotingSocket(ssl.SSLSocket):
    def connect(self, address: Any) -> None:
        try:
            super().connect(address)
        except OSError as error:
            self._note(error)
            raise

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        try:
            return super().recv(buflen, flags)
        except OSError as error:  # in TLS 1.3 only now: our certificate is looked at after our own handshake
            self._note(error)
            raise

    def shutdown(self, how: int) -> None:
        try:
            super().shutdown(how)
        except OSError:  # the peer has gone: pynetdicom would leave it to the garbage collector
            self.close()
            raise

    def _note(self, error: OSError) -> None:
        if isinstance(self.context, Noting):
            self.context.trouble = error


class _Opened:
    """Whether the peer was reached. From then on no half PDU is waited for longer than ``patience_s``."""

    def __init__(self, patience_s: float) -> None:
        self.yes, self._patience_s = False, patience_s

    def __call__(self, event: evt.Event) -> None:
        self.yes = True
        if (connection := connection_of(event.assoc)) is not None:
            connection.settimeout(self._patience_s)


def _why(association: Association, context: Noting | None, reached: bool) -> Retry:
    trouble = None if context is None else context.trouble
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return certificate_unfit(trouble)
    if isinstance(trouble, ssl.SSLError | ConnectionResetError):
        return of_tls(trouble)
    return of_association(association, reached)
