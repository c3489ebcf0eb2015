"""A repository of a QC group with all its keys, as attackers of the tests have stolen some of them."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public by its documents
from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by tuf's documents, not for mypy
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from cloud_sync.updates.listing import ISSUED, custom_of, stored_path, target_path
from cloud_sync.updates.terms import Area, Audience, Target

AREAS: tuple[Area, ...] = ("general", "mr")
DAY_MS = 24 * 3600 * 1000
START = 1_790_000_000_000
"""When the repository is made: 2026-09-21."""


def day(at: int) -> datetime:
    """UTC milliseconds as TUF writes them, whole seconds."""
    return datetime.fromtimestamp(at // 1000, UTC)


@dataclass
class Keys:
    """Who can sign as what. Roles: root, targets, snapshot, timestamp, kb-general, kb-mr."""

    of: dict[str, list[CryptoSigner]] = field(default_factory=dict)

    @classmethod
    def made(cls, areas: Sequence[Area] = AREAS) -> Keys:
        """Fresh ones: three people for root and targets, two for an area, one machine for what is online."""
        counts = {"root": 3, "targets": 3, "snapshot": 1, "timestamp": 1, **{f"kb-{area}": 2 for area in areas}}
        return cls({role: [CryptoSigner.generate_ed25519() for _ in range(n)] for role, n in counts.items()})


class Group:
    """The repository in memory: its files as they would be served. ``at`` is the group's clock (UTC ms)."""

    def __init__(self, keys: Keys | None = None, at: int = START, areas: Sequence[Area] = AREAS) -> None:
        self.keys, self.at = keys or Keys.made(areas), at
        self.by_hash = False
        """Whether the timestamp names the snapshot by its hash too. TUF leaves it open; the centre does not."""
        self.files: dict[str, bytes] = {}
        self.root = Root(1, expires=day(at + 730 * DAY_MS), consistent_snapshot=True)
        for role in ("root", "targets", "snapshot", "timestamp"):
            self.trust(role)
        self.targets = Targets(1, expires=day(at + 365 * DAY_MS), delegations=Delegations({}, {}))
        self.areas = {f"kb-{area}": Targets(1, expires=day(at + 365 * DAY_MS)) for area in areas}
        for area in areas:
            self.delegate(f"kb-{area}", [f"kb/{area}/*/*"])
        self.snapshot = Snapshot(1, expires=day(at + 30 * DAY_MS))
        self.timestamp = Timestamp(1, expires=day(at + 14 * DAY_MS))
        self.put_root()
        self.publish(bump=False)

    def trust(self, role: str) -> None:
        """Make the keys of a top-level role those that ``keys`` holds now."""
        for keyid in list(self.root.roles[role].keyids):
            self.root.revoke_key(keyid, role)
        for signer in self.keys.of[role]:
            self.root.add_key(signer.public_key, role)
        self.root.roles[role].threshold = 2 if role in ("root", "targets") else 1

    def delegate(self, role: str, paths: Sequence[str]) -> None:
        """Make an area's people those that ``keys`` holds now."""
        assert self.targets.delegations is not None and self.targets.delegations.roles is not None
        self.targets.delegations.roles[role] = DelegatedRole(role, [], 2, terminating=True, paths=list(paths))
        for signer in self.keys.of[role]:
            self.targets.add_key(signer.public_key, role)

    def add(
        self, content: bytes, area: Area = "general", name: str = "slices", version: int = 1, **says: Any
    ) -> Target:
        """List a release (not yet published)."""
        target = release_of(content, area, name, version, **says)
        self.list_as(f"kb-{area}", target)
        self.files[f"targets/{stored_path(target)}"] = content
        return target

    def list_as(self, role: str, target: Target) -> None:
        """Name a target in a role's list, whether it may or not."""
        self.areas[role].targets[target.path] = TargetFile(
            target.length, {"sha256": target.sha256}, target.path, {"custom": custom_of(target)}
        )

    def put_root(self, signers: Sequence[CryptoSigner] | None = None) -> None:
        """Sign the root and put it out."""
        self.files[f"metadata/{self.root.version}.root.json"] = signed(
            self.root, signers or self.keys.of["root"][:2]
        )

    def publish(self, *, bump: bool = True) -> None:
        """Sign everything below the root and put it out, as of ``at``."""
        parts = [self.targets, *self.areas.values(), self.snapshot, self.timestamp]
        for part in parts if bump else []:
            part.version += 1
        self.put_targets("targets", self.targets, self.keys.of["targets"][:2])
        for role, area in self.areas.items():
            self.put_targets(role, area, self.keys.of[role])
        self.put_online()

    def put_targets(self, role: str, part: Targets, signers: Sequence[CryptoSigner]) -> None:
        """Sign one list and name its version in the snapshot to be."""
        self.put_list(role, part.version, signed(part, signers))

    def put_list(self, role: str, version: int, content: bytes) -> None:
        """Name these bytes in the snapshot to be."""
        self.files[f"metadata/{version}.{role}.json"] = content
        self.snapshot.meta[f"{role}.json"] = _named(version, content)

    def put_online(self, says: dict[str, int] | None = None) -> None:
        """Sign snapshot and timestamp, as of ``at``. ``says``: instead of when."""
        self.snapshot.expires = day(self.at + 30 * DAY_MS)
        content = signed(self.snapshot, self.keys.of["snapshot"])
        self.files[f"metadata/{self.snapshot.version}.snapshot.json"] = content
        self.timestamp.expires = day(self.at + 14 * DAY_MS)
        version = self.snapshot.version
        self.timestamp.snapshot_meta = _named(version, content) if self.by_hash else MetaFile(version)
        self.timestamp.unrecognized_fields = {ISSUED: self.at} if says is None else dict(says)
        self.files["metadata/timestamp.json"] = signed(self.timestamp, self.keys.of["timestamp"])

    def pinned(self) -> bytes:
        """The first root: what boxes were given in person."""
        return self.files["metadata/1.root.json"]

    def copy(self) -> Group:
        """The same group at another place: an old mirror, an attacker's."""
        return copy.deepcopy(self)

    def write(self, folder: Path) -> None:
        """As files."""
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def signed(part: Root | Targets | Snapshot | Timestamp, signers: Sequence[CryptoSigner]) -> bytes:
    """A part of the metadata with these signatures on it."""
    metadata: Metadata[Any] = Metadata(part)
    for signer in signers:
        metadata.sign(signer, append=True)
    content: bytes = metadata.to_bytes()
    return content


def _named(version: int, content: bytes) -> MetaFile:
    return MetaFile(version, len(content), {"sha256": hashlib.sha256(content).hexdigest()})


def release_of(content: bytes, area: Area, name: str, version: int, **says: Any) -> Target:
    """What would be listed for these bytes."""
    plain = Target(
        target_path(area, name, version), hashlib.sha256(content).hexdigest(), len(content), name, "pack", version,
        release=version, audience=Audience(),
    )  # fmt: skip
    return replace(plain, **says)
