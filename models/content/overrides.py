"""A site's own changes of rules: a pack made of data, for the site's layers only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from capture.errors import Misuse
from capture.text import Bilingual
from models.rules.layers import check_authority
from models.rules.pack import RulePack
from models.rules.schema import CasesFile, OverrideSpec, Scope

SiteLayer = Literal["L4", "L5", "L6"]
_EVERYTHING = Scope()
_TITLE = Bilingual("本院调整", "Changed by this site")


@dataclass(frozen=True, slots=True)
class SiteOverrides:
    """What a site changed for one scope. A hospital is L4, a device or protocol L5, a person L6."""

    name: str
    """A pack's name (``[a-z0-9-]``), of no pack that is in force; one for each layer and scope."""
    version: int
    """Counts up with each change; verdicts name it."""
    layer: SiteLayer
    overrides: tuple[OverrideSpec, ...]
    scope: Scope = _EVERYTHING
    title: Bilingual = _TITLE
    authors: tuple[str, ...] = ()

    def __hash__(self) -> int:
        return hash(self.sha256)  # the changes hold dictionaries

    @property
    def sha256(self) -> str:
        """Over what it says; equal for equal changes."""
        said = {
            "name": self.name,
            "version": self.version,
            "layer": self.layer,
            "scope": self.scope.model_dump(mode="json", exclude_defaults=True),
            "override": [one.model_dump(mode="json", exclude_unset=True) for one in self.overrides],
        }
        return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()

    @property
    def pack(self) -> RulePack:
        """As the pack that judges. It has no rules and no cases."""
        return RulePack(
            name=self.name,
            version=self.version,
            layer=self.layer,
            title=self.title,
            note=self.title,
            authors=self.authors,
            scope=self.scope,
            rules=(),
            overrides=self.overrides,
            cases=CasesFile(),
            sha256=self.sha256,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One change that the packs in force do not allow (any more): the rule is gone, or its bounds moved."""

    name: str
    """Of the :class:`SiteOverrides`."""
    override: OverrideSpec
    why: Misuse


def fitting(
    packs: Sequence[RulePack], overrides: Iterable[SiteOverrides]
) -> tuple[tuple[SiteOverrides, ...], tuple[LeftOut, ...]]:
    """Those changes that the packs allow, and those that they do not.

    A release of an upper layer is not held up by what a site said before it: the upper layer wins, and the site is
    told what was left out.
    """
    kept: list[SiteOverrides] = []
    out: list[LeftOut] = []
    for one in sorted(overrides, key=lambda one: (one.layer, one.name)):
        allowed: tuple[OverrideSpec, ...] = ()
        for change in one.overrides:
            try:
                check_authority([*packs, *(other.pack for other in kept), replace(one, overrides=(change,)).pack])
                allowed += (change,)
            except Misuse as why:
                out.append(LeftOut(one.name, change, why))
        if allowed:
            kept.append(replace(one, overrides=allowed))
    return tuple(kept), tuple(out)
