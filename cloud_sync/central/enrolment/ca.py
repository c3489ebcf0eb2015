"""The centre's own authority: what a certificate of it says, and the list of those taken back. Pure: no files,
no clock.

Profiles follow RFC 5280. Keys are P-256: a handshake costs the broker least, and every TPM can hold one.
Everything is dated back by a day, since a box that was off for long has a wrong clock and a certificate of the
future is refused.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from capture.errors import Misuse
from capture.text import Bilingual

BACKDATED = timedelta(hours=24)
AUTHORITY_LIFE = timedelta(days=20 * 365)
_SERVER = "qcbox server"
_EVERYWHERE = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))

Key = ec.EllipticCurvePrivateKey
Certificate = x509.Certificate


@dataclass(frozen=True, slots=True)
class Authority:
    """One generation: its certificate, its key, and itself signed by the generation before, for those that know
    only that one."""

    certificate: Certificate
    key: Key
    cross: Certificate | None = None

    @property
    def id(self) -> str:
        """SHA-256 of its public key: what a token sheet calls the pin."""
        return key_id(self.key.public_key())


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An entry of a revocation list. ``number`` in hexadecimal; ``at``: UTC milliseconds."""

    number: str
    at: int
    reason: str


REASONS = {
    "key_compromise": x509.ReasonFlags.key_compromise,
    "lost": x509.ReasonFlags.key_compromise,
    "clone": x509.ReasonFlags.key_compromise,
    "replaced": x509.ReasonFlags.superseded,
    "out_of_service": x509.ReasonFlags.cessation_of_operation,
    "superseded": x509.ReasonFlags.superseded,
}
"""Why a certificate was taken back, and what a list calls that. ``superseded`` is a renewal's."""


def moment(ms: int) -> datetime:
    """UTC milliseconds as a time."""
    return datetime.fromtimestamp(ms / 1000, UTC).replace(microsecond=0)


def millis(at: datetime) -> int:
    """A time as UTC milliseconds."""
    return int(at.timestamp() * 1000)


def key_id(key: object) -> str:
    """SHA-256 of a public key (SPKI) in hexadecimal."""
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("only elliptic curves are used here")
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def number_of(certificate: Certificate) -> str:
    """A certificate's serial number in hexadecimal."""
    return f"{certificate.serial_number:x}"


def pem(*certificates: Certificate) -> str:
    """Certificates as PEM, one after the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


def make(name: str, servers: Sequence[str], now: int, before: Authority | None = None) -> Authority:
    """A new authority that may only speak for ``servers`` (names and addresses; names under them too) and for
    boxes, whose names have no dot. ``before``: the generation it follows, which signs it as well."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name} {key_id(key.public_key())[:8]}")])
    own = _authority(subject, subject, key, key, servers, now, depth=1)
    cross = None
    if before is not None:
        cross = _authority(subject, before.certificate.subject, key, before.key, servers, now, depth=0)
    return Authority(own, key, cross)


def _authority(
    subject: x509.Name, issuer: x509.Name, key: Key, signer: Key, servers: Sequence[str], now: int, depth: int
) -> Certificate:
    usage = _usage(signs_certificates=True)
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = _started(subject, issuer, key.public_key(), signer, now, AUTHORITY_LIFE)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=depth), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(_constraints(servers), critical=True)
        .sign(signer, hashes.SHA256())
    )


def _constraints(servers: Sequence[str]) -> x509.NameConstraints:
    """Only these servers. A kind of name of which none is given is forbidden as a whole."""
    names = [x509.DNSName(one) for one in servers if _address(one) is None]
    addresses = [x509.IPAddress(ipaddress.ip_network(found)) for one in servers if (found := _address(one))]
    permitted: list[x509.GeneralName] = [*names, *addresses]
    excluded: list[x509.GeneralName] = []
    if not names:
        excluded.append(x509.DNSName(""))
    if not addresses:
        excluded.extend(x509.IPAddress(network) for network in _EVERYWHERE)
    return x509.NameConstraints(permitted or None, excluded or None)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def issue_box(
    authority: Authority, box: str, key: ec.EllipticCurvePublicKey, now: int, life: timedelta
) -> Certificate:
    """A certificate to be a client with, under the name of a box."""
    return _leaf(authority, box, key, now, life, ExtendedKeyUsageOID.CLIENT_AUTH, ())


def issue_server(
    authority: Authority, names: Sequence[str], key: ec.EllipticCurvePublicKey, now: int, life: timedelta
) -> Certificate:
    """A certificate to be a server with, for names and addresses. Its common name has no dot: one that looks
    like a host's would be held against the authority's name constraints too (OpenSSL)."""
    found = [
        x509.DNSName(one) if _address(one) is None else x509.IPAddress(ipaddress.ip_address(one)) for one in names
    ]
    return _leaf(authority, _SERVER, key, now, life, ExtendedKeyUsageOID.SERVER_AUTH, found)


def _leaf(
    authority: Authority, name: str, key: ec.EllipticCurvePublicKey, now: int, life: timedelta,
    purpose: x509.ObjectIdentifier, names: Sequence[x509.GeneralName],
) -> Certificate:  # fmt: skip
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _started(subject, authority.certificate.subject, key, authority.key, now, life)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority.key, hashes.SHA256())


def _started(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signer: Key, now: int, life: timedelta
) -> x509.CertificateBuilder:
    at = moment(now)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, key_cert_sign=signs_certificates, crl_sign=signs_certificates,
        content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip


def revocation_list(
    authority: Authority, withdrawn: Iterable[Withdrawn], number: int, now: int, life: timedelta
) -> str:
    """The list of this authority as PEM. ``number`` counts up. Dated back like a certificate: the broker's
    clock may be behind the centre's, and a list of the future would shut every box out."""
    at = moment(now)
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(at - BACKDATED)
        .next_update(at + life)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False
        )
    )
    for one in withdrawn:
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder()
            .serial_number(int(one.number, 16))
            .revocation_date(moment(one.at))
            .add_extension(x509.CRLReason(REASONS[one.reason]), critical=False)
            .build()
        )
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def read_request(text: str) -> tuple[bytes, ec.EllipticCurvePublicKey]:
    """A signing request's DER and its public key. What name it asks for does not matter.

    Raises:
        Misuse: it is none, its key is not P-256, or it was not signed by its own key.
    """
    try:
        asked = x509.load_pem_x509_csr(text.encode())
        key, signed = asked.public_key(), asked.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable_request() from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1) or not signed:
        raise _unusable_request()
    return asked.public_bytes(Encoding.DER), key


def asked_name(text: str) -> tuple[bytes, str]:
    """A signing request's DER and the common name in it, empty where it has none or several. Raises Misuse."""
    der, _ = read_request(text)
    names = x509.load_der_x509_csr(der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return der, str(names[0].value) if len(names) == 1 else ""


def _unusable_request() -> Misuse:
    return Misuse(
        "enrol.request",
        Bilingual("证书申请无效", "The request for a certificate is not usable"),
        Bilingual("需要由 P-256 密钥签名的 PKCS#10 申请", "It must be PKCS#10, signed by a P-256 key of its own"),
    )
