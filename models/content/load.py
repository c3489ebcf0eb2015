"""From packages to what judges. The one way: signed content, what ships and drafts all come through here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.bundle import Bundle, read_bundle
from models.bundles.library import Library
from models.bundles.site_network import SiteNetwork
from models.catalogue import Entry, add_site_names, catalogue
from models.content.manifest import PACKS
from models.content.overrides import SiteOverrides
from models.content.package import Package
from models.content.rules import with_overrides
from models.judge import Content
from models.producer import discover
from models.rules.pack import read_pack
from models.sets.producer import discover_sets


@dataclass(slots=True)
class _Parts:
    """What was read of packages, by name."""

    packs: dict[str, Package] = field(default_factory=dict)
    bundles: dict[str, Bundle] = field(default_factory=dict)

    @property
    def entries(self) -> dict[str, Entry]:
        return {name: entry for bundle in self.bundles.values() for name, entry in bundle.entries.items()}


def content_of(
    packages: Iterable[Package], trial: Iterable[Package] = (), overrides: Sequence[SiteOverrides] = (),
    before: Content | None = None,
) -> Content:  # fmt: skip
    """Everything that judges, read from packages in memory.

    Packages are taken one by one, and a network keeps of its own only what it needs: give a generator, and no more
    than one large package is in memory at a time. Screen templates are passed over. The names of facts that a
    site's networks add enter the catalogue of this process.

    Args:
        packages: one release of each name, those that ship among them. Somebody has checked their signatures.
        trial: releases that judge in the shadow: each takes the place of its name, or comes beside the others.
        overrides: the site's own changes. What the packs do not allow is left out: ``Content.left_out``.
        before: what judged in this process until now: networks and compiled packs of the same hash serve on.

    Raises:
        capture.errors.Misuse: a package is not as it must be, or they do not fit together.
    """
    networks = () if before is None else before.bundles
    own = _read(packages, networks)
    learn(own.bundles.values())
    active = _content(own, overrides, before)
    tried = _read(trial, networks)
    if not tried.packs and not tried.bundles:
        return active
    learn(tried.bundles.values())
    both = _Parts(own.packs | tried.packs, own.bundles | tried.bundles)
    return replace(active, trial=_content(both, overrides, active))


def learn(bundles: Iterable[Bundle]) -> None:
    """The names of facts that these networks add enter the catalogue of this process, for pages and reports."""
    for bundle in bundles:
        add_site_names(bundle.entries)


def _read(packages: Iterable[Package], networks: Iterable[Bundle]) -> _Parts:
    """``networks``: read before. Raises Misuse for two of one name, and as reading does."""
    found, known = _Parts(), {bundle.sha256: bundle for bundle in networks}
    for package in packages:
        if package.name in found.packs or package.name in found.bundles:
            raise Misuse(
                "content.again",
                Bilingual(f"{package.name} 有两个版本", f"there are two releases of {package.name}"),
                Bilingual("每个名称只能启用一个版本", "One release of each name judges"),
            )
        if package.kind in PACKS:
            found.packs[package.name] = package
        elif package.kind == "bundle":
            found.bundles[package.name] = known.get(package.sha256) or read_bundle(package)
    return found


def _content(parts: _Parts, overrides: Sequence[SiteOverrides], other: Content | None) -> Content:
    """``other``: where its networks are these very ones, its producers and packs serve here, too."""
    names = {**catalogue(), **parts.entries}
    beside = other if other is not None and list(other.bundles) == list(parts.bundles.values()) else None
    compiled = {} if beside is None else {pack.sha256: pack for pack in beside.rules.packs}
    packs = [compiled.get(one.sha256) or read_pack(one, names) for one in parts.packs.values()]
    rules, left_out = with_overrides(packs, names, overrides)
    if beside is not None:
        return replace(beside, rules=rules, trial=None, left_out=left_out)
    networks = Library(parts.bundles.values())
    doors = [SiteNetwork(bundle, bundle.door) for bundle in networks if bundle.door]
    of_sets = discover_sets(networks)
    return Content(discover(networks, doors), rules, networks, set_producers=of_sets, left_out=left_out)
