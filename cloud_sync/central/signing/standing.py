"""How the repository stands: who signs what, until when, and what waits. For people, on a terminal or a page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloud_sync.central.signing.composing import owner_of, role_of
from cloud_sync.central.signing.repository import Repository

SOON_MS = 60 * 86_400_000
"""A role that people sign is named this long before it ends: a ceremony takes weeks to arrange."""


@dataclass(frozen=True, slots=True)
class Signatory:
    """A key that counts for a role."""

    owner: str
    keyid: str


@dataclass(frozen=True, slots=True)
class Role:
    """One role in force."""

    name: str
    version: int
    """0: it has published nothing yet."""
    threshold: int
    expires: int
    """UTC milliseconds; 0 without a version."""
    people: tuple[Signatory, ...]


def roles(repository: Repository) -> Iterator[Role]:
    """Root, targets, snapshot, timestamp, then the areas. Raises Misuse ``repository.none``."""
    store = repository.store
    root, targets = store.root(), store.targets()
    delegations = targets.signed.delegations
    in_force = {
        "root": root, "targets": targets, "snapshot": store.snapshot(), "timestamp": store.timestamp(),
        **{role_of(area): store.area(role_of(area)) for area in repository.areas()},
    }  # fmt: skip
    for name, metadata in in_force.items():
        held = root.signed.roles if name in root.signed.roles else (delegations.roles or {}) if delegations else {}
        keys = root.signed.keys if name in root.signed.roles else delegations.keys if delegations else {}
        yield Role(
            name,
            metadata.signed.version if metadata else 0,
            held[name].threshold,
            int(metadata.signed.expires.timestamp() * 1000) if metadata else 0,
            tuple(Signatory(owner_of(keys[keyid]), keyid) for keyid in held[name].keyids),
        )


def ending(repository: Repository, now: int) -> tuple[Role, ...]:
    """Roles that people must sign anew soon, or that have ended: boxes then take nothing new.

    Snapshot and timestamp are the online key's: they are named when they have ended.
    """
    return tuple(
        role
        for role in roles(repository)
        if role.version and role.expires - now < (0 if role.name in ("snapshot", "timestamp") else SOON_MS)
    )
