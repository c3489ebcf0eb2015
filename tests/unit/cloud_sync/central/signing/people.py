"""A QC group with keys, packages to publish, and a box that nobody touches."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

from cloud_sync.central.signing import keys
from cloud_sync.central.signing.cards import Card, Purpose
from cloud_sync.central.signing.composing import Founders
from cloud_sync.central.signing.keys import Signer
from cloud_sync.central.signing.proposals import Proposal
from cloud_sync.central.signing.repository import Addition, Repository
from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.terms import Area
from cloud_sync.updates.trust import Trust
from models.content.package import packed

PASSPHRASE = "four unrelated words here"
CHEAP = 10
"""log2 of scrypt's N: a test need not be slow."""
NOW = 1_795_000_000_000
DAY_MS = 86_400_000
_PACK = Path(__file__).parents[5] / "models" / "rules" / "packs" / "completeness"


class Keyring:
    """Makes each person's key when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, Signer] = {}

    def signer(self, owner: str, purpose: Purpose) -> Signer:
        name = f"{owner}-{purpose}"
        if name not in self._open:
            keys.new(self.folder, name, owner, purpose, PASSPHRASE, log2_n=CHEAP)
            self._open[name] = keys.load(keys.path_of(self.folder, name), PASSPHRASE)
        return self._open[name]

    def cards(self, owners: str, purpose: Purpose) -> tuple[Card, ...]:
        return tuple(self.signer(owner, purpose).card for owner in owners.split())


class Clock:
    """UTC milliseconds that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


class Group:
    """A founded repository of three root keepers (an, bo, chen), three targets keepers and authors in general."""

    def __init__(self, folder: Path, ring: Keyring, now: int = NOW) -> None:
        self.ring, self.clock, self.folder = ring, Clock(), folder
        self.clock.now = now
        self.repository = Repository(folder, self.clock)
        people = ring.cards("an bo chen", "root"), ring.cards("ding en fang", "targets")
        online = ring.signer("centre", "online").card
        areas: dict[Area, tuple[Card, ...]] = {
            "general": ring.cards("li wang zhao", "content"), "ct": ring.cards("li wang", "content"),
            "screen": ring.cards("li wang", "content"),
        }  # fmt: skip
        self.first = self.repository.found(Founders(*people, online, areas))

    @property
    def online(self) -> Signer:
        return self.ring.signer("centre", "online")

    def sign(self, proposal: Proposal, root: str = "", targets: str = "", content: str = "") -> Proposal:
        signers: dict[Purpose, str] = {"root": root, "targets": targets, "content": content}
        for purpose, owners in signers.items():
            for owner in owners.split():
                proposal = self.repository.sign(proposal.id, self.ring.signer(owner, purpose))
        return proposal

    def begin(self) -> Group:
        self.repository.publish(self.sign(self.first, root="an bo", targets="ding en"), self.online)
        return self

    def proposed(self, *packages: bytes, author: str = "li", area: Area = "general") -> Proposal:
        added = [Addition(one) for one in packages]
        return self.repository.propose(area, added, author=self.ring.signer(author, "content"))

    def published(self, *packages: bytes, area: Area = "general") -> None:
        proposal = self.proposed(*packages, area=area)
        self.repository.publish(self.sign(proposal, content="wang"), self.online)


@cache
def pack(version: int = 1, name: str = "completeness", note: str = "A note.") -> bytes:
    """A rule pack as a package."""
    files = {one.name: one.read_bytes() for one in _PACK.iterdir() if one.is_file()}
    head = files["pack.toml"].decode().replace("version = 1", f"version = {version}")
    head = head.replace('name = "completeness"', f'name = "{name}"').partition('\nen = "Whether')[0]
    files["pack.toml"] = f'{head}\nen = "{note}"\n'.encode()
    return packed(name, files, "pack")


class Client:
    """A box: it got a root once, and only ever asks the repository."""

    def __init__(self, folder: Path, repository: Path, root: bytes, wall: Callable[[], int] = lambda: NOW) -> None:
        self._folder, self._fetcher = folder, FromFolder(repository)
        self.trust = Trust(folder / "trust", root, wall=wall, built=NOW - DAY_MS)

    def refreshed(self) -> None:
        """Raises Untrusted for what it does not believe."""
        self.trust.refresh(self._fetcher)

    def fetched(self, path: str) -> bytes | None:
        """A release, verified; None when the signed list does not name it."""
        self.refreshed()
        found = next((one for one in self.trust.listed() if one.path == path), None)
        if found is None:
            return None
        out = self._folder / found.sha256
        self.trust.fetch(found, self._fetcher, out)
        return out.read_bytes()
