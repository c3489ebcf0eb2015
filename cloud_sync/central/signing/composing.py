"""Signed metadata as values: who signs what, for how long, and what the next version of a role says. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, get_args

from securesystemslib.signer import Key  # type: ignore[attr-defined]  # public by its documents, not for mypy
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # as above
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing.cards import Card, Purpose
from cloud_sync.updates.listing import ISSUED, OWNER, custom_of
from cloud_sync.updates.terms import Area, Target

AREAS: tuple[Area, ...] = get_args(Area)
THRESHOLD = 2
"""Of root, targets and every area: no person alone changes what boxes run."""
LEAST_KEEPERS = 3
"""Keys of root and of targets: one may be lost."""
LIFETIMES = {
    "root": timedelta(days=730),
    "targets": timedelta(days=365),
    "area": timedelta(days=365),
    "snapshot": timedelta(days=30),
    "timestamp": timedelta(days=14),
}
AUTHOR, MADE, REASON = "x-qcbox-author", "x-qcbox-made", "x-qcbox-reason"
"""Fields of an area's metadata, inside what is signed: who wrote this version, when (UTC ms), and why."""
_PURPOSES: Mapping[str, Purpose] = {
    "root": "root",
    "targets": "targets",
    "snapshot": "online",
    "timestamp": "online",
}

S = TypeVar("S", Root, Targets, Snapshot, Timestamp)


@dataclass(frozen=True, slots=True)
class Change:
    """Of people: whose cards come, and whose keys go (key ids, or owners' names)."""

    add: tuple[Card, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Founders:
    """Who signs at the beginning."""

    root: tuple[Card, ...]
    targets: tuple[Card, ...]
    online: Card
    areas: Mapping[Area, tuple[Card, ...]] = field(default_factory=dict)


def role_of(area: Area) -> str:
    """Name of the delegated role of an area."""
    return f"kb-{area}"


def owner_of(key: Key) -> str:
    """Account of the person whose key it is, as the signed metadata says."""
    return str(key.unrecognized_fields.get(OWNER, ""))


def first(founders: Founders, now: int) -> tuple[Root, Targets]:
    """The first root and the first targets. Raises Misuse ``repository.people``."""
    root = Root(1, expires=_until("root", now), roles={name: Role([], 1) for name in _PURPOSES})
    root.roles["root"].threshold = root.roles["targets"].threshold = THRESHOLD
    for card in (*founders.root, *founders.targets, founders.online):
        _enter(root, card)
    _check_root(root)
    targets = Targets(1, expires=_until("targets", now), delegations=Delegations({}, {}))
    for area, cards in founders.areas.items():
        _change_area(targets, area, Change(add=cards))
    return root, targets


def next_root(root: Root, change: Change, now: int) -> Root:
    """The next root, with other keys of root, targets, and online, each by its card's purpose.

    Raises:
        Misuse: ``repository.people``, ``repository.no_such_key``.
    """
    new = _next(root, "root", now)
    for named in change.remove:
        gone = _keyids(new.keys, named)
        for name, role in new.roles.items():
            for keyid in gone & set(role.keyids):
                new.revoke_key(keyid, name)
    for card in change.add:
        _enter(new, card)
    _check_root(new)
    return new


def next_targets(targets: Targets, changes: Mapping[Area, Change], close: Iterable[Area], now: int) -> Targets:
    """The next targets, with other people in areas. A closed area has none: all that it published is withdrawn.

    Raises:
        Misuse: ``repository.people``, ``repository.no_such_key``, ``repository.area``.
    """
    new = _next(targets, "targets", now)
    for area in close:
        _close(new, area)
    for area, change in changes.items():
        _change_area(new, area, change)
    return new


def next_area(
    before: Targets | None, add: Sequence[Target], remove: Sequence[str], author: str, reason: str, now: int
) -> Targets:
    """The next version of an area's metadata. Raises Misuse ``repository.not_listed``."""
    new = Targets(1, expires=_until("area", now)) if before is None else _next(before, "area", now)
    for path in remove:
        if new.targets.pop(path, None) is None:
            raise Misuse(
                "repository.not_listed",
                Bilingual(f"没有发布过 {path}，或已撤回", f"{path} was never published, or is withdrawn already"),
                Bilingual(
                    "qcbox-central repository show 列出已发布的内容", "qcbox-central repository show lists them"
                ),
            )
    for one in add:
        new.targets[one.path] = TargetFile(
            one.length, {"sha256": one.sha256}, one.path, {"custom": custom_of(one)}
        )
    new.unrecognized_fields.update({AUTHOR: author, MADE: now, REASON: reason})
    return new


def again(targets: Targets, now: int) -> Targets:
    """The same people once more, for the signatures of new keys: a version that was named never changes."""
    return _next(targets, "targets", now)


def next_snapshot(before: Snapshot | None, files: Iterable[tuple[str, bytes]], now: int) -> Snapshot:
    """A snapshot of these roles' files. What a snapshot once named stays named, as TUF demands.

    It names each by its hash, which TUF leaves open: by its version alone, whoever held an area's keys could hand
    over another list of that version than the one that was published, without the online key.
    """
    new = (
        Snapshot(1, expires=_until("snapshot", now), meta={}) if before is None else _next(before, "snapshot", now)
    )
    for role, content in files:
        version, digest = Metadata.from_bytes(content).signed.version, hashlib.sha256(content).hexdigest()
        new.meta[f"{role}.json"] = MetaFile(version, len(content), {"sha256": digest})
    return new


def next_timestamp(before: Timestamp | None, snapshot: int, now: int) -> Timestamp:
    """A timestamp for a snapshot's version. It says when it was signed: the boxes' time floor. No hash: the
    snapshot has the same key."""
    new = Timestamp(1, expires=_until("timestamp", now)) if before is None else _next(before, "timestamp", now)
    new.snapshot_meta = MetaFile(snapshot)
    new.unrecognized_fields[ISSUED] = now
    return new


def holds(above: Root | Targets, role: str, metadata: Metadata[Any]) -> bool:
    """Whether the signatures suffice for who delegates to the role."""
    try:
        above.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except UnsignedMetadataError:
        return False
    return True


def _next(before: S, kind: str, now: int) -> S:
    new = deepcopy(before)
    new.version += 1
    new.expires = _until(kind, now)
    return new


def _until(kind: str, now: int) -> datetime:
    return datetime.fromtimestamp(now / 1000, UTC) + LIFETIMES[kind]


def _enter(root: Root, card: Card) -> None:
    for name, purpose in _PURPOSES.items():
        if purpose == card.purpose:
            root.add_key(card.key, name)
    if card.purpose == "content":
        raise _people("内容密钥不能签署根", "a content key cannot sign the root")


def _change_area(targets: Targets, area: Area, change: Change) -> None:
    delegations = targets.delegations
    if area not in AREAS or delegations is None or delegations.roles is None:
        raise no_area(area)
    name = role_of(area)
    delegations.roles.setdefault(
        name, DelegatedRole(name, [], THRESHOLD, terminating=True, paths=[f"kb/{area}/*/*"])
    )
    role = delegations.roles[name]
    for named in change.remove:
        in_role = {keyid: delegations.keys[keyid] for keyid in role.keyids}
        for keyid in _keyids(in_role, named):
            targets.revoke_key(keyid, name)
    for card in change.add:
        if card.purpose != "content":
            raise _people(f"{card.name} 不是内容密钥", f"{card.name} is no content key")
        targets.add_key(card.key, name)
    _check_people([delegations.keys[keyid] for keyid in role.keyids], THRESHOLD)


def _close(targets: Targets, area: Area) -> None:
    delegations = targets.delegations
    if delegations is None or delegations.roles is None or role_of(area) not in delegations.roles:
        raise no_area(area)
    role = delegations.roles[role_of(area)]
    for keyid in tuple(role.keyids):
        targets.revoke_key(keyid, role.name)
    del delegations.roles[role.name]


def _keyids(keys: Mapping[str, Key], named: str) -> set[str]:
    """The keys that somebody means by a key id or an owner."""
    found = {keyid for keyid, key in keys.items() if named in (keyid, owner_of(key))}
    if not found:
        raise Misuse(
            "repository.no_such_key",
            Bilingual(f"没有编号或所有者为 {named} 的密钥", f"There is no key with the id or the owner {named}"),
            Bilingual(
                "qcbox-central repository show 列出密钥和所有者", "qcbox-central repository show lists them"
            ),
        )
    return found


def _check_root(root: Root) -> None:
    for name in ("root", "targets"):
        _check_people([root.keys[keyid] for keyid in root.roles[name].keyids], LEAST_KEEPERS)
    if not root.roles["timestamp"].keyids:
        raise _people("没有在线密钥", "there is no online key")


def _check_people(keys: Sequence[Key], least: int) -> None:
    """Different keys of different persons: otherwise two signatures could be one person's."""
    if len(keys) < least:
        raise _people(f"至少需要 {least} 人的密钥", f"at least {least} people's keys are needed")
    if len({owner_of(key) for key in keys}) < len(keys):
        raise _people("同一人在同一角色中有两把密钥", "one person has two keys in one role")


def no_area(area: str) -> Misuse:
    """Nobody signs for it."""
    return Misuse(
        "repository.area",
        Bilingual(f"领域 {area} 未设立", f"Nobody signs for the area {area}"),
        Bilingual(
            f"领域：{', '.join(AREAS)}；用 qcbox-central repository rotate 设立",
            f"Areas: {', '.join(AREAS)}; qcbox-central repository rotate opens one",
        ),
    )


def _people(zh: str, en: str) -> Misuse:
    return Misuse(
        "repository.people",
        Bilingual(f"签名人不符合要求：{zh}", f"The people who sign do not fit: {en}"),
        Bilingual(
            "root 与 targets 各至少三人，每个领域至少两人，每人一把用途相符的密钥",
            "Root and targets need three people each, an area two, each with one key for that purpose",
        ),
    )
