"""Whether what the centre gave is for this box: its key, its name, an authority that it believes."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capture.errors import SetAside
from capture.text import Bilingual
from cloud_sync.wire.enrolment import Grant


def fits(grant: Grant, key: ec.EllipticCurvePublicKey, before: Grant) -> None:
    """The new certificate is for ``key`` and the box of ``before``, and an authority of the grant signed it; what
    the box believed before and what it is told to believe have one in common.

    Raises:
        SetAside: not so; it must not be used.
    """
    try:
        certificate = x509.load_pem_x509_certificate(grant.certificate.encode())
        authorities = x509.load_pem_x509_certificates(grant.authorities.encode())
        known = x509.load_pem_x509_certificates(before.authorities.encode())
        names = [one.value for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        fit = grant.box == before.box and names == [before.box] and certificate.public_key() == key
    except (ValueError, UnsupportedAlgorithm):
        raise _unfit() from None
    signed = any(_signed(certificate, one) for one in authorities)
    if not (fit and signed and set(authorities) & set(known)):
        raise _unfit()


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _unfit() -> SetAside:
    return SetAside(
        "enrol.unfit",
        Bilingual("中心给出的证书不属于本盒", "The certificate that the centre gave is not this box's"),
        Bilingual("仍用原证书；请联系中心管理员", "The old one stays in use; talk to the centre's administrator"),
    )
