"""Rule packs of packages as one set, with what a site changed. Free of networks: the centre uses it, too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from models.catalogue import Entry, catalogue
from models.content.manifest import PACKS
from models.content.overrides import LeftOut, SiteOverrides, fitting
from models.content.package import Package
from models.rules.pack import RulePack, RuleSet, merge, read_pack


def rule_set(packages: Iterable[Package], names: Mapping[str, Entry] | None = None) -> RuleSet:
    """The packs among these packages, compiled and proven by their cases; packages of other kinds are passed over.

    Args:
        packages: signed, or drafts.
        names: the catalogue to check against; the product's own unless given.

    Raises:
        capture.errors.Misuse: a pack does not compile, two are in each other's way, or a case does not hold.
    """
    known = catalogue() if names is None else names
    return merge([read_pack(one, known) for one in packages if one.kind in PACKS], known)


def with_overrides(
    packs: Iterable[RulePack], names: Mapping[str, Entry], overrides: Iterable[SiteOverrides]
) -> tuple[RuleSet, tuple[LeftOut, ...]]:
    """Packs with a site's changes, and those changes that the packs do not allow.

    Raises:
        capture.errors.Misuse: the packs themselves do not fit together.
    """
    signed = sorted(packs, key=lambda pack: (pack.layer, pack.name))
    kept, out = fitting(signed, overrides)
    return merge(signed, names, [one.pack for one in kept]), out
