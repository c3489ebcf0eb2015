"""What the authority signs, and what it cannot."""

from __future__ import annotations

import ssl
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from capture.errors import Misuse
from cloud_sync.central.enrolment import ca, vault
from cloud_sync.central.enrolment.ca import Withdrawn
from tests.enrolled_site import Clock

NOW = Clock()()
DAY_MS = 86_400_000
NAMES = ["qc.example.cn", "192.0.2.7"]


@pytest.fixture(scope="module")
def authority() -> ca.Authority:
    return ca.make("test", NAMES, NOW)


def fresh() -> ec.EllipticCurvePublicKey:
    return ec.generate_private_key(ec.SECP256R1()).public_key()


def openssl_accepts(tmp_path: Path, root: str, leaf: ca.Certificate, purpose: str, *more: str) -> bool:
    """By another implementation: what Mosquitto verifies with."""
    (tmp_path / "root.pem").write_text(root)
    (tmp_path / "leaf.pem").write_text(ca.pem(leaf))
    asked = ["openssl", "verify", "-CAfile", "root.pem", "-purpose", purpose, *more, "leaf.pem"]
    return subprocess.run(asked, cwd=tmp_path, capture_output=True).returncode == 0


def test_a_box_is_a_client_and_no_server(authority: ca.Authority, tmp_path: Path) -> None:
    box = ca.issue_box(authority, "box-a", fresh(), NOW, timedelta(days=90))
    root = ca.pem(authority.certificate)
    assert openssl_accepts(tmp_path, root, box, "sslclient") and not openssl_accepts(
        tmp_path, root, box, "sslserver"
    )
    server = ca.issue_server(authority, ["qc.example.cn"], fresh(), NOW, timedelta(days=90))
    assert openssl_accepts(tmp_path, root, server, "sslserver")
    assert not openssl_accepts(tmp_path, root, server, "sslclient")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("qc.example.cn", True), ("mqtt.qc.example.cn", True), ("192.0.2.7", True),
        ("example.cn", False), ("bank.example", False), ("192.0.2.8", False), ("2001:db8::1", False),
    ],
)  # fmt: skip
def test_the_authority_speaks_for_its_servers_only(
    authority: ca.Authority, tmp_path: Path, name: str, good: bool
) -> None:
    """A stolen authority cannot pass for another server."""
    server = ca.issue_server(authority, [name], fresh(), NOW, timedelta(days=90))
    assert openssl_accepts(tmp_path, ca.pem(authority.certificate), server, "sslserver") == good


def test_certificates_are_dated_back_a_day(authority: ca.Authority) -> None:
    box = ca.issue_box(authority, "box-a", fresh(), NOW, timedelta(days=90))
    assert ca.millis(box.not_valid_before_utc) == NOW // 1000 * 1000 - DAY_MS
    assert ca.millis(box.not_valid_after_utc) == NOW // 1000 * 1000 + 90 * DAY_MS


def test_a_box_that_knows_the_old_authority_believes_servers_of_the_new_one(tmp_path: Path) -> None:
    old = ca.make("test", NAMES, NOW)
    new = ca.make("test", NAMES, NOW, before=old)
    assert new.cross is not None
    server = ca.issue_server(new, ["qc.example.cn"], fresh(), NOW, timedelta(days=90))
    (tmp_path / "cross.pem").write_text(ca.pem(new.cross))
    assert not openssl_accepts(tmp_path, ca.pem(old.certificate), server, "sslserver")
    assert openssl_accepts(tmp_path, ca.pem(old.certificate), server, "sslserver", "-untrusted", "cross.pem")
    assert openssl_accepts(tmp_path, ca.pem(new.certificate), server, "sslserver")


def test_a_box_cannot_sign_for_another(authority: ca.Authority, tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    box = ca.issue_box(authority, "box-a", key.public_key(), NOW, timedelta(days=90))
    forged = ca.issue_box(ca.Authority(box, key), "box-b", fresh(), NOW, timedelta(days=9))
    (tmp_path / "box.pem").write_text(ca.pem(box))
    root = ca.pem(authority.certificate)
    assert not openssl_accepts(tmp_path, root, forged, "sslclient", "-untrusted", "box.pem")
    store = Store([authority.certificate])
    with pytest.raises(VerificationError):
        PolicyBuilder().store(store).build_client_verifier().verify(forged, [box])


def test_the_list_names_what_was_taken_back(authority: ca.Authority, tmp_path: Path) -> None:
    lost, kept = (ca.issue_box(authority, name, fresh(), NOW, timedelta(days=90)) for name in ("a", "b"))
    text = ca.revocation_list(authority, [Withdrawn(ca.number_of(lost), NOW, "lost")], 7, NOW, timedelta(days=30))
    root = ca.pem(authority.certificate)
    assert not openssl_accepts(tmp_path, root + text, lost, "sslclient", "-crl_check")
    assert openssl_accepts(tmp_path, root + text, kept, "sslclient", "-crl_check")


def request(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "qcbox-centre")])
    made = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def test_only_p256_requests_signed_by_their_own_key_are_read() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert ca.key_id(ca.read_request(request(key))[1]) == ca.key_id(key.public_key())
    signed = bytearray(x509.load_pem_x509_csr(request(key).encode()).public_bytes(Encoding.DER))
    signed[-1] ^= 1
    altered = x509.load_der_x509_csr(bytes(signed)).public_bytes(Encoding.PEM).decode()
    strange = [
        altered, "", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----",
        request(ec.generate_private_key(ec.SECP384R1())),
        request(rsa.generate_private_key(public_exponent=65537, key_size=2048)),
    ]  # fmt: skip
    for text in strange:
        with pytest.raises(Misuse, match=r"enrol\.request"):
            ca.read_request(text)


def test_the_vault_keeps_keys_to_itself(tmp_path: Path) -> None:
    made = vault.create(tmp_path / "ca", "test", NAMES, b"secret words", NOW)
    key = tmp_path / "ca" / "authority-1.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600 and b"ENCRYPTED" in key.read_bytes()
    assert vault.load(tmp_path / "ca", b"secret words").current.id == made.current.id == vault.pin(tmp_path / "ca")
    for wrong in (None, b"guess"):
        with pytest.raises(Misuse, match=r"ca\.unreadable"):
            vault.load(tmp_path / "ca", wrong)
    with pytest.raises(Misuse, match=r"ca\.exists"):
        vault.create(tmp_path / "ca", "test", NAMES, None, NOW)
    with pytest.raises(Misuse, match=r"ca\.last"):
        vault.retire(tmp_path / "ca", b"secret words")


def test_a_generation_comes_and_the_oldest_goes(tmp_path: Path) -> None:
    first = vault.create(tmp_path, "test", NAMES, None, NOW)
    keeper = vault.Keeper(tmp_path, None)
    second = vault.roll(tmp_path, "test", NAMES, None, NOW)
    assert keeper().believed == second.believed and second.believed.count("BEGIN") == 2
    assert keeper().current.id != first.current.id
    assert vault.retire(tmp_path, None).believed == keeper().believed
    assert ssl.create_default_context(cadata=keeper().believed).cert_store_stats()["x509_ca"] == 1


def test_no_vault_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"ca\.missing"):
        vault.load(tmp_path, None)
    with pytest.raises(Misuse, match=r"ca\.missing"):
        vault.pin(tmp_path)
    with pytest.raises(Misuse, match=r"ca\.passphrase"):
        vault.passphrase(tmp_path / "none")
