"""How a box gets its certificate: what it asks at the centre's enrolment door, and what it is given.

The verbs and addresses are those of EST (RFC 7030); the bodies are JSON, since an answer has to carry more than
a certificate. A sealed ticket is the text of the code on the token sheet: address, token, and what to know the
centre by.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import Field

from cloud_sync.wire.words import Millis, Text, Wire

WELL_KNOWN = "/.well-known/est"
AUTHORITIES, ENROL, RENEW, CONFIRM = (
    f"{WELL_KNOWN}/{verb}" for verb in ("cacerts", "simpleenroll", "simplereenroll", "confirm")
)
REPOSITORY = "/repository"
"""Where the signed content is, behind the same door."""

_TICKET = "qcbox-enrol:1"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_PIN = re.compile(r"[0-9a-f]{64}")
_PROOF = b"qcbox renewal 1\n"

Pem = Annotated[str, Field(min_length=1, max_length=32768)]
"""One or more blocks of PEM."""
Proof = Annotated[str, Field(pattern=r"^[0-9a-f]{2,512}$")]
"""A signature (ECDSA, SHA-256, DER) in hexadecimal."""


class EnrolRequest(Wire):
    """``simpleenroll``: a token, the number on the box's type plate, and a request signed by the box's new key."""

    token: Annotated[str, Field(max_length=64)]
    serial: Text
    csr: Pem


class RenewRequest(Wire):
    """``simplereenroll``. A box whose certificate has expired cannot show it in TLS: it names it here instead,
    and ``proof`` is what that certificate's key signed (``proof_text``), in hexadecimal."""

    csr: Pem
    certificate: Pem | None = None
    proof: Proof | None = None


class Authorities(Wire):
    """``cacerts``: every authority that boxes shall believe now."""

    authorities: Pem


class Grant(Wire):
    """What a box is given: who it is, its certificate, whom to believe, where to go."""

    box: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    certificate: Pem
    authorities: Pem
    not_before: Millis
    not_after: Millis
    broker_host: Text
    broker_port: Annotated[int, Field(ge=1, le=65535)]
    enrolment: Text
    """Address of the door itself, without a path."""
    root: Annotated[str, Field(max_length=65536)] = ""
    """The QC group's root of The Update Framework, as JSON text; empty while it has none."""


class Problem(Wire):
    """Why not, with a stable code, in both languages."""

    code: Text
    zh: Text
    en: Text
    hint_zh: Text = ""
    hint_en: Text = ""


class PapersQuestion(Wire):
    """``up/papers``: a question to the door by way of the broker. No certificate is shown on this way: who asks
    names its own, and ``proof`` is what its key signed (``proof_text``)."""

    id: Text
    verb: Literal["authorities", "renew", "confirm"]
    csr: Pem | None = None
    """Of ``renew``: a request in the name of the box."""
    certificate: Pem | None = None
    proof: Proof | None = None


class PapersAnswer(Wire):
    """``dn/papers``: what was asked for, or why not; neither of them when something was only to be noted."""

    id: Text
    authorities: Pem | None = None
    grant: Grant | None = None
    problem: Problem | None = None


def proof_text(certificate: bytes, csr: bytes) -> bytes:
    """What the key of a certificate signs (ECDSA, SHA-256) where the certificate is not shown in TLS. Both in DER;
    to confirm there is no request, and ``csr`` is empty.

    It names the new key, so that whoever overhears it can renew for nobody else.
    """
    return _PROOF + hashlib.sha256(certificate).digest() + hashlib.sha256(csr).digest()


@dataclass(frozen=True, slots=True)
class Ticket:
    """A token, where to use it, and the SHA-256 of the public key (SPKI, hexadecimal) of the centre's
    authority."""

    url: str
    token: str
    pin: str

    def text(self) -> str:
        """As the code on the token sheet says it."""
        return f"{_TICKET}?{urlencode({'url': self.url, 'token': self.token, 'pin': self.pin})}"


def read_ticket(text: str) -> Ticket | None:
    """The ticket in a scanned or typed text, or None."""
    kind, _, rest = text.strip().partition("?")
    if kind != _TICKET:
        return None
    fields = {name: values[0] for name, values in parse_qs(rest).items()}
    return ticket(fields.get("url", ""), fields.get("token", ""), fields.get("pin", ""))


def ticket(url: str, token: str, pin: str) -> Ticket | None:
    """A ticket of its three parts, or None where one of them cannot be right."""
    address = urlsplit(url)
    if address.scheme != "https" or not address.hostname or address.path not in ("", "/") or address.query:
        return None
    if not _TOKEN.fullmatch(token) or not _PIN.fullmatch(pin.lower()):
        return None
    return Ticket(url.rstrip("/"), token, pin.lower())
