"""The door in TLS: who gets how far, by which certificate."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3

from cloud_sync.central.enrolment import ca, service, vault
from cloud_sync.central.enrolment.service import Enrolment
from cloud_sync.central.serving.repository_app import RepositoryApp
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.updates.over_https import OverHttps
from cloud_sync.wire.enrolment import AUTHORITIES, CONFIRM, ENROL, RENEW, REPOSITORY
from tests.enrolled_site import EnrolledSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledSite]:
    made = EnrolledSite(tmp_path_factory.mktemp("centre"))
    (made.folder / "repository" / "metadata").mkdir(parents=True)
    (made.folder / "repository" / "metadata" / "timestamp.json").write_text("{}")
    shelf = RepositoryApp(made.folder / "repository")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(service, "_TURN_S", 0.1)
        made.run_door(Enrolment(made.settings, BrokerSettings(), made.database, made.clock, repository=shelf))
        yield made
        made.close()


def ask(
    site: EnrolledSite,
    method: str,
    path: str,
    shown: tuple[Path, Path] | None = None,
    body: bytes = b"",
    **tls: object,
) -> tuple[int, bytes]:
    context = ssl.create_default_context(cafile=str(site.publish / "authorities.pem"))
    for name, value in tls.items():
        setattr(context, name, value)
    if shown:
        context.load_cert_chain(*shown)
    with urllib3.PoolManager(ssl_context=context, retries=False, timeout=10) as pool:
        answer = pool.request(method, site.url + path, body=body)
        return answer.status, answer.data


def papers(site: EnrolledSite, box: str) -> tuple[Path, Path]:
    held = site.enrolled(box).path / "current"
    return held / "certificate.pem", held / "key.pem"


def test_a_stranger_reaches_what_a_first_enrolment_needs_and_nothing_else(site: EnrolledSite) -> None:
    assert ask(site, "GET", AUTHORITIES)[0] == 200
    for method, path in (("POST", CONFIRM), ("GET", "/repository/metadata/root.json")):
        status, said = ask(site, method, path)
        assert status == 403 and json.loads(said)["code"] == "enrol.certificate", path
    for path in ("/", "/healthz", "/docs", "/results"):
        assert ask(site, "GET", path)[0] == 404


def test_a_box_reaches_the_repository_until_it_is_revoked(site: EnrolledSite) -> None:
    own = papers(site, "b-shelf")
    fetched = OverHttps(site.url + REPOSITORY, site.publish / "authorities.pem", *own)
    assert b"".join(fetched.pieces("metadata/timestamp.json", 0)) == b"{}"
    fetched.close()
    site.revoke("b-shelf")
    status, said = ask(site, "GET", "/repository/metadata/timestamp.json", own)
    assert status == 403 and json.loads(said)["code"] == "enrol.revoked"


def test_papers_that_no_table_knows_are_nobodys(site: EnrolledSite) -> None:
    """Signed by the authority, but not given to a box: the centre's own, or somebody's who has its key."""
    site.issue_client("unknown", "b-unknown")
    shown = (site.ca / "unknown.pem", site.ca / "unknown.key")
    assert ask(site, "POST", CONFIRM, shown)[0] == 403


@pytest.mark.parametrize("kind", ["foreign", "expired", "server"])
def test_strange_papers_end_in_the_handshake(site: EnrolledSite, tmp_path: Path, kind: str) -> None:
    if kind == "foreign":
        other = vault.create(tmp_path, "test", ["localhost"], None, site.clock())
        vault.issue_files(
            other, tmp_path, "x", lambda by, key: ca.issue_box(by, "b-1", key, site.clock(), timedelta(days=9))
        )
        shown = (tmp_path / "x.pem", tmp_path / "x.key")
    else:
        if kind == "expired":
            site.issue_client("expired", "b-1", timedelta(days=1), site.clock() - 5 * 86_400_000)
        shown = (site.ca / f"{kind}.pem", site.ca / f"{kind}.key")
    with pytest.raises(urllib3.exceptions.HTTPError):
        ask(site, "GET", AUTHORITIES, shown)


def test_half_of_new_papers_leaves_the_door_with_its_old_ones(site: EnrolledSite) -> None:
    key = site.ca / "server.key"
    was = key.read_bytes()
    key.write_bytes((site.ca / "broker.key").read_bytes())
    try:
        time.sleep(0.3)  # it looks every 0.1 s here
        assert ask(site, "GET", AUTHORITIES)[0] == 200
    finally:
        key.write_bytes(was)


def test_old_tls_is_not_spoken(site: EnrolledSite) -> None:
    with pytest.warns(DeprecationWarning), pytest.raises(urllib3.exceptions.HTTPError):
        ask(site, "GET", AUTHORITIES, maximum_version=ssl.TLSVersion.TLSv1_1, minimum_version=ssl.TLSVersion.TLSv1)


@pytest.mark.parametrize("path", [ENROL, RENEW])
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b'{"csr":"x"}', b"{" * 500])
def test_what_cannot_be_read_is_said_so(site: EnrolledSite, path: str, body: bytes) -> None:
    status, said = ask(site, "POST", path, body=body)
    code = json.loads(said)["code"]
    assert (status, code) in ((400, "enrol.unreadable"), (403, "enrol.proof"), (403, "enrol.request"))


def test_what_is_too_long_is_not_read(site: EnrolledSite) -> None:
    assert ask(site, "POST", ENROL, body=b"x" * 70_000)[0] == 413
