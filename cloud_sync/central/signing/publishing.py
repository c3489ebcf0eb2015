"""Putting a proposal in force: all is written before it is named, and the last file is one atomic rename."""

from __future__ import annotations

from collections.abc import Iterable

from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    Metadata,
    Root,
    Targets,
)

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing import composing
from cloud_sync.central.signing.composing import holds
from cloud_sync.central.signing.keys import Signer
from cloud_sync.central.signing.proposals import Proposal
from cloud_sync.central.signing.store import Store
from cloud_sync.updates.listing import ISSUED

DAY_MS = 86_400_000
_SNAPSHOT_LEFT_MS = 15 * DAY_MS
"""A snapshot with less than this to live is signed anew: half its life is for a centre that was off."""


def check(store: Store, proposal: Proposal, online: Signer) -> None:
    """Whether a proposal may be put in force now; its ``before`` is what is in force.

    Raises:
        Misuse: ``repository.stale``, ``repository.incomplete``, ``repository.online_key``.
    """
    if not all(_follows(store, proposal, part) for part in proposal.parts) or not _whole(store, proposal):
        raise Misuse(
            "repository.stale",
            Bilingual("提议之后已发布了别的版本", "Another version was published after this was proposed"),
            Bilingual("在现行版本上重新提议并签署", "Propose it again over the version in force, and sign that"),
        )
    if not proposal.complete or (proposal.author and proposal.author not in proposal.needs()[0].signed):
        raise Misuse(
            "repository.incomplete",
            Bilingual("签名人数不足", "Not enough people have signed"),
            Bilingual(_still(proposal, "zh"), _still(proposal, "en")),
        )
    root = proposal.metadata("root").signed if "root" in proposal.parts else store.root().signed
    if not _counts(root, online):
        raise no_online_key()


def found(store: Store, proposal: Proposal, online: Signer, now: int) -> None:
    """The first publication. The root goes last: a repository exists when its root does."""
    _lists(store, proposal, online, now, first=True)
    store.put("root", 1, proposal.parts["root"])


def new_root(store: Store, proposal: Proposal, online: Signer, now: int) -> None:
    """What is online gets the new key's signature beside the old one; then the root; then the targets that new
    keys signed. Between the last two a box may find targets that the new root does not believe: it tries again."""
    root = proposal.metadata("root").signed
    snapshot, timestamp = store.snapshot(), store.timestamp()
    for name, metadata in (("snapshot", snapshot), ("timestamp", timestamp)):
        if not holds(root, name, metadata):
            metadata.sign(online.instrument, append=True)
    store.put("snapshot", snapshot.signed.version, snapshot.to_bytes())
    store.put_timestamp(timestamp.to_bytes())
    store.put("root", proposal.version, proposal.parts["root"])
    if len(proposal.parts) > 1:
        _lists(store, proposal, online, now)


def new_version(store: Store, proposal: Proposal, online: Signer, now: int) -> None:
    """The next targets (with the areas that new people signed), or the next version of an area."""
    _lists(store, proposal, online, now)


def due(store: Store, now: int, every_ms: int) -> tuple[bool, bool]:
    """Whether the snapshot, and whether the timestamp, is to be signed anew."""
    root, snapshot, timestamp = store.root().signed, store.snapshot(), store.timestamp()
    left = snapshot.signed.expires.timestamp() * 1000 - now
    issued = int(timestamp.signed.unrecognized_fields.get(ISSUED, 0))
    return (
        left < _SNAPSHOT_LEFT_MS or not holds(root, "snapshot", snapshot),
        now - issued >= every_ms or not holds(root, "timestamp", timestamp),
    )


def refresh(store: Store, online: Signer, now: int, every_ms: int) -> bool:
    """Sign snapshot and timestamp anew when they are due; whether they were.

    Raises:
        Misuse: ``repository.online_key``: it no longer counts.
    """
    if not _counts(store.root().signed, online):
        raise no_online_key()
    snapshot, timestamp = due(store, now, every_ms)
    if snapshot:
        _state(store, (), online, now)
    elif timestamp:
        _stamp(store, store.snapshot().signed.version, online, now)
    return snapshot or timestamp


def no_online_key() -> Misuse:
    """The online key is not the one that the root names, or cannot be had."""
    return Misuse(
        "repository.online_key",
        Bilingual("在线密钥不是现行根所列的密钥", "The online key is not one that the root in force names"),
        Bilingual(
            "检查 publishing.online_key；更换在线密钥用 repository rotate root",
            "Look at publishing.online_key; repository rotate root changes the online key",
        ),
    )


def _lists(store: Store, proposal: Proposal, online: Signer, now: int, first: bool = False) -> None:
    """Put the proposal's targets and areas in force, all at once."""
    lists = [(part, content) for part, content in proposal.parts.items() if part != "root"]
    for part, content in lists:
        store.put(part, int(proposal.metadata(part).signed.version), content)
    _state(store, lists, online, now, first)


def _state(
    store: Store, files: Iterable[tuple[str, bytes]], online: Signer, now: int, first: bool = False
) -> None:
    before = None if first else store.snapshot().signed
    snapshot = Metadata(composing.next_snapshot(before, files, now))
    snapshot.sign(online.instrument)
    store.put("snapshot", snapshot.signed.version, snapshot.to_bytes())
    _stamp(store, snapshot.signed.version, online, now, first)


def _stamp(store: Store, snapshot: int, online: Signer, now: int, first: bool = False) -> None:
    before = None if first else store.timestamp().signed
    timestamp = Metadata(composing.next_timestamp(before, snapshot, now))
    timestamp.sign(online.instrument)
    store.put_timestamp(timestamp.to_bytes())


def _follows(store: Store, proposal: Proposal, part: str) -> bool:
    """Whether a part is the version after the one in force; of a root that was cut off, the one in force."""
    version, new = 0, proposal.metadata(part)
    if store.founded:
        version = store.root_version() if part == "root" else store.version(part)
    again = part == "root" and version > 0 and (store.metadata(part, version).signed_bytes == new.signed_bytes)
    return new.signed.version == version + 1 or again


def _whole(store: Store, proposal: Proposal) -> bool:
    """Whether all that stays in force is believed under what comes: an area may have published in between."""
    new: Root | Targets = proposal.metadata(proposal.role).signed
    if isinstance(new, Root):
        stays = {"targets"} if store.founded else set()
    else:
        stays = set((new.delegations.roles or {}) if new.delegations else {})
    return all(
        holds(new, role, store.metadata(role, version))
        for role in stays - proposal.parts.keys()
        if (version := store.version(role))
    )


def _counts(root: Root, online: Signer) -> bool:
    return all(online.card.keyid in root.roles[name].keyids for name in ("snapshot", "timestamp"))


def _still(proposal: Proposal, language: str) -> str:
    open_ = [need for need in proposal.needs() if need.missing]
    said = "{} 还缺 {} 人，可签署：{}" if language == "zh" else "{} wants {} more; may sign: {}"
    return "; ".join(said.format(need.part, need.missing, ", ".join(need.may_sign)) for need in open_)
