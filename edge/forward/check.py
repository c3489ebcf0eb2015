"""Whether each peer can be called: its association, its TLS, its certificate."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from pydicom.uid import UID

from capture.dicom.calling import called, connection_of, tls_context
from capture.dicom.settings import Callee, WorklistSettings
from capture.dicom.uids import COMMITMENT, EXPLICIT_LE, IMPLICIT_LE, PERFORMED_STEP, VERIFICATION
from capture.errors import Retry
from capture.text import Bilingual
from edge.forward.patience import NO_CONTEXT
from edge.forward.settings import ForwardSettings
from edge.forward.steps import RIS
from edge.forward.words import hint, meaning

_MODALITY_WORKLIST = "1.2.840.10008.5.1.4.31"
_IMAGES = tuple(f"1.2.840.10008.5.1.4.1.1.{rest}" for rest in ("1", "1.1", "2", "4", "7"))
"""CR, DX, CT, MR, SC."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is called for what."""

    name: str
    callee: Callee
    proposed: tuple[str, ...]
    needed: str = ""
    """The SOP class without which it is of no use; empty: any of those proposed."""
    is_told: bool = False
    """The roles are reversed: we provide, it uses."""


@dataclass(frozen=True, slots=True)
class Secured:
    """What TLS agreed on, and the certificate that the peer showed."""

    protocol: str
    cipher: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    until: str
    """UTC, ISO 8601."""
    sha256: str

    @classmethod
    def of(cls, connection: ssl.SSLSocket) -> Self:
        """After the handshake."""
        shown = x509.load_der_x509_certificate(connection.getpeercert(binary_form=True) or b"")
        cipher = connection.cipher()
        return cls(
            connection.version() or "",
            cipher[0] if cipher else "",
            shown.subject.rfc4514_string(),
            shown.issuer.rfc4514_string(),
            _names(shown),
            shown.not_valid_after_utc.isoformat(),
            shown.fingerprint(SHA256()).hex(),
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one call. ``code`` is empty when all is well."""

    name: str
    address: str
    ae_title: str
    takes: tuple[str, ...]
    secured: Secured | None
    code: str
    text: Bilingual
    hint: Bilingual


def peers(settings: ForwardSettings, worklist: WorklistSettings) -> Iterator[Peer]:
    """Everybody whom the settings have called."""
    for one in settings.destinations:
        commits = one == settings.committing
        proposed = (VERIFICATION, *_IMAGES, *((COMMITMENT,) if commits else ()))
        yield Peer(one.name, one, proposed, COMMITMENT if commits else "")
    if settings.ris is not None:
        yield Peer(RIS, settings.ris, (VERIFICATION, PERFORMED_STEP), PERFORMED_STEP)
    for device in settings.devices:
        yield Peer(device.ae_title, device, (COMMITMENT,), COMMITMENT, is_told=True)
    if worklist.host:
        yield Peer("worklist", worklist, (VERIFICATION, _MODALITY_WORKLIST), _MODALITY_WORKLIST)


def check(peer: Peer) -> Checked:
    """Call it, ask for what it is needed for, and leave."""
    kinds = [(sop_class, syntax) for sop_class in peer.proposed for syntax in (IMPLICIT_LE, EXPLICIT_LE)]
    try:
        with called(peer.callee, kinds, as_scp_of=COMMITMENT if peer.is_told else None) as association:
            connection = connection_of(association)
            secured = Secured.of(connection) if isinstance(connection, ssl.SSLSocket) else None
            takes = tuple(dict.fromkeys(str(one.abstract_syntax) for one in association.accepted_contexts))
    except Retry as error:
        fits_not = error.code.startswith("peer.certificate")
        return _checked(peer, (), _shown(peer.callee) if fits_not else None, error.code, error.text)
    return _checked(peer, takes, secured, NO_CONTEXT if peer.needed and peer.needed not in takes else "")


def _checked(
    peer: Peer, takes: tuple[str, ...], secured: Secured | None, code: str, text: Bilingual | None = None
) -> Checked:
    callee = peer.callee
    said = text or meaning(code or "0000") or Bilingual(code, code)
    names = tuple(UID(one).name for one in takes)
    return Checked(
        peer.name, f"{callee.host}:{callee.port}", callee.ae_title, names, secured, code, said, hint(code)
    )


def _shown(callee: Callee) -> Secured | None:
    """The certificate that does not fit, so that a person can see whose it is."""
    if callee.tls is None:
        return None
    try:
        context = tls_context(callee.tls, verify=False)
        with (
            socket.create_connection((callee.host, callee.port), callee.timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=callee.tls.name or callee.host) as connection,
        ):
            return Secured.of(connection)
    except (OSError, ValueError, Retry):
        return None


def _names(shown: x509.Certificate) -> tuple[str, ...]:
    try:
        names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(str(one.value) for one in names)
