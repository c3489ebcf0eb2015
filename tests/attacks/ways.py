"""The three ways from a repository to a box, with real peers: a folder, an HTTPS server, a broker and a centre."""

from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme
import uvicorn

from cloud_sync.central.database import Database
from cloud_sync.central.ingest import Ingest
from cloud_sync.central.part import Outgoing
from cloud_sync.central.serving.answers import Answers
from cloud_sync.central.serving.repository_app import Receive, RepositoryApp, Scope, Send
from cloud_sync.central.settings import IngestSettings
from cloud_sync.link.client import Link
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.over_https import OverHttps
from cloud_sync.updates.over_mqtt import OverMqtt
from cloud_sync.wire.topics import Address
from tests.end_to_end.mqtt_peer import link_settings
from tests.peers import PATIENCE_S, Mosquitto, free_port, wait_until
from tests.simulated_box import SimulatedOutbox, facts


@dataclass
class Way:
    """``folder`` is what is served. ``fetcher()`` is a box's, new each time."""

    name: str
    folder: Path
    fetcher: Callable[[], Fetcher]
    interfere: dict[str, str] = field(default_factory=dict)
    """Path to what happens to it on the way: ``drip`` or ``cut``."""

    def serve(self, files: dict[str, bytes]) -> None:
        """These files, and no others."""
        for old in self.folder.iterdir():
            old.unlink() if old.is_symlink() else shutil.rmtree(old)
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.interfere.clear()


@contextmanager
def by_folder(base: Path) -> Iterator[Way]:
    folder = base / "stick"
    folder.mkdir()
    yield Way("folder", folder, lambda: FromFolder(folder))


class Pki:
    """An authority and what it signs, as files."""

    def __init__(self, folder: Path) -> None:
        self._authority, self._folder = trustme.CA(), folder
        folder.mkdir(exist_ok=True)
        self.ca = folder / "ca.pem"
        self._authority.cert_pem.write_to_path(self.ca)

    def issue(self, *names: str) -> tuple[Path, Path]:
        """Certificate and key; the first name is the common name."""
        issued = self._authority.issue_cert(*names, common_name=names[0])
        cert, key = self._folder / f"{names[0]}.pem", self._folder / f"{names[0]}.key"
        issued.cert_chain_pems[0].write_to_path(cert)
        issued.private_key_pem.write_to_path(key)
        return cert, key


class Meddled:
    """The repository behind somebody who holds answers up or cuts them off."""

    def __init__(self, app: RepositoryApp, interfere: dict[str, str]) -> None:
        self._app, self._interfere = app, interfere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        what = self._interfere.get(scope["path"].removeprefix("/"))
        if what is None:
            await self._app(scope, receive, send)
            return
        said = {"drip": [(b"content-length", b"1000000")], "cut": [(b"content-length", b"1000000")], "stream": []}
        elsewhere = [(b"content-length", b"0"), (b"location", b"https://localhost/metadata/timestamp.json")]
        status, headers = (302, elsewhere) if what == "elsewhere" else (200, said[what])
        await send({"type": "http.response.start", "status": status, "headers": headers})
        turns, size, pause = {"drip": (100, 5, 0.05), "cut": (1, 100, 0.0), "stream": (10_000, 65536, 0.0)}.get(
            what, (0, 0, 0.0)
        )
        for _ in range(turns):
            await send({"type": "http.response.body", "body": b"x" * size, "more_body": True})
            await asyncio.sleep(pause)
        await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(app: Callable[..., object], pki: Pki, name: str = "localhost") -> Iterator[int]:
    """A real HTTPS server of that name that asks for a certificate; the port."""
    cert, key = pki.issue(name)
    port = free_port()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, ssl_certfile=str(cert), ssl_keyfile=str(key), ssl_ca_certs=str(pki.ca),
        ssl_cert_reqs=ssl.CERT_REQUIRED, log_config=None, lifespan="off", timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the HTTPS server listens")
    try:
        yield port
    finally:
        gc.collect()  # Transfers that a test's error keeps.
        wait_until(lambda: not server.server_state.connections, "the server has heard that everybody left")
        server.should_exit = True
        thread.join(PATIENCE_S)
        # A handshake that the client gave up is a transport that the loop did not come to close.
        with warnings.catch_warnings(action="ignore", category=ResourceWarning):
            gc.collect()


@contextmanager
def by_https(base: Path) -> Iterator[Way]:
    folder = base / "served"
    folder.mkdir()
    pki = Pki(base / "pki")
    cert, key = pki.issue("box-a")
    interfere: dict[str, str] = {}
    with serving(Meddled(RepositoryApp(folder), interfere), pki) as port:
        made: list[OverHttps] = []

        def fetcher() -> OverHttps:
            made.append(OverHttps(f"https://localhost:{port}", pki.ca, cert, key, window_s=0.3))
            return made[-1]

        yield Way("https", folder, fetcher, interfere)
        for one in made:
            one.close()


class MeddledAnswers(Answers):
    """The centre's answers as somebody on the way lets them through."""

    def __init__(self, folder: Path, interfere: dict[str, str]) -> None:
        super().__init__(folder)
        self._interfere = interfere

    def heard(self, address: Address, payload: bytes) -> None:
        if not any(path.encode() in payload for path, what in self._interfere.items() if what == "drip"):
            super().heard(address, payload)

    def to_say(self) -> Iterator[Outgoing]:
        for out in super().to_say():
            cut = "cut" in self._interfere.values() and not out.payload.endswith(b"\n")
            yield Outgoing(out.topic, out.payload[:-10] if cut else out.payload, qos=0)


@contextmanager
def by_mqtt(base: Path) -> Iterator[Way]:
    """A real broker, the real ingest with the serving part, and a box's real link."""
    folder = base / "published"
    folder.mkdir()
    interfere: dict[str, str] = {}
    stop = threading.Event()
    with Mosquitto(base) as broker:
        database = Database(f"sqlite:///{base / 'central.db'}")
        settings = BrokerSettings(port=broker.port, reconnect_first_s=0.05)
        ingest = Ingest(settings, IngestSettings(batch_ms=1), database, parts=[MeddledAnswers(folder, interfere)])
        outbox = SimulatedOutbox(base / "outbox.db", synced=False)
        hearing: list[OverMqtt] = []

        def hear(leaf: str, payload: bytes) -> None:
            for fetcher in hearing[-1:]:
                fetcher.hear(payload)

        link = Link(link_settings(broker), outbox, "box-a", "boot-1", facts, hear=hear)
        threads = [threading.Thread(target=one.run, args=(stop,), daemon=True) for one in (ingest, link)]
        for thread in threads:
            thread.start()
        wait_until(lambda: link.status().connected and ingest.status.connected, "box and centre are connected")

        def fetcher() -> OverMqtt:
            made = OverMqtt(lambda payload: link.say("fetch", payload), timeout_s=2, tries=3)
            if interfere:
                made = OverMqtt(lambda payload: link.say("fetch", payload), timeout_s=0.05, tries=2)
            hearing.append(made)
            return made

        yield Way("mqtt", folder, fetcher, interfere)
        stop.set()
        link.nudge()
        for thread in threads:
            thread.join(PATIENCE_S)
        outbox.close()
        database.close()


WAYS = {"folder": by_folder, "https": by_https, "mqtt": by_mqtt}
