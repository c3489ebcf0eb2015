"""From a ticket to papers; from papers to the next ones. Each can be interrupted anywhere and done again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from capture.errors import Retry
from cloud_sync.wire.enrolment import EnrolRequest, Grant, RenewRequest, Ticket, proof_text
from edge.enrol.door import Door, pinned
from edge.enrol.fitting import fits
from edge.enrol.folder import Folder, Papers, read_key
from edge.enrol.names import AUTHORITIES, CERTIFICATE, CURRENT, KEY, NEXT
from edge.enrol.through_broker import ThroughBroker

T = TypeVar("T")
_NOBODY = "qcbox"
"""In a first request: the box does not know its name yet, the centre knows for whom the token is."""


def enrol(folder: Folder, ticket: Ticket, serial: str, *, proxy: str = "") -> Grant:
    """The first papers, in use from now on. Raises QcError; nothing has changed then but for a key that waits."""
    door = Door(ticket.url, pinned(ticket.url, ticket.pin, proxy=proxy), proxy=proxy)
    purpose = f"enrol-{_short(ticket.token.encode())}"
    csr, _ = _request(folder.key(purpose), _NOBODY)
    grant = door.enrol(EnrolRequest(token=ticket.token, serial=serial, csr=csr))
    folder.keep(purpose, grant, CURRENT)
    if folder.papers(NEXT) is not None:
        (folder.path / NEXT).unlink()
    folder.sweep()
    return grant


def renew(
    folder: Folder, papers: Papers, now: int, *, proxy: str = "", broker: ThroughBroker | None = None
) -> None:
    """Papers that take the place of ``papers``, under ``next``. ``now``: UTC milliseconds. Raises QcError.

    An expired certificate is not shown, since TLS would end there: its key signs the request as well instead, as
    it does where TLS ends at the broker.
    """
    purpose = f"renew-{_short(papers.grant.certificate.encode())}"
    key = folder.key(purpose)
    text, der = _request(key, papers.grant.box)

    def proven() -> RenewRequest:
        return RenewRequest(csr=text, certificate=papers.grant.certificate, proof=_proof(papers, der))

    def at_door() -> Grant:
        if now < papers.grant.not_after:
            return door_of(papers, proxy=proxy).renew(RenewRequest(csr=text))
        door = Door(papers.grant.enrolment, papers.file(AUTHORITIES).read_text("ascii"), proxy=proxy)
        return door.renew(proven())

    grant = _either(at_door, lambda broker: broker.renew(proven()), broker)
    fits(grant, key.public_key(), papers.grant)
    folder.keep(purpose, grant, NEXT)


def believed(papers: Papers, broker: ThroughBroker | None = None) -> str:
    """All that boxes shall believe now, as PEM. Raises QcError."""
    return _either(lambda: door_of(papers).authorities(), ThroughBroker.authorities, broker)


def confirm(papers: Papers, broker: ThroughBroker | None = None) -> None:
    """Tell the centre that these papers are in use. Raises QcError."""

    def through(broker: ThroughBroker) -> None:
        broker.confirm(papers.grant.certificate, _proof(papers, b""))

    _either(lambda: door_of(papers).confirm(), through, broker)


def _either(door: Callable[[], T], through: Callable[[ThroughBroker], T], broker: ThroughBroker | None) -> T:
    """By the door; where it is not reached, through the broker. What the centre has refused stays refused."""
    try:
        return door()
    except Retry:
        if broker is None:
            raise
        return through(broker)


def door_of(papers: Papers, *, proxy: str = "") -> Door:
    """The centre's door, showing these papers. Raises Retry."""
    authorities = papers.file(AUTHORITIES).read_text("ascii")
    return Door(papers.grant.enrolment, authorities, papers.file(CERTIFICATE), papers.file(KEY), proxy=proxy)


def _proof(papers: Papers, csr: bytes) -> str:
    """That we hold the key of these papers, with a request in DER or with none."""
    shown = x509.load_pem_x509_certificate(papers.grant.certificate.encode()).public_bytes(Encoding.DER)
    return read_key(papers.file(KEY)).sign(proof_text(shown, csr), ec.ECDSA(hashes.SHA256())).hex()


def _request(key: ec.EllipticCurvePrivateKey, box: str) -> tuple[str, bytes]:
    """A signing request as PEM and DER."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, box)])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode(), made.public_bytes(Encoding.DER)


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
