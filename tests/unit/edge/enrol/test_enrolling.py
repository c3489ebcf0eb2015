"""Enrolling and renewing through the real door: TLS, token, database."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from capture.errors import QcError
from cloud_sync.central.enrolment import ca, tables, vault
from cloud_sync.wire.enrolment import RenewRequest, proof_text
from edge.enrol.door import Door
from edge.enrol.enrolling import door_of, enrol, renew
from edge.enrol.folder import Folder, Papers, read_key
from edge.settings_file import load
from tests.enrolled_site import PLATE, EnrolledSite
from tests.peers import wait_until


def current(folder: Folder) -> Papers:
    papers = folder.papers("current")
    assert papers is not None
    return papers


def alarms(site: EnrolledSite) -> list[tuple[str, str]]:
    table = tables.alarm
    with site.database.read() as connection:
        return [(row.box, row.kind) for row in connection.execute(select(table).order_by(table.c.id))]


def test_a_token_brings_all_that_a_box_needs(site: EnrolledSite, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "box" / "enrolment")
    grant = enrol(folder, site.ticket("b-1"), PLATE)
    papers = current(folder)
    assert grant.box == "b-1" and papers.grant == grant
    assert round(timedelta(milliseconds=grant.not_after - site.clock()) / timedelta(days=1)) == 90
    assert papers.file("root.json").read_text() == '{"signed": "root"}'
    assert stat.S_IMODE(papers.file("key.pem").stat().st_mode) == 0o600
    config = tmp_path / "qcbox.toml"
    config.write_text(f'data_dir = "{tmp_path / "box"}"\n[link]\nkeepalive_s = 40\n')
    settings = load(config)
    assert (settings.box, settings.link.host, settings.link.port) == ("b-1", "localhost", 8883)
    assert settings.link.keepalive_s == 40 and settings.link.cert_file == papers.file("certificate.pem")


def test_the_answer_may_be_lost_but_the_token_works_for_one_key_only(site: EnrolledSite, tmp_path: Path) -> None:
    ticket = site.ticket("b-1")
    folder = Folder(tmp_path / "box" / "enrolment")
    first = enrol(folder, ticket, PLATE)
    assert enrol(folder, ticket, PLATE).certificate == first.certificate
    with pytest.raises(QcError, match=r"enrol\.token_used"):
        enrol(Folder(tmp_path / "thief" / "enrolment"), ticket, PLATE)
    assert alarms(site) == [("b-1", "token")]


def test_a_token_is_for_one_machine_and_one_day(site: EnrolledSite, tmp_path: Path) -> None:
    folder = Folder(tmp_path / "box" / "enrolment")
    ticket = site.ticket("b-1")
    with pytest.raises(QcError, match=r"enrol\.serial"):
        enrol(folder, ticket, "SN-2")
    assert alarms(site) == [("b-1", "serial")]
    site.clock.days(2)
    with pytest.raises(QcError, match=r"enrol\.token_expired"):
        enrol(folder, ticket, PLATE)
    with pytest.raises(QcError, match=r"enrol\.token:"):
        enrol(folder, replace(ticket, token="A" * 43), PLATE)
    assert folder.papers("current") is None


def test_the_token_is_said_to_nobody_but_the_centre(site: EnrolledSite, tmp_path: Path) -> None:
    with pytest.raises(QcError, match=r"enrol\.pin"):
        enrol(Folder(tmp_path / "enrolment"), replace(site.ticket("b-1"), pin="0" * 64), PLATE)
    with site.database.read() as connection:
        assert connection.scalar(select(tables.token.c.used_at)) is None


def test_a_wrong_clock_is_named(site: EnrolledSite, tmp_path: Path) -> None:
    """To a box whose clock is years off, the centre's certificate is one of another time."""
    for days in (3650, -3650):
        site.clock.days(days)
        site.issue("server", ["localhost"])
        site.clock.days(-days)
        wait_until(site.door_has_its_papers, "the door has its new papers")
        with pytest.raises(QcError, match=r"enrol\.clock"):
            enrol(Folder(tmp_path / "box"), site.ticket("b-1"), PLATE)
    with site.database.read() as connection:
        assert connection.scalar(select(tables.token.c.used_at).where(tables.token.c.used_at.is_not(None))) is None


def test_renewal_is_answered_again_for_the_same_key_and_refused_to_a_copy(
    site: EnrolledSite, tmp_path: Path
) -> None:
    folder = site.enrolled("b-1")
    papers = current(folder)
    renew(folder, papers, site.clock())
    first = folder.papers("next")
    renew(folder, papers, site.clock())
    again = folder.papers("next")
    assert first is not None and again is not None
    assert first.grant.certificate == again.grant.certificate != papers.grant.certificate
    copy = Folder(tmp_path / "copy")
    copy.path.mkdir()
    with pytest.raises(QcError, match=r"enrol\.renewed_otherwise"):
        renew(copy, papers, site.clock())
    assert alarms(site) == [("b-1", "renewal")]


def test_the_old_certificate_is_void_once_the_new_one_was_of_use(site: EnrolledSite) -> None:
    folder = site.enrolled("b-1")
    old = current(folder)
    old_door = door_of(Papers(old.path.resolve(), old.grant))
    renew(folder, old, site.clock())
    old_door.confirm()  # still good
    folder.promote()
    door_of(current(folder)).confirm()
    with pytest.raises(QcError, match=r"enrol\.revoked"):
        old_door.confirm()
    assert alarms(site) == [("b-1", "revoked")]


def test_an_expired_certificate_renews_by_proof_for_thirty_days(site: EnrolledSite) -> None:
    """Our side of time moves; what the box shows in TLS would be refused there, so it shows nothing."""
    folder = site.enrolled("b-1")
    site.clock.days(119)
    renew(folder, current(folder), site.clock())
    fresh = folder.papers("next")
    assert fresh is not None and fresh.grant.not_after > site.clock()


def test_a_proof_of_a_strange_certificate_or_of_another_request_is_none(
    site: EnrolledSite, tmp_path: Path
) -> None:
    """Somebody with an authority of their own makes a certificate of our box's name; somebody replays a proof."""
    folder, other = (
        site.enrolled("b-1"),
        vault.create(tmp_path / "other", "test", ["localhost"], None, site.clock()),
    )
    mine, theirs = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    forged = ca.issue_box(other.current, "b-1", theirs.public_key(), site.clock(), timedelta(days=9))
    ours = x509.load_pem_x509_certificate(current(folder).grant.certificate.encode())
    requests = [
        x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(mine, hashes.SHA256())
        for _ in range(2)
    ]
    der = [one.public_bytes(Encoding.DER) for one in requests]
    door = Door(site.url, current(folder).grant.authorities)
    strange = [(forged, theirs, der[0]), (ours, theirs, der[0]), (ours, folder.key("enrol"), der[0])]
    own = read_key(current(folder).file("key.pem"))
    for shown, key, signed in [*strange, (ours, own, der[1])]:
        proof = key.sign(proof_text(shown.public_bytes(Encoding.DER), signed), ec.ECDSA(hashes.SHA256()))
        asked = requests[0].public_bytes(Encoding.PEM).decode()
        with pytest.raises(QcError, match=r"enrol\.proof"):
            door.renew(RenewRequest(csr=asked, certificate=ca.pem(shown), proof=proof.hex()))


def test_later_than_that_a_new_token_is_the_way_back(site: EnrolledSite) -> None:
    folder = site.enrolled("b-1")
    site.clock.days(121)
    with pytest.raises(QcError, match=r"enrol\.too_late"):
        renew(folder, current(folder), site.clock())
    grant = enrol(folder, site.ticket("b-1", "SN-b-1"), "SN-b-1")
    assert grant.box == "b-1" and current(folder).grant == grant


def test_nor_does_a_revoked_box_after_its_certificate_has_expired(site: EnrolledSite) -> None:
    folder = site.enrolled("b-1")
    site.revoke("b-1")
    site.clock.days(100)
    with pytest.raises(QcError, match=r"enrol\.revoked"):
        renew(folder, current(folder), site.clock())


def test_a_revoked_box_gets_nothing_until_it_has_a_new_token(site: EnrolledSite) -> None:
    folder, unused = site.enrolled("b-1"), site.ticket("b-1", "SN-b-1")
    site.revoke("b-1")
    with pytest.raises(QcError, match=r"enrol\.revoked"):
        renew(folder, current(folder), site.clock())
    with pytest.raises(QcError, match=r"enrol\.token_expired"):
        enrol(folder, unused, "SN-b-1")
    enrol(folder, site.ticket("b-1", "SN-b-1"), "SN-b-1")
    door_of(current(folder)).confirm()
