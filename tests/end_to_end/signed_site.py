"""A QC group with keys, its centre, and boxes as real processes: what the group signs reaches them over MQTT."""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
from pydicom.dataset import Dataset

from capture.spool import Spool
from cloud_sync.central import accounts
from cloud_sync.central.database import Database
from cloud_sync.central.signing import keys
from cloud_sync.central.signing.cards import Card, Purpose
from cloud_sync.central.signing.composing import Change, Founders
from cloud_sync.central.signing.repository import Addition, Repository
from models.content.package import open_package
from tests.centre_process import Centre
from tests.factories import write
from tests.peers import Child, Mosquitto, Warm, accepts, free_port, wait_until

PASSPHRASE = "four unrelated words here"
PASSWORD = "a long password"
PROBATION = 8
"""Images that a release is watched for."""
_CHEAP = 10
"""log2 of scrypt's N: a test need not be slow."""


class Group:
    """Keys of everybody, and a founded repository."""

    def __init__(self, folder: Path) -> None:
        self.keys, self.folder = folder / "keys", folder / "repository"
        self.passphrase = folder / "online.txt"
        self.passphrase.write_text(PASSPHRASE)
        self.passphrase.chmod(0o600)
        people = self._cards("an bo chen", "root"), self._cards("ding en fang", "targets")
        online = self._card("centre", "online")
        authors = self._cards("li wang", "content")
        areas = {"radiography": authors, "general": authors}
        self.repository = Repository(self.folder)
        first = self.repository.found(Founders(*people, online, areas))  # type: ignore[arg-type]
        for owner in ("an", "bo"):
            self.repository.sign(first.id, self._signer(owner, "root"))
        for owner in ("ding", "en"):
            self.repository.sign(first.id, self._signer(owner, "targets"))
        self.repository.publish(self.repository.proposal(first.id), self._signer("centre", "online"))

    def publish(self, package: bytes) -> str:
        """Two persons sign a package without the pages; its hash."""
        area = open_package(package).manifest.area
        proposal = self.repository.propose(area, [Addition(package)], author=self._signer("li", "content"))
        proposal = self.repository.countersign(proposal, self._signer("wang", "content"))
        self.repository.publish(proposal, self._signer("centre", "online"))
        return open_package(package).sha256

    def rotate_everything(self) -> None:
        """Three roots: other keys of root, other keys of targets, another online key where the centre looks."""
        steps: list[tuple[Change, str, str]] = [
            (Change(self._cards("gu he", "root"), ("an", "bo")), "an bo gu he", ""),
            (Change(self._cards("ji ke", "targets"), ("ding", "en")), "gu he", "ji ke"),
        ]
        for change, root, targets in steps:
            self._publish_root(change, root, targets, self._signer("centre", "online"))
        change = Change((self._card("newcentre", "online"),), ("centre",))
        fresh = self._signer("newcentre", "online")
        for path in self.keys.glob("newcentre-online.*"):
            path.replace(path.with_name(path.name.removeprefix("new")))
        self._publish_root(change, "chen gu", "", fresh)

    def _publish_root(self, change: Change, root: str, targets: str, online: keys.Signer) -> None:
        proposal = self.repository.rotate(change)
        signers = [self._signer(one, "root") for one in root.split()]
        for signer in (*signers, *(self._signer(one, "targets") for one in targets.split())):
            proposal = self.repository.sign(proposal.id, signer)
        self.repository.publish(proposal, online)

    def _card(self, owner: str, purpose: Purpose) -> Card:
        keys.new(self.keys, f"{owner}-{purpose}", owner, purpose, PASSPHRASE, log2_n=_CHEAP)
        return self._signer(owner, purpose).card

    def _cards(self, owners: str, purpose: Purpose) -> tuple[Card, ...]:
        return tuple(self._card(owner, purpose) for owner in owners.split())

    def _signer(self, owner: str, purpose: Purpose) -> keys.Signer:
        return keys.load(keys.path_of(self.keys, f"{owner}-{purpose}"), PASSPHRASE)


class SignedBox:
    """One agent that trusts the group."""

    def __init__(self, folder: Path, name: str, broker: Mosquitto, root: bytes, workers: int) -> None:
        self.name, self.folder = name, folder / name
        self.console_port = free_port()
        (self.folder / "data" / "content").mkdir(parents=True)
        (self.folder / "data" / "content" / "root.json").write_bytes(root)
        config = self.folder / "qcbox.toml"
        config.write_text(
            f'box = "{name}"\ndata_dir = "{self.folder / "data"}"\n[spool]\nmin_free_mb = 16\nwritten_ahead = 4\n'
            f"[console]\nport = {self.console_port}\n[workers]\ncount = {workers}\n"
            f"[link]\nport = {broker.port}\nreconnect_first_s = 0.1\nreconnect_most_s = 0.5\nack_timeout_s = 2\n"
            f"drain_delay_s = 0\n[content]\nretry_s = 0.5\ncrashes = 1\nleast_images = 5\nlatency_s = 60\n"
        )
        self.process: Child = Warm("tests.end_to_end.launch", "agent", str(config), log=self.folder / "agent.log")
        self._spool = Spool(self.folder / "data" / "spool")

    def take(self, image: Dataset) -> None:
        """An image arrives, as the receiver hands it over."""
        path = self.folder / f"{secrets.token_hex(4)}.dcm"
        write(image, path)
        with self._spool.receive(kind="dicom", source="dicom", calling_ae="DR1", peer="10.0.0.9") as incoming:
            incoming.write(path.read_bytes())
            incoming.commit(time.time_ns() // 1_000_000)

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """From its database."""
        path = self.folder / "data" / "qcbox.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as base:
            return base.execute(sql, values).fetchall()

    def states(self, name: str, sha256: str = "%") -> list[str]:
        """The steps of a release, or of all of a pack, oldest first."""
        return [
            str(row[0])
            for row in self.rows(
                "select s.state from content_step s join content_release r on r.id = s.release_id"
                " where r.name = ? and r.sha256 like ? order by s.id",
                name,
                sha256,
            )
        ]


class SignedSite:
    """Broker, centre and boxes. Use as a context."""

    def __init__(self, folder: Path, boxes: int, workers: int = 1) -> None:
        self.group = Group(folder)
        self.broker = Mosquitto(folder, queue=100)
        publishing = (
            f'[publishing]\nrepository = "{self.group.folder}"\nkeys = "{self.group.keys}"\n'
            f'online_key = "centre-online"\nonline_passphrase = "{self.group.passphrase}"\n'
            "[rollout]\nlook_s = 0.2\nsignals_s = 0.5\n"
            f"[rollout.plan]\nsoak_s = 0\nprobation_images = {PROBATION}\n"
        )
        self.centre = Centre(folder, self.broker, more=publishing)
        root = self.group.repository.root_bytes()
        self.boxes = [
            SignedBox(folder, f"box-{number}", self.broker, root, workers) for number in range(1, boxes + 1)
        ]

    def __enter__(self) -> SignedSite:
        self.broker.start()
        with closing(Database(f"sqlite:///{self.centre.database}")) as database, database.write() as connection:
            for name in ("li", "wang"):
                hashed = accounts.hash_password(PASSWORD)
                accounts.add(connection, name, "qc-group", hashed, time.time_ns() // 1_000_000, by="test")
        self.centre.start()
        for box in self.boxes:
            box.process.start()
        for box in self.boxes:
            alive = box.process
            wait_until(lambda b=box: accepts(b.console_port) or not b.process.alive, f"{box.name} answers", 240)  # type: ignore[misc]
            assert alive.alive, alive.text()[-2000:]
        return self

    def __exit__(self, *_: object) -> None:
        for box in self.boxes:
            box.process.resume()
            box.process.kill()
        self.centre.stop()
        self.broker.kill()

    @contextmanager
    def browser(self, name: str) -> Iterator[httpx.Client]:
        """Somebody at the centre's pages."""
        headers = {"Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        with httpx.Client(base_url=f"http://127.0.0.1:{self.centre.port}", headers=headers, timeout=60) as client:
            answer = client.post("/login", data={"name": name, "password": PASSWORD})
            assert answer.status_code == 303, answer.text
            yield client

    def release(self, pack: str, edit: Callable[[str], str], why: str) -> str:
        """On the centre's pages: li writes and signs, wang looks and signs. The package's hash."""
        with self.browser("li") as li:
            begun = li.post("/rules/begin", data={"pack": pack, "version": -1})
            assert begun.status_code == 303, begun.text
            number = begun.headers["location"].rsplit("/", 1)[1]
            page = li.get(f"/rules/draft/{number}/text", params={"file": "rules.toml"}).text
            text = edit(_unescaped(re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.S)[1]))  # type: ignore[index]
            saved = li.post(
                "/rules/text", data={"draft": number, "file": "rules.toml", "text": text, "edit": _edit(page)}
            )
            assert saved.status_code == 303, saved.text
            page = li.get(f"/rules/draft/{number}/review").text
            signed = {"note": why, "passphrase": PASSPHRASE, "edit": _edit(page)}
            answer = li.post(f"/rules/draft/{number}/submit", data=signed)
            assert answer.status_code == 303, answer.text
        with self.browser("wang") as wang:
            page = wang.get(f"/rules/draft/{number}/review").text
            sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', page)[1]  # type: ignore[index]
            signed = {"note": "seen", "passphrase": PASSPHRASE, "sha256": sha256}
            answer = wang.post(f"/rules/draft/{number}/approve", data=signed)
            assert answer.status_code == 303, answer.text
        return sha256

    def roll_out(self, sha256: str, **fields: object) -> str:
        """wang starts it; its page's address."""
        with self.browser("wang") as wang:
            started = wang.post("/rollouts/new", data={"sha256": sha256, "soak_hours": 0, **fields})
            assert started.status_code == 303, started.text
            return started.headers["location"]

    def page(self, address: str) -> str:
        """What a member of the group sees there."""
        with self.browser("li") as li:
            return li.get(address).text


def _edit(page: str) -> str:
    return re.search(r'name="edit" value="(\d+)"', page)[1]  # type: ignore[index]


def _unescaped(text: str) -> str:
    from html import unescape

    return unescape(text).lstrip("\n")
