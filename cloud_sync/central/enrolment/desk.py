"""Enrolling and renewing, each in one transaction: who asks, whether they may, and the certificate with its row.

A question asked again with the same key gets the same answer, since an answer can be lost on the way. The same
right asked for with another key is a copy of something, and an alarm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, Row, select

from capture.errors import QcError
from cloud_sync.central import accounts, schema
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment import ca, revoking, tables
from cloud_sync.central.enrolment.refusals import refusal
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.enrolment.tokens import plate
from cloud_sync.central.enrolment.vault import Vault
from cloud_sync.kit.secret import token_hash
from cloud_sync.wire.enrolment import EnrolRequest, RenewRequest, proof_text

log = structlog.get_logger()
_DAY_MS = 86_400_000
_COPIED = ("renewal", "revoked")
"""Alarms of a box's papers that turned up twice."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and whose it is. Times are UTC milliseconds."""

    box: str
    pem: str
    not_before: int
    not_after: int


@dataclass(frozen=True, slots=True)
class Known:
    """A certificate that we issued, as the database has it."""

    id: int
    number: str
    box: str
    not_after: int
    revoked: bool


class Desk:
    """Decides. Every method is one transaction of its own and may be called from any thread."""

    def __init__(self, database: Database, settings: EnrolmentSettings, vault: Callable[[], Vault]) -> None:
        """``vault`` is asked each time: a generation may be added while the centre runs."""
        self._database, self._settings, self._vault = database, settings, vault

    def enrol(self, asked: EnrolRequest, now: int) -> Issued:
        """A certificate for a token. Raises SetAside (refused, with its reason) or Misuse (no such request)."""
        _, key = ca.read_request(asked.csr)
        with self._database.write() as connection:
            answer = self._enrol(connection, asked, key, now)
        return _given(answer)

    def renew(self, known: Known, asked: RenewRequest, now: int) -> Issued:
        """A certificate that takes the place of one that was shown. Raises SetAside or Misuse."""
        _, key = ca.read_request(asked.csr)
        with self._database.write() as connection:
            answer = self._renew(connection, known, key, now)
        return _given(answer)

    def confirm(self, known: Known, now: int) -> None:
        """The box has connected with this certificate: what it took the place of is void."""
        table = tables.certificate
        with self._database.write() as connection:
            first = (table.c.id == known.id) & table.c.confirmed_at.is_(None)
            connection.execute(table.update().where(first).values(confirmed_at=now))
            before = connection.scalar(select(table.c.renews).where(table.c.id == known.id))
            if before is not None:
                old = (table.c.id == before) & table.c.revoked_at.is_(None)
                connection.execute(table.update().where(old).values(revoked_at=now, reason="superseded"))

    def admitted(self, der: bytes | None, now: int) -> Known:
        """Who shows this certificate in TLS, while it is valid, ours and not taken back. Raises SetAside."""
        known = self.known(der)
        if known is None or now >= known.not_after:
            raise refusal("enrol.certificate")
        return self._in_service(known, now)

    def proven(self, asked: RenewRequest, now: int) -> Known:
        """Who proves to hold the key of an expired certificate of ours, within the grace. Raises SetAside."""
        try:
            csr = x509.load_pem_x509_csr(asked.csr.encode()).public_bytes(Encoding.DER)
        except ValueError:
            raise refusal("enrol.proof") from None
        return self.holder(asked.certificate or "", csr, asked.proof or "", now)

    def holder(self, pem: str, csr: bytes, proof: str, now: int) -> Known:
        """Who proves to hold the key of a certificate of ours that has not been over for longer than the grace,
        by having signed ``csr`` (DER, or nothing). Raises SetAside."""
        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            key = certificate.public_key()
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise refusal("enrol.proof")
            der = certificate.public_bytes(Encoding.DER)
            key.verify(bytes.fromhex(proof), proof_text(der, csr), ec.ECDSA(hashes.SHA256()))
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
            raise refusal("enrol.proof") from None
        known = self.known(der)
        if known is None:
            raise refusal("enrol.proof")
        if now > known.not_after + self._settings.grace_days * _DAY_MS:
            raise refusal("enrol.too_late")
        return self._in_service(known, now)

    def _in_service(self, known: Known, now: int) -> Known:
        """Whoever still uses what was taken back was copied, restored from an old disk, or stolen."""
        if known.revoked:
            with self._database.write() as connection:
                self._alarm(connection, known.box, "revoked", known.number, now)
            raise refusal("enrol.revoked")
        return known

    def single(self, box: str) -> None:
        """No alarm since the box was enrolled says that there are two of it. Raises SetAside."""
        mine, seen, one = tables.alarm.c, schema.alarm.c, tables.enrolled.c
        since = select(one.enrolled_at).where(one.box == box).scalar_subquery()
        copies = [
            select(mine.id).where(mine.box == box, mine.kind.in_(_COPIED), mine.raised_at >= since),
            select(seen.id).where(seen.box == box, seen.kind == "clone", seen.raised_at >= since),
        ]
        with self._database.read() as connection:
            if any(connection.execute(query.limit(1)).first() for query in copies):
                raise refusal("enrol.copied")

    def known(self, der: bytes | None) -> Known | None:
        """The row of a certificate, byte for byte ours."""
        if der is None:
            return None
        certificate = x509.load_der_x509_certificate(der)
        table, box = tables.certificate, tables.enrolled
        query = (
            select(table, box.c.revoked_at.label("out"))
            .join(box, box.c.box == table.c.box)
            .where(table.c.number == ca.number_of(certificate), table.c.pem == ca.pem(certificate))
        )
        with self._database.read() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        gone = row.revoked_at is not None or row.out is not None
        return Known(row.id, row.number, row.box, row.not_after, gone)

    def _enrol(
        self, connection: Connection, asked: EnrolRequest, key: ec.EllipticCurvePublicKey, now: int
    ) -> Issued | QcError:
        table = tables.token
        row = connection.execute(select(table).where(table.c.token_hash == token_hash(asked.token))).first()
        if row is None:
            return refusal("enrol.token")
        if plate(asked.serial) != row.serial:
            self._alarm(connection, row.box, "serial", plate(asked.serial)[:128], now)
            return refusal("enrol.serial")
        free = (table.c.id == row.id) & table.c.used_at.is_(None) & (table.c.expires_at > now)
        taken = connection.execute(table.update().where(free).values(used_at=now, used_key=ca.key_id(key)))
        if taken.rowcount != 1:
            # Read again: on PostgreSQL another request may have had it since.
            row = connection.execute(select(table).where(table.c.id == row.id)).one()
            return (
                refusal("enrol.token_expired") if row.used_at is None else self._again(connection, row, key, now)
            )
        self._admit(connection, row, now)
        issued = self._issue(connection, row.box, key, now, None)
        accounts.note(connection, now, "qcbox-central", "box.enrolled", row.box)
        return issued

    def _again(
        self, connection: Connection, token: Row[tuple[object, ...]], key: ec.EllipticCurvePublicKey, now: int
    ) -> Issued | QcError:
        """A used token: the answer was lost, or somebody copied the token sheet."""
        table = tables.certificate
        if token.used_key != ca.key_id(key):
            self._alarm(connection, token.box, "token", ca.key_id(key), now)
            return refusal("enrol.token_used")
        mine = (table.c.box == token.box) & (table.c.key == token.used_key) & table.c.revoked_at.is_(None)
        row = connection.execute(select(table).where(mine)).first()
        return _issued(row) if row else refusal("enrol.revoked")

    def _admit(self, connection: Connection, token: Row[tuple[object, ...]], now: int) -> None:
        """The box is in (again); whatever certificate it had is void."""
        table = tables.enrolled
        revoking.withdraw(connection, token.box, "replaced", now)
        connection.execute(table.delete().where(table.c.box == token.box))
        connection.execute(
            table.insert().values(box=token.box, site=token.site, serial=token.serial, enrolled_at=now)
        )

    def _renew(
        self, connection: Connection, known: Known, key: ec.EllipticCurvePublicKey, now: int
    ) -> Issued | QcError:
        table, box = tables.certificate, tables.enrolled
        # Held against a revocation that comes meanwhile: it must find the new certificate, too (PostgreSQL).
        held = select(box.c.revoked_at).where(box.c.box == known.box).with_for_update()
        if connection.execute(held).scalar_one() is not None:
            return refusal("enrol.revoked")
        successor = connection.execute(select(table).where(table.c.renews == known.id)).first()
        if successor is None:
            return self._issue(connection, known.box, key, now, known.id)
        if successor.key == ca.key_id(key) and successor.revoked_at is None:
            return _issued(successor)
        self._alarm(connection, known.box, "renewal", ca.key_id(key), now)
        return refusal("enrol.renewed_otherwise")

    def _issue(
        self, connection: Connection, box: str, key: ec.EllipticCurvePublicKey, now: int, renews: int | None
    ) -> Issued:
        authority = self._vault().current
        life = timedelta(days=self._settings.certificate_days)
        certificate = ca.issue_box(authority, box, key, now, life)
        issued = Issued(
            box, ca.pem(certificate), ca.millis(certificate.not_valid_before_utc),
            ca.millis(certificate.not_valid_after_utc),
        )  # fmt: skip
        connection.execute(
            tables.certificate.insert().values(
                number=ca.number_of(certificate), authority=authority.id, box=box, key=ca.key_id(key),
                pem=issued.pem, issued_at=now, not_before=issued.not_before, not_after=issued.not_after,
                renews=renews,
            )
        )  # fmt: skip
        return issued

    def _alarm(self, connection: Connection, box: str, kind: str, key: str, now: int) -> None:
        row = {"box": box, "kind": kind, "key": key, "raised_at": now}
        connection.execute(self._database.insert_new(tables.alarm).values(row))
        log.error("enrolment.alarm", box=box, code=kind)


def _issued(row: Row[tuple[object, ...]]) -> Issued:
    return Issued(row.box, row.pem, row.not_before, row.not_after)


def _given(answer: Issued | QcError) -> Issued:
    """Raised only after the COMMIT: an alarm must not be rolled back with its refusal."""
    if isinstance(answer, QcError):
        raise answer
    return answer
