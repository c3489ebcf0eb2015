"""A centre's authority, its door and a real Mosquitto with the configuration that is shipped, for tests."""

from __future__ import annotations

import ssl
import threading
import time
from datetime import timedelta
from pathlib import Path

from cloud_sync.central.database import Database
from cloud_sync.central.enrolment import ca, revoking, tokens, vault
from cloud_sync.central.enrolment.service import Enrolment
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.enrolment.tokens import Wish
from cloud_sync.central.enrolment.warden import Warden
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.wire.enrolment import Ticket
from edge.enrol.enrolling import enrol
from edge.enrol.folder import Folder
from tests.peers import ROOT, Mosquitto, free_port

CENTRE = "qcbox-centre"
PLATE = "SN-1"


class Clock:
    """A wall clock that a test sets. UTC milliseconds."""

    def __init__(self) -> None:
        self.skew_ms = 0

    def __call__(self) -> int:
        return time.time_ns() // 1_000_000 + self.skew_ms

    def days(self, count: float) -> None:
        """Move on, or back."""
        self.skew_ms += round(count * 86_400_000)


class EnrolledSite:
    """Everything on loopback, in one folder. ``clock`` is the centre's; TLS itself goes by the real one."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder, self.clock = folder, Clock()
        self.ca, self.publish = folder / "ca", folder / "broker"
        self.vault = vault.create(self.ca, "test", ["localhost", "127.0.0.1"], None, self.clock())
        for stem in ("server", "broker"):
            self.issue(stem, ["localhost"])
        self.issue_client("centre", CENTRE, vault.SERVER_LIFE)
        self.database = Database(f"sqlite:///{folder / 'central.db'}")
        port = free_port()
        self.settings = EnrolmentSettings.model_validate(
            {
                "enabled": True, "folder": self.ca, "publish": self.publish, "host": "127.0.0.1", "port": port,
                "url": f"https://localhost:{port}", "broker_host": "localhost", **settings,
            }
        )  # fmt: skip
        self.door: Enrolment | None = None
        self._stop = threading.Event()

    def issue(self, stem: str, names: list[str]) -> None:
        """A server's certificate of the newest generation."""
        held = vault.load(self.ca, None)
        vault.issue_files(
            held, self.ca, stem, lambda by, key: ca.issue_server(by, names, key, self.clock(), vault.SERVER_LIFE)
        )

    def issue_client(
        self, stem: str, name: str, life: timedelta = timedelta(days=9), now: int | None = None
    ) -> None:
        """A client's certificate that no table knows of."""
        held = vault.load(self.ca, None)
        at = self.clock() if now is None else now
        vault.issue_files(held, self.ca, stem, lambda by, key: ca.issue_box(by, name, key, at, life))

    def papers(self, stem: str) -> dict[str, object]:
        """Of ``issue_client``, as settings."""
        return {
            "ca_file": self.publish / "authorities.pem", "cert_file": self.ca / f"{stem}.pem",
            "key_file": self.ca / f"{stem}.key",
        }  # fmt: skip

    def prepare(self, broker: BrokerSettings) -> None:
        """The files that a broker reads at its start."""
        Warden(self.settings, broker, self.database, vault.Keeper(self.ca, None), self.clock).publish()

    def start_door(self, broker: BrokerSettings | None = None, root: bytes | None = None) -> None:
        """The door and the warden."""
        found = broker or BrokerSettings()
        self.run_door(Enrolment(self.settings, found, self.database, self.clock, lambda: root))

    def run_door(self, door: Enrolment) -> None:
        """As the centre does."""
        self.door = door
        door.start()
        self._thread = threading.Thread(target=door.run, args=(self._stop,))
        self._thread.start()

    def door_has_its_papers(self) -> bool:
        """Whether the door shows the certificate that is in the folder now."""
        try:
            shown = ssl.get_server_certificate(("localhost", self.settings.port))
        except OSError:
            return False  # just between two certificates
        return shown.strip() in (self.ca / "server.pem").read_text()

    def stop_door(self) -> None:
        self._stop.set()
        if self.door is not None:
            self._thread.join()

    def close(self) -> None:
        self.stop_door()
        self.database.close()

    @property
    def url(self) -> str:
        return self.settings.url

    def ticket(self, box: str, serial: str = PLATE) -> Ticket:
        """A token for a box."""
        with self.database.write() as connection:
            token = tokens.make(
                connection, Wish(box, "Site", serial), {CENTRE}, self.clock(), self.clock() + 3_600_000, "test"
            )
        return Ticket(self.url, token, vault.pin(self.ca))

    def enrolled(self, box: str) -> Folder:
        """A box with its papers. The door's address in them is its present one."""
        folder = Folder(self.folder / box / "enrolment")
        self.admit(folder, box)
        return folder

    def admit(self, folder: Folder, box: str) -> None:
        """A new token for the box, used."""
        enrol(folder, self.ticket(box, f"SN-{box}"), f"SN-{box}")

    def revoke(self, box: str, reason: str = "lost") -> None:
        with self.database.write() as connection:
            revoking.revoke(connection, box, reason, "", self.clock(), "test")


def shipped_broker(site: EnrolledSite) -> Mosquitto:
    """Mosquitto by ``deploy/mosquitto/qcbox.conf``; only folders and the port differ."""
    text = (ROOT / "deploy" / "mosquitto" / "qcbox.conf").read_text("utf-8")
    places = {
        "/var/lib/qcbox-broker": str(site.publish), "/etc/mosquitto/qcbox/broker": str(site.ca / "broker"),
        "/etc/mosquitto/qcbox": str(ROOT / "deploy" / "mosquitto"), "listener 8883": "listener {port} 127.0.0.1",
    }  # fmt: skip
    for shipped, here in places.items():
        assert shipped in text
        text = text.replace(shipped, here)
    lines = [
        line for line in text.splitlines() if not line.startswith(("persistence", "max_queued", "set_tcp", "#"))
    ]
    return Mosquitto(site.folder, lines=[line for line in lines if line])
