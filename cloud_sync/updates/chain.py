"""The chain from a pinned root to a release, followed without a network: the check that every start makes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from securesystemslib.signer import Key  # type: ignore[attr-defined]  # public by its documents, not for mypy
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by tuf's documents, not for mypy
    Metadata,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

# What tuf's own Updater believes by. It needs no network, and no other way into tuf checks metadata as a set.
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType

from cloud_sync.updates.listing import ISSUED, OWNER, target_of
from cloud_sync.updates.refusals import untrusted
from cloud_sync.updates.terms import Target, Untrusted

_MOST_ROLES = 64
_LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Anchor:
    """The newest root that the pinned one leads to, and the keys of its timestamp role."""

    version: int
    timestamp_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Chain:
    """A set of metadata that hangs together and was not expired. Times are UTC milliseconds."""

    anchor: Anchor
    issued: int
    expires: int
    """When the first of its parts ends."""
    targets: tuple[Target, ...]


def moment(at: int) -> datetime:
    """UTC milliseconds as tuf wants them. A clock beyond all calendars is one at their end."""
    try:
        return datetime.fromtimestamp(at / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return _LATEST


def anchor(files: Mapping[str, bytes], root: bytes) -> Anchor:
    """The newest root in ``files`` that follows from the pinned one. Raises Untrusted when that one is none."""
    return _anchor(_roots(files, root).root)


def follow(files: Mapping[str, bytes], root: bytes, at: int) -> Chain:
    """Check a whole set of metadata, file names as TUF's clients keep them, as of ``at``. Raises Untrusted."""
    trusted = _followed(files, root, at)
    roles = [signed for signed in trusted if isinstance(signed, Targets)]
    parts = [trusted.root, trusted.timestamp, trusted.snapshot, *roles]
    expires = min(round(part.expires.timestamp() * 1000) for part in parts)
    return Chain(_anchor(trusted.root), issued(trusted.timestamp), expires, tuple(_listed(trusted)))


def signers(files: Mapping[str, bytes], root: bytes) -> dict[str, tuple[str, ...]]:
    """By sha256 of each release, the owners of the keys whose signatures vouch for the list that names it, whether
    that has run out or not. Raises Untrusted."""
    trusted = _followed(files, root, 0)
    people: dict[str, tuple[str, ...]] = {}
    found: dict[str, tuple[str, ...]] = {}
    for path in _paths(trusted):
        role = _responsible(trusted, path)
        target = _line(trusted, role, path)
        if role is not None and target is not None:
            if role not in people:
                people[role] = _owners(trusted, role, files[f"{role}.json"])
            found[target.sha256] = people[role]
    return found


def _followed(files: Mapping[str, bytes], root: bytes, at: int) -> TrustedMetadataSet:
    trusted = _roots(files, root)
    trusted.reference_time = moment(at)
    asked = ""
    try:
        for asked, add in (
            ("timestamp.json", trusted.update_timestamp),
            ("snapshot.json", trusted.update_snapshot),
            ("targets.json", trusted.update_targets),
        ):
            add(files[asked])
        for asked, role, parent in _delegations(trusted, files):
            trusted.update_delegated_targets(files[asked], role, parent)
    except KeyError:
        raise Untrusted("metadata", f"{asked} is not there") from None
    except RepositoryError as error:
        raise untrusted(error, asked) from error
    return trusted


def signed_list(root: bytes, targets: bytes) -> tuple[Target, ...]:
    """What a list says that one root vouches for directly. It does not end: what ships with a program is as new
    as the program. Raises Untrusted."""
    try:
        trusted = TrustedMetadataSet(root, EnvelopeType.METADATA).root
        listed = Metadata[Targets].from_bytes(targets)
        trusted.verify_delegate(Targets.type, listed.signed_bytes, listed.signatures)
    except RepositoryError as error:
        raise untrusted(error, "targets.json") from error
    if not isinstance(listed.signed, Targets):
        raise Untrusted("metadata", "not a list of targets")
    return tuple(filter(None, (_read(listed.signed, path) for path in listed.signed.targets)))


def issued(timestamp: Timestamp) -> int:
    """When a timestamp was signed. Raises Untrusted when it does not say so, or says what cannot be."""
    when = timestamp.unrecognized_fields.get(ISSUED)
    if not isinstance(when, int) or isinstance(when, bool) or not 0 < when <= timestamp.expires.timestamp() * 1000:
        raise Untrusted("metadata", "the timestamp does not say when it was signed")
    return when


def _roots(files: Mapping[str, bytes], root: bytes) -> TrustedMetadataSet:
    try:
        trusted = TrustedMetadataSet(root, EnvelopeType.METADATA)
    except RepositoryError as error:
        raise untrusted(error, "root.json") from error
    while (following := files.get(f"{trusted.root.version + 1}.root.json")) is not None:
        try:
            trusted.update_root(following)
        except RepositoryError:
            # As tuf's client does: what does not follow from the pinned root was never a root.
            break
    return trusted


def _anchor(root: Root) -> Anchor:
    return Anchor(root.version, frozenset(root.roles[Timestamp.type].keyids))


def _delegations(trusted: TrustedMetadataSet, files: Mapping[str, bytes]) -> Iterator[tuple[str, str, str]]:
    """Delegated roles whose metadata is here, parents first: file, role, parent. Each is loaded by the caller."""
    waiting, met = [Targets.type], {Root.type, Timestamp.type, Snapshot.type, Targets.type}
    while waiting:
        parent = waiting.pop(0)
        signed = trusted[parent]
        delegations = signed.delegations if isinstance(signed, Targets) else None
        for role in (delegations.roles or {}) if delegations else {}:
            file = f"{role}.json"
            if role not in met and file in files and len(met) < _MOST_ROLES:
                met.add(role)
                waiting.append(role)
                yield file, role, parent


def _line(trusted: TrustedMetadataSet, role: str | None, path: str) -> Target | None:
    signed = trusted[role] if role is not None else None
    return _read(signed, path) if isinstance(signed, Targets) else None


def _read(role: Targets, path: str) -> Target | None:
    file = role.targets[path]
    return target_of(path, file.length, file.hashes, file.custom)


def _paths(trusted: TrustedMetadataSet) -> list[str]:
    return sorted({path for signed in trusted if isinstance(signed, Targets) for path in signed.targets})


def _listed(trusted: TrustedMetadataSet) -> Iterator[Target]:
    """Every release that its path leads to: a role that names what is not its own names nothing."""
    for path in _paths(trusted):
        target = _line(trusted, _responsible(trusted, path), path)
        if target is not None:
            yield target


def _owners(trusted: TrustedMetadataSet, role: str, content: bytes) -> tuple[str, ...]:
    """Whose signatures under a list count, by everybody who delegates to it."""
    metadata = Metadata[Targets].from_bytes(content)
    keys: dict[str, Key] = {}
    for signed in trusted:
        if isinstance(signed, Root | Targets) and _delegates(signed, role):
            keys |= signed.get_verification_result(role, metadata.signed_bytes, metadata.signatures).signed
    return tuple(sorted({str(key.unrecognized_fields.get(OWNER, "")) for key in keys.values()} - {""}))


def _delegates(signed: Root | Targets, role: str) -> bool:
    if isinstance(signed, Root):
        return role == Targets.type
    return signed.delegations is not None and role in (signed.delegations.roles or {})


def _responsible(trusted: TrustedMetadataSet, path: str) -> str | None:
    """Name of the most trusted role that lists a path: TUF's preorder walk, detailed client workflow 5.6.7."""
    waiting, met = [Targets.type], set[str]()
    while waiting:
        name = waiting.pop()
        role = trusted.get(name)
        if name in met or not isinstance(role, Targets):
            continue
        met.add(name)
        if path in role.targets:
            return name
        children: list[str] = []
        if role.delegations is not None:
            for child, terminating in role.delegations.get_roles_for_target(path):
                children.append(child)
                if terminating:
                    waiting = []
                    break
        waiting.extend(reversed(children))
    return None
