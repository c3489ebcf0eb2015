"""The centre's enrolment door as the box sees it: one TLS connection for each question.

The first time the box knows the centre only by a pin. It fetches the authorities without believing anybody,
looks for the one whose public key has that hash (RFC 7030, 4.1.1), and from then on believes that one alone:
the token is said only to a server that this authority has signed.
"""

from __future__ import annotations

import hashlib
import ssl
import warnings
from pathlib import Path
from typing import TypeVar

import urllib3
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from capture.errors import QcError, Retry, SetAside
from capture.text import Bilingual
from cloud_sync.wire.codec import MAX_BYTES, WireError, decode, encode
from cloud_sync.wire.enrolment import (
    AUTHORITIES,
    CONFIRM,
    ENROL,
    RENEW,
    Authorities,
    EnrolRequest,
    Grant,
    Problem,
    RenewRequest,
)
from cloud_sync.wire.words import Wire

_PATIENCE = urllib3.Timeout(connect=10, read=20)
_CLOCK_CODES = (9, 10)
"""OpenSSL: certificate is not yet valid; certificate has expired."""
W = TypeVar("W", bound=Wire)


class Door:
    """Questions to one centre, which must be signed by ``authorities`` (PEM). Every method raises QcError."""

    def __init__(
        self,
        url: str,
        authorities: str,
        certificate: Path | None = None,
        key: Path | None = None,
        *,
        proxy: str = "",
    ) -> None:
        """``certificate`` and ``key``: what the box shows, once it has something to show.

        Raises:
            Retry: they cannot be used.
        """
        self._url, self._proxy = url, proxy
        try:
            self._tls = ssl.create_default_context(cadata=authorities)
            if certificate is not None:
                self._tls.load_cert_chain(certificate, key)
        except (OSError, ValueError):
            raise _not_the_centre() from None
        self._tls.minimum_version = ssl.TLSVersion.TLSv1_2

    def authorities(self) -> str:
        """All that boxes shall believe now, as PEM."""
        return self._ask("GET", AUTHORITIES, None, Authorities).authorities

    def enrol(self, request: EnrolRequest) -> Grant:
        """The first certificate."""
        return self._ask("POST", ENROL, request, Grant)

    def renew(self, request: RenewRequest) -> Grant:
        """The next one."""
        return self._ask("POST", RENEW, request, Grant)

    def confirm(self) -> None:
        """The certificate shown has been of use."""
        _fetch(self._pool(), "POST", self._url + CONFIRM, None)

    def _ask(self, method: str, path: str, request: Wire | None, model: type[W]) -> W:
        return _read(_fetch(self._pool(), method, self._url + path, request), model)

    def _pool(self) -> urllib3.PoolManager:
        return _pool(self._tls, self._proxy)


def pinned(url: str, pin: str, *, proxy: str = "") -> str:
    """The authority whose public key (SPKI) has the SHA-256 ``pin``, as PEM. Raises QcError."""
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    nobody.check_hostname = False
    nobody.verify_mode = ssl.CERT_NONE  # nothing is said on this connection and nothing believed but for the pin
    with warnings.catch_warnings(action="ignore", category=urllib3.exceptions.InsecureRequestWarning):
        told = _read(_fetch(_pool(nobody, proxy), "GET", url + AUTHORITIES, None), Authorities)
    try:
        found = {_pin(one): one for one in x509.load_pem_x509_certificates(told.authorities.encode())}
    except (ValueError, UnsupportedAlgorithm):
        raise _not_the_centre() from None
    if pin in found:
        return found[pin].public_bytes(Encoding.PEM).decode()
    raise SetAside(
        "enrol.pin",
        Bilingual("中心的密钥与令牌单不符", "The centre's key is not the one on the token sheet"),
        Bilingual(
            "可能连到了别的服务器，或中间有人；核对地址，请中心发新令牌",
            "This may be another server, or somebody in between; check the address, ask for a new token",
        ),
    )


def _pin(certificate: x509.Certificate) -> str:
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def _pool(tls: ssl.SSLContext, proxy: str) -> urllib3.PoolManager:
    if proxy:
        return urllib3.ProxyManager(proxy, ssl_context=tls, timeout=_PATIENCE, retries=False)
    return urllib3.PoolManager(ssl_context=tls, timeout=_PATIENCE, retries=False)


def _fetch(pool: urllib3.PoolManager, method: str, url: str, request: Wire | None) -> bytes:
    try:
        body = encode(request) if request else None
        with pool, pool.request(method, url, body=body, redirect=False, preload_content=False) as answer:
            # No more than that of anybody: the first time we do not know yet who it is.
            said, status = answer.read(MAX_BYTES + 1, decode_content=False), answer.status
    except urllib3.exceptions.HTTPError as error:
        raise _unreached(error) from None
    if status in (200, 204):
        return said
    try:
        problem = decode(said, Problem)
    except WireError:
        raise unreachable(f"HTTP {status}") from None
    raise refused(problem)


def _read(body: bytes, model: type[W]) -> W:
    try:
        return decode(body, model)
    except WireError:
        raise unreachable("JSON") from None


def _unreached(error: BaseException) -> QcError:
    """The reason behind urllib3's wrappers."""
    seen: BaseException | None = error
    while seen is not None and not isinstance(seen, ssl.SSLError):
        seen = seen.__cause__ or seen.__context__ or getattr(seen, "reason", None)
    if isinstance(seen, ssl.SSLCertVerificationError) and seen.verify_code in _CLOCK_CODES:
        return Retry(
            "enrol.clock",
            Bilingual(
                "时钟不对，或中心的证书已过期", "The clock is wrong, or the centre's certificate has expired"
            ),
            Bilingual("检查本盒时间 (date) 并启用 NTP", "Look at this box's time (date) and set up NTP"),
        )
    # In TLS 1.3 a server refuses a client's certificate after the handshake: the answer just does not come.
    ended = isinstance(error, urllib3.exceptions.ProtocolError)
    return _not_the_centre() if ended or isinstance(seen, ssl.SSLError) else unreachable(type(error).__name__)


def _not_the_centre() -> Retry:
    return Retry(
        "enrol.tls",
        Bilingual("无法与中心建立可信连接", "There is no trustworthy connection to the centre"),
        Bilingual(
            "核对地址；本盒证书可能已过期或吊销；中间设备不得解密 TLS",
            "Check the address; this box's certificate may be expired or revoked; nothing in between may open TLS",
        ),
    )


def refused(problem: Problem) -> SetAside:
    """What the centre said instead of giving what was asked for."""
    text, hint = Bilingual(problem.zh, problem.en), Bilingual(problem.hint_zh, problem.hint_en)
    return SetAside(problem.code, text, hint)


def unreachable(what: str) -> Retry:
    """The centre does not answer."""
    return Retry(
        "enrol.unreachable",
        Bilingual(f"中心没有应答 ({what})", f"The centre does not answer ({what})"),
        Bilingual("检查地址、端口、防火墙和代理", "Check address, port, firewall and proxy"),
    )
