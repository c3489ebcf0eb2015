"""TLS towards whom the box calls (PS3.15 B.12): DCMTK and our own receiver show certificates and ask for ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom.data
import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from pydantic import ValidationError
from typer.testing import CliRunner

from capture.dicom.settings import Callee, CalleeTls
from edge.commands.forward import app
from edge.forward.check import Checked, Peer, check
from tests.certificates import Certificates
from tests.peers import Child, accepts, free_port, wait_until
from tests.receiver import CT, Receiver, data_set_of
from tests.unit.edge.box import Box
from tests.unit.edge.forward.going import onward, peer, running, states, take_in, until

# pynetdicom leaves a socket that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
IMAGE = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"


@contextmanager
def storescp(pki: Certificates, folder: Path, *options: str) -> Iterator[int]:
    """DCMTK's, which wants a certificate of the authority."""
    port = free_port()
    folder.mkdir()
    secured = ["+tls", pki.path("peer.key"), pki.path("peer.pem"), "+cf", pki.path("ca.pem"), *options]
    with Child(["storescp", "+B", *map(str, secured), "-od", str(folder), str(port)], folder.parent / "log"):
        wait_until(lambda: accepts(port), "storescp listens")
        yield port


@contextmanager
def archive(pki: Certificates, folder: Path, shows: str | None, **settings: Any) -> Iterator[Receiver]:
    """Our own receiver; ``shows``: its certificate, None: no TLS."""
    if shows is not None:
        ours = {"certificate": pki.path(f"{shows}.pem"), "key": pki.path(f"{shows}.key"), "ca": pki.path("ca.pem")}
        settings |= {"tls": ours}
    with Receiver(folder, **settings) as receiver:
        yield receiver


def call(port: int, tls: dict[str, Any] | None, host: str = "127.0.0.1") -> Checked:
    settings = None if tls is None else CalleeTls.model_validate(tls)
    return check(Peer("pacs", Callee(host=host, port=port, ae_title="PACS", timeout_s=5, tls=settings), (CT,)))


@pytest.mark.parametrize("profile", ["+py", "+px"])
async def test_an_image_goes_to_storescp_over_mutual_tls(
    profile: str, box: Box, tmp_path: Path, pki: Certificates
) -> None:
    content = IMAGE.read_bytes()
    with storescp(pki, tmp_path / "stored", profile) as port:
        assert call(port, pki.of(None)).code == "peer.own_certificate"
        going = onward(box, destinations=[peer(port, name="archive-0", tls=pki.of("box"))])
        box.receive(content, "CT1")
        take_in(box, going)
        async with running(going):
            await until(lambda: states(box) == [("sent", "0000")], "it is sent")
    [stored] = (tmp_path / "stored").iterdir()
    assert data_set_of(stored.read_bytes()) == data_set_of(content)


async def test_what_waits_for_a_certificate_goes_when_it_fits(box: Box, tmp_path: Path, pki: Certificates) -> None:
    """The files are read for each association: who renews one starts nothing anew."""
    believed = tmp_path / "ca.pem"
    believed.write_bytes(pki.path("other.pem").read_bytes())
    with archive(pki, tmp_path / "archive", "peer") as receiver:
        tls = pki.of("box") | {"ca": believed}
        going = onward(box, destinations=[peer(receiver.port, name="archive-0", tls=tls)])
        box.receive(IMAGE.read_bytes(), "CT1")
        take_in(box, going)
        async with running(going):
            await until(lambda: states(box) == [("waiting", "peer.certificate")], "it waits")
            believed.write_bytes(pki.path("ca.pem").read_bytes())
            await until(lambda: states(box) == [("sent", "0000")], "it is sent")


FITS = [
    ("peer", {}),
    ("peer", {"name": "pacs.hospital"}),
    ("peer", {"ca": "peer"}),
    ("renamed", {"name": "pacs.hospital"}),
]


@pytest.mark.parametrize(("shows", "believes"), FITS, ids=["address", "name", "pinned itself", "another name"])
def test_a_certificate_that_fits(shows: str, believes: dict[str, str], tmp_path: Path, pki: Certificates) -> None:
    with archive(pki, tmp_path, shows) as receiver:
        said = call(receiver.port, pki.of("box", **believes))
    assert said.code == "" and said.takes == ("CT Image Storage",)
    assert said.secured is not None and said.secured.protocol in ("TLSv1.2", "TLSv1.3")
    assert "pacs.hospital" in said.secured.names


UNFIT = [
    ("stranger", "box", "ca", "peer.certificate"),
    ("peer", "box", "other", "peer.certificate"),
    ("renamed", "box", "ca", "peer.certificate_name"),
    ("expired", "box", "ca", "peer.certificate_time"),
]


@pytest.mark.parametrize(("shows", "own", "ca", "code"), UNFIT)
def test_a_certificate_that_does_not_fit_is_shown(
    shows: str, own: str, ca: str, code: str, tmp_path: Path, pki: Certificates
) -> None:
    with archive(pki, tmp_path, shows) as receiver:
        said = call(receiver.port, pki.of(own, ca))
        assert not receiver.contents()
    assert said.code == code and "tls." in said.hint.en + "tls." * (code == "peer.certificate_time")
    shown = x509.load_pem_x509_certificate(pki.path(f"{shows}.pem").read_bytes())
    assert said.secured is not None and said.secured.sha256 == shown.fingerprint(SHA256()).hex()


@pytest.mark.parametrize("own", [None, "stranger"])
def test_a_peer_that_does_not_take_our_certificate(own: str | None, tmp_path: Path, pki: Certificates) -> None:
    with archive(pki, tmp_path, "peer") as receiver:
        assert call(receiver.port, pki.of(own)).code == "peer.own_certificate"


def test_tls_to_a_plain_port_and_the_other_way_round(tmp_path: Path, pki: Certificates) -> None:
    with archive(pki, tmp_path / "a", None) as plain, archive(pki, tmp_path / "b", "peer") as secured:
        assert call(plain.port, pki.of("box")).code == "peer.tls"
        assert call(secured.port, None).code == "peer.no_answer"


def test_who_is_not_there_or_does_not_want_us(tmp_path: Path, pki: Certificates) -> None:
    with archive(pki, tmp_path, None, open=False) as receiver:
        assert call(receiver.port, None).code == "peer.rejected"
    assert call(1, None).code == call(1, pki.of("box")).code == "peer.unreachable"
    assert call(1, None, host="x" * 70).code == call(1, None, host="fe80::1%nowhere").code == "peer.no_host"


def test_files_that_cannot_be_used(tmp_path: Path, pki: Certificates) -> None:
    (tmp_path / "empty.pem").touch()
    for wrong in ({"ca": tmp_path / "none.pem"}, {"ca": tmp_path / "empty.pem"}, {"key": pki.path("peer.key")}):
        assert call(1, pki.of("box") | wrong).code == "peer.own_files"
    with pytest.raises(ValidationError, match="both or none"):
        CalleeTls(ca=pki.path("ca.pem"), key=pki.path("box.key"))


def test_the_command_shows_each_peer(tmp_path: Path, pki: Certificates) -> None:
    with (
        structlog.testing.capture_logs(),  # of the receivers, who would write between
        archive(pki, tmp_path / "a", "peer") as pacs,
        archive(pki, tmp_path / "b", "stranger") as ris,
    ):
        config = tmp_path / "qcbox.toml"
        tls = "tls = {" + ", ".join(f'{key} = "{value}"' for key, value in pki.of("box").items()) + "}"
        config.write_text(f"""
[forward]
archive = "pacs"
ris = {{ host = "127.0.0.1", port = {ris.port}, ae_title = "RIS", {tls} }}
devices = [{{ host = "127.0.0.1", port = 1, ae_title = "CT1" }}]
destinations = [{{ name = "pacs", host = "127.0.0.1", port = {pacs.port}, ae_title = "PACS", {tls} }}]
[worklist]
host = "127.0.0.1"
port = {pacs.port}
{tls}
""")
        run = CliRunner()
        told = run.invoke(app, ["check", "--json", "--config", str(config)])
        words = run.invoke(app, ["check", "--lang", "en", "--config", str(config)]).stdout
    assert told.exit_code == 1
    codes = {one["name"]: one["code"] for one in json.loads(told.stdout)}
    assert codes == {
        "pacs": "",
        "ris": "peer.certificate",
        "CT1": "peer.unreachable",
        "worklist": "peer.no_context",
    }
    assert "Storage Commitment" in words and "127.0.0.1" in words and "tls.ca" in words
