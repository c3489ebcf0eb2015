"""What a proposal says, line by line, read from the very bytes that are signed.

Whoever signs on a machine of the own knows nothing but the proposal's file, and who made it may lie about what was
before. So every line is shown, of every part that would be signed, with a mark for what is new against it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    DelegatedRole,
    Metadata,
    Role,
    Root,
    Targets,
)

from cloud_sync.central.signing.composing import owner_of
from cloud_sync.central.signing.history import releases
from cloud_sync.central.signing.proposals import Proposal


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that a signature would stand under (or, ``-``, no longer)."""

    mark: Literal["+", "=", "-"]
    part: str
    text: str


def lines(proposal: Proposal) -> Iterator[Line]:
    """Of all parts: who may sign, how many must, for which paths; and every release with its hash."""
    for part, content in proposal.parts.items():
        new = _said(content)
        old = _said(proposal.before[part]) if part in proposal.before else set()
        for text in sorted(new | old):
            yield Line("=" if text in new & old else "+" if text in new else "-", part, text)


def _said(content: bytes) -> set[str]:
    signed = Metadata.from_bytes(content).signed
    if isinstance(signed, Root):
        held: Mapping[str, Role] = signed.roles
        keys = signed.keys
    elif isinstance(signed, Targets):
        delegations = signed.delegations
        held, keys = ((delegations.roles or {}), delegations.keys) if delegations else ({}, {})
    else:
        return set()
    said = {
        f"{name}: {owner_of(keys[keyid])} {keyid[:16]}" for name, role in held.items() for keyid in role.keyids
    }
    said |= {f"{name}: threshold {role.threshold}{_paths(role)}" for name, role in held.items()}
    return said | (set(_releases(signed)) if isinstance(signed, Targets) else set())


def _paths(role: Role) -> str:
    return f", {' '.join(role.paths or ())}" if isinstance(role, DelegatedRole) else ""


def _releases(signed: Targets) -> Iterator[str]:
    known = {one.path: one for one in releases(signed)}
    for path, file in signed.targets.items():
        one = known.get(path)
        whom = ", ".join((*one.audience.groups, *one.audience.modalities)) or "*" if one else "?"
        yield f"{path} [{whom}] sha256 {file.hashes.get('sha256', '?')}"
