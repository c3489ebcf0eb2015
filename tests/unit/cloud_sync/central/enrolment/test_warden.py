"""The warden at its work: what it writes, what it says, and that it says it until it is heard."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from sqlalchemy import select

from capture.errors import Misuse
from cloud_sync.central.enrolment import tables, vault
from cloud_sync.central.enrolment.service import Enrolment
from cloud_sync.central.enrolment.warden import Warden
from cloud_sync.link.settings import BrokerSettings
from tests.enrolled_site import EnrolledSite
from tests.peers import free_port


def warden_of(site: EnrolledSite) -> Warden:
    """Anew, as after a restart; nobody is at the broker's address."""
    nowhere = BrokerSettings(port=free_port())
    return Warden(site.settings, nowhere, site.database, vault.Keeper(site.ca, None), site.clock)


def test_a_broker_that_is_not_told_is_told_again(tmp_path: Path) -> None:
    site = EnrolledSite(tmp_path, reload=["sh", "-c", f"cd {tmp_path} && test -e there && touch told"])
    site.start_door(BrokerSettings(port=free_port()))
    site.enrolled("b-1")
    site.stop_door()
    site.revoke("b-1")
    warden = Warden(
        site.settings, BrokerSettings(port=free_port()), site.database, vault.Keeper(site.ca, None), site.clock
    )

    def listed() -> int | None:
        with site.database.read() as connection:
            return connection.scalar(select(tables.enrolled.c.listed_at))

    warden.look()
    assert listed() is None, "the command failed, so nobody may think that the broker knows"
    (tmp_path / "there").touch()
    warden.look()
    assert listed() is None, "not again at once"
    warden = Warden(
        site.settings, BrokerSettings(port=free_port()), site.database, vault.Keeper(site.ca, None), site.clock
    )
    warden.look()
    assert listed() is not None and (tmp_path / "told").exists()
    text = (site.publish / "crl.pem").read_bytes()
    found = x509.load_pem_x509_crl(text)
    assert len(list(found)) == 1
    assert (site.publish / "crl.pem").stat().st_mode & 0o777 == 0o644
    site.close()


def test_a_list_for_each_generation(tmp_path: Path) -> None:
    site = EnrolledSite(tmp_path)
    warden = warden_of(site)
    warden.look()
    assert (site.publish / "crl.pem").read_text().count("BEGIN") == 1
    vault.roll(site.ca, "test", ["localhost"], None, site.clock())
    warden.look()
    assert (site.publish / "crl.pem").read_text().count("BEGIN") == 2
    assert (site.publish / "authorities.pem").read_text().count("BEGIN") == 2
    site.close()


def test_a_door_without_authority_or_server_papers_says_what_to_do(tmp_path: Path) -> None:
    site = EnrolledSite(tmp_path)
    (site.ca / "server.pem").unlink()
    with pytest.raises(Misuse, match=r"ca\.server"):
        Enrolment(site.settings, BrokerSettings(), site.database, site.clock)
    empty = site.settings.model_copy(update={"folder": tmp_path / "none"})
    with pytest.raises(Misuse, match=r"ca\.missing"):
        Enrolment(empty, BrokerSettings(), site.database, site.clock)
    site.close()
