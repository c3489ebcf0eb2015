"""What was ever published, by whom: read from the signed metadata itself, of which every version is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from securesystemslib.signer import Key  # type: ignore[attr-defined]  # public by its documents, not for mypy
from tuf.api.metadata import Targets  # type: ignore[attr-defined]  # public by its documents, not for mypy

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing.composing import AREAS, AUTHOR, MADE, REASON, owner_of, role_of
from cloud_sync.central.signing.store import Store
from cloud_sync.updates.listing import target_of
from cloud_sync.updates.terms import Area, Audience, Target
from models.content.package import Package


@dataclass(frozen=True, slots=True)
class Publication:
    """One version of an area's metadata that was in force."""

    area: Area
    version: int
    made: int
    """UTC milliseconds of the author's signature."""
    author: str
    signers: tuple[str, ...]
    """Owners of the keys that signed, as far as they are still known; the author is one of them."""
    reason: str
    added: tuple[Target, ...]
    removed: tuple[Target, ...]


def releases(signed: Targets) -> tuple[Target, ...]:
    """What one version of an area's metadata lists."""
    found = (target_of(path, one.length, one.hashes, one.custom) for path, one in signed.targets.items())
    return tuple(one for one in found if one is not None)


def publications(store: Store, area: Area) -> Iterator[Publication]:
    """Of one area, oldest first."""
    keys = {keyid: owner_of(key) for keyid, key in _keys(store)}
    before: frozenset[Target] = frozenset()
    for version in range(1, store.version(role_of(area)) + 1):
        metadata = store.metadata(role_of(area), version)
        listed, said = frozenset(releases(metadata.signed)), metadata.signed.unrecognized_fields
        yield Publication(
            area, version, int(said.get(MADE, 0)), str(said.get(AUTHOR, "")),
            tuple(sorted(keys.get(keyid, "") for keyid in metadata.signatures)), str(said.get(REASON, "")),
            _sorted(listed - before), _sorted(before - listed),
        )  # fmt: skip
        before = listed


def release_of(store: Store, area: Area, package: Package, groups: tuple[str, ...]) -> Target:
    """A package as the next release of its name.

    Raises:
        Misuse: ``repository.wrong_area``: its manifest names another area, or its name is another area's;
            ``repository.version_taken``: that version was published with other content.
    """
    manifest = package.manifest
    ever = {one: tuple(t for p in publications(store, one) for t in p.added) for one in AREAS}
    if manifest.area != area or any(t.name == manifest.name for one in AREAS if one != area for t in ever[one]):
        raise Misuse(
            "repository.wrong_area",
            Bilingual(f"{manifest.name} 不属于领域 {area}", f"{manifest.name} does not belong to the area {area}"),
            Bilingual(
                "在清单中的领域发布，或换一个名称", "Publish it in its manifest's area, or choose another name"
            ),
        )
    if any(t.path == manifest.path and t.sha256 != package.sha256 for t in ever[area]):
        raise Misuse(
            "repository.version_taken",
            Bilingual(
                f"{manifest.name} 第 {manifest.version} 版已发布过其他内容",
                f"Version {manifest.version} of {manifest.name} was published with other content",
            ),
            Bilingual("增加版本号后重新生成", "Count its version up and build it again"),
        )
    release = 1 + max((t.release for t in ever[area] if t.name == manifest.name), default=0)
    return Target(
        manifest.path, package.sha256, package.length, manifest.name, manifest.kind, manifest.version, release,
        Audience(groups, manifest.modality), manifest.min_agent,
    )  # fmt: skip


def _keys(store: Store) -> Iterator[tuple[str, Key]]:
    """All keys that ever signed for an area, from every version of the targets."""
    for version in range(1, store.version("targets") + 1):
        delegations = store.metadata("targets", version).signed.delegations
        yield from delegations.keys.items() if delegations else ()


def _sorted(targets: frozenset[Target]) -> tuple[Target, ...]:
    return tuple(sorted(targets, key=lambda one: (one.name, one.release)))
