"""TLS with client certificates: the name in the certificate is the only name a box can speak under."""

from __future__ import annotations

import gc
import threading
from pathlib import Path

import pytest
import trustme

from cloud_sync.link.broker import Broker
from cloud_sync.link.client import Link
from cloud_sync.link.settings import BrokerSettings, LinkSettings
from cloud_sync.link.terms import Lost, Session, Will
from cloud_sync.wire import topics
from tests.peers import PATIENCE_S, Mosquitto, wait_until
from tests.simulated_box import SimulatedOutbox, facts

pytestmark = pytest.mark.real
WILL = Will("qc/v1/box-a/up/state", b"{}", 0)


class Pki:
    """An authority and what it signs, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._authority = trustme.CA()
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for one common name."""
        issued = self._authority.issue_cert(name, common_name=name)
        cert, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return cert, key


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path)


@pytest.fixture
def broker(tmp_path: Path, pki: Pki) -> Mosquitto:
    cert, key = pki.issue("localhost")
    rules = tmp_path / "acl"
    rules.write_text(
        "pattern write qc/v1/%u/up/#\npattern read qc/v1/%u/dn/#\ntopic read qc/v1/centre/state\n"
        "user centre\ntopic readwrite qc/v1/#\n",
        "utf-8",
    )
    lines = [
        "listener {port} 127.0.0.1", f"cafile {pki.ca}", f"certfile {cert}", f"keyfile {key}",
        "require_certificate true", "use_identity_as_username true", f"acl_file {rules}",
    ]  # fmt: skip
    return Mosquitto(tmp_path, lines=lines)


def settings(broker: Mosquitto, pki: Pki, name: str) -> BrokerSettings:
    cert, key = pki.issue(name)
    return BrokerSettings(host="localhost", port=broker.port, ca_file=pki.ca, cert_file=cert, key_file=key)


def connect(broker_settings: BrokerSettings, name: str, *subscribed: str) -> Broker:
    made = Broker(broker_settings, Session(name, clean=True, expiry_s=0, receive_maximum=20, will=WILL))
    try:
        made.connect(list(subscribed))
    except Lost:
        made.close(polite=False)
        raise
    return made


def test_a_box_speaks_under_its_certificates_name(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    with broker:
        centre = connect(settings(broker, pki, "centre"), "centre", topics.ALL_UP)
        outbox = SimulatedOutbox(tmp_path / "outbox.db", synced=False)
        outbox.add(50)
        own = settings(broker, pki, "box-a")
        link = Link(LinkSettings(**own.model_dump(), drain_delay_s=0), outbox, "box-a", "boot-1", facts)
        stop = threading.Event()
        thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
        thread.start()
        heard: set[str] = set()

        def birth_and_events() -> bool:
            for message in centre.poll(0.05).arrived:
                centre.confirm(message)
                heard.add(message.topic)
            return heard == {"qc/v1/box-a/up/state", "qc/v1/box-a/up/event", "qc/v1/box-a/up/metrics"}

        wait_until(birth_and_events, "the centre hears the box through TLS")
        stop.set()
        link.nudge()
        thread.join(PATIENCE_S)
        centre.close(polite=True)
        outbox.close()


def test_a_box_cannot_speak_under_another_name(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    with broker:
        outbox = SimulatedOutbox(tmp_path / "outbox.db", box="box-b", synced=False)
        outbox.add(1)
        thief = settings(broker, pki, "box-a")
        link = Link(LinkSettings(**thief.model_dump(), drain_delay_s=0), outbox, "box-b", "boot-1", facts)
        stop = threading.Event()
        thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
        thread.start()
        wait_until(lambda: link.status().problem == "not_authorised", "the broker refuses, and the box says so")
        assert outbox.numbers("pending") == {1}
        stop.set()
        link.nudge()
        thread.join(PATIENCE_S)
        outbox.close()


def test_without_a_certificate_nobody_enters(broker: Mosquitto, pki: Pki) -> None:
    with broker:
        bare = BrokerSettings(host="localhost", port=broker.port, ca_file=pki.ca, connect_timeout_s=5)
        with pytest.raises(Lost):
            connect(bare, "box-a", "qc/v1/box-a/dn/+")


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_a_broker_of_another_authority_is_not_believed(broker: Mosquitto, pki: Pki, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    with broker:
        cert, key = pki.issue("box-a")
        wrong = BrokerSettings(
            host="localhost", port=broker.port, ca_file=Pki(other).ca, cert_file=cert, key_file=key
        )
        with pytest.raises(Lost, match="tls"):
            connect(wrong, "box-a", "qc/v1/box-a/dn/+")
        gc.collect()


@pytest.mark.parametrize("given", [{"cert_file": "a"}, {"key_file": "a"}, {"cert_file": "a", "key_file": "b"}])
def test_half_a_certificate_is_refused_when_configured(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="go together"):
        BrokerSettings(**given)


@pytest.mark.parametrize("content", [None, "garbage", "-----BEGIN CERTIFICATE-----\nhalf"])
def test_certificate_files_that_cannot_be_used_are_a_problem_not_an_end(
    tmp_path: Path, content: str | None
) -> None:
    """The console lives in the same process as the link; and the files may be mended while it runs."""
    files = {name: tmp_path / name for name in ("ca_file", "cert_file", "key_file")}
    for path in files.values():
        if content is not None:
            path.write_text(content)
    settings = LinkSettings(port=1, reconnect_first_s=0.05, reconnect_most_s=0.05, **files)
    outbox = SimulatedOutbox(tmp_path / "outbox.db", synced=False)
    link = Link(settings, outbox, "box-a", "b1", facts)
    stop = threading.Event()
    thread = threading.Thread(target=link.run, args=(stop,), daemon=True)
    thread.start()
    wait_until(lambda: link.status().problem == "certificate_files" or not thread.is_alive(), "it says why")
    assert thread.is_alive()
    stop.set()
    thread.join(PATIENCE_S)
    outbox.close()
