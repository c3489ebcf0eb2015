"""The changes in force as the packs that judge: one for the hospital, one for each device and person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from capture.errors import Misuse
from edge.store.overrides import SiteOverride
from models.content.overrides import SiteOverrides, fitting
from models.rules.pack import RuleSet, merge
from models.rules.schema import Scope


def packs_of(changes: Iterable[SiteOverride]) -> tuple[SiteOverrides, ...]:
    """Changes by layer and subject. Their version is the number of the newest change."""
    packs: dict[tuple[str, str], SiteOverrides] = {}
    for one in sorted(changes, key=lambda one: (one.layer, one.subject, one.change.rule)):
        key = one.layer, one.subject
        pack = packs.get(key) or SiteOverrides(_name(one), 1, one.layer, (), _scope(one))
        packs[key] = replace(pack, version=max(pack.version, one.id), overrides=(*pack.overrides, one.change))
    return tuple(packs.values())


def check(rules: RuleSet, changes: Iterable[SiteOverride]) -> None:
    """Whether the layers above allow all of it.

    Args:
        rules: those in force without changes of the site.
        changes: what would be in force.

    Raises:
        Misuse: ``pack.override.*``: an unknown rule or limit, out of bounds, a veto made milder.
    """
    _, left_out = fitting(rules.packs, packs_of(changes))
    for one in left_out:
        raise one.why


def left_out(rules: RuleSet, changes: Iterable[SiteOverride]) -> dict[int, Misuse]:
    """Changes that a newer release no longer allows, by their number, and why: they do not judge."""
    kept = tuple(changes)
    _, out = fitting(rules.packs, packs_of(kept))
    why = {(one.name, one.override.rule): one.why for one in out}
    return {one.id: why[key] for one in kept if (key := (_name(one), one.change.rule)) in why}


def rules_with(rules: RuleSet, changes: Iterable[SiteOverride]) -> RuleSet:
    """The rules as they would judge with these changes. Raises as :func:`check`."""
    check(rules, changes := tuple(changes))
    return merge(rules.packs, rules.names, [one.pack for one in packs_of(changes)])


def _name(one: SiteOverride) -> str:
    kind = {"L4": "hospital", "L5": "device", "L6": "person"}[one.layer]
    return f"site-{kind}-{one.subject}".strip("-")[:60]


def _scope(one: SiteOverride) -> Scope:
    if one.layer == "L5":
        return Scope(level=_ANY_LEVEL, device_key=(one.subject,))
    if one.layer == "L6":
        return Scope(level=_ANY_LEVEL, person_key=(one.subject,))
    return Scope(level=_ANY_LEVEL)


_ANY_LEVEL = ("image", "series", "study")
