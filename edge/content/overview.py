"""Signed content as the console shows it: what judges, from whom, what is on its way, what changed."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from capture.errors import Misuse
from cloud_sync.wire.words import ContentState
from edge.content.about import About
from edge.content.chosen import Held
from edge.content.loading import Refused, factory_packages, read
from edge.content.trusting import trust_of
from edge.store import content, content_watch
from edge.store.content import ON_ITS_WAY, Release, SlotRow, Step
from models.content.manifest import PACKS
from models.content.package import Package
from models.rules.difference import Change, RuleChange, head_changes, override_changes, rule_changes
from models.rules.reading import HEAD, RULES, read_head, read_rules

_ENDED_BADLY = (
    ContentState.REJECTED, ContentState.FAILED_VERIFY, ContentState.FAILED_SELFTEST, ContentState.ROLLED_BACK,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A release, and what its package says of itself if it was ever opened."""

    release: Release
    about: About | None


@dataclass(frozen=True, slots=True)
class Shipped:
    """One package that ships with the program."""

    name: str
    version: int
    sha256: str
    about: About


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything on one page."""

    active: tuple[Shown, ...]
    under_way: tuple[Shown, ...]
    """On their way, and those that the last attempt of a name ended badly with."""
    shipped: tuple[Shipped, ...]
    """Of names that have nothing active in their slot."""


@dataclass(frozen=True, slots=True)
class Differences:
    """From what stands before to what is looked at."""

    before: str
    """Version, or empty: there was nothing."""
    head: tuple[Change, ...] = ()
    rules: tuple[RuleChange, ...] = ()
    unread: str = ""
    """Code of why it cannot be said."""


@functools.cache
def shipped() -> tuple[Shipped, ...]:
    """The factory set. Takes a second the first time."""
    return tuple(
        Shipped(one.name, one.version, one.sha256, About.of_package(one, release=0)) for one in factory_packages()
    )


def overview(connection: Connection, ships: tuple[Shipped, ...]) -> Overview:
    """What the rows say now."""
    slots = content.slots(connection)
    active = tuple(shown(slot.active) for slot in slots if slot.active is not None)
    taken = {one.release.name for one in active}
    latest = {one.name: one for one in content.releases(connection)}
    way = tuple(shown(one) for one in latest.values() if one.state in (*ON_ITS_WAY, *_ENDED_BADLY))
    return Overview(active, way, tuple(one for one in ships if one.name not in taken))


def of_name(
    connection: Connection, name: str
) -> tuple[SlotRow, tuple[Shown, ...], tuple[tuple[Release, Step], ...]]:
    """Slot, releases and history of one name, newest first."""
    releases = [shown(one) for one in content.releases(connection) if one.name == name]
    return content.slot(connection, name), tuple(reversed(releases)), content.history(connection, name)


def beside(connection: Connection, releases: Sequence[Shown]) -> content_watch.Differences | None:
    """What the newest release changes in the shadow, if that is where it is or was last."""
    if not releases or releases[0].release.from_verdict is None:
        return None
    newest = releases[0].release
    if newest.state is ContentState.SHADOW:
        return content_watch.differences(connection, newest.from_verdict or 0)
    report = json.loads(newest.report or "{}").get("shadow")
    return content_watch.Differences(**{**report, "cases": tuple(report["cases"])}) if report else None


def shown(release: Release) -> Shown:
    return Shown(release, About.model_validate_json(release.about) if release.about else None)


def differences(folder: Path, now: Held, before: Held | None) -> Differences:
    """Rule by rule, from the release before (or what ships under the name) to ``now``. Reads and verifies both."""
    trust = trust_of(folder)
    try:
        new = read(folder, now, trust.check)[0]
        old = read(folder, before, trust.check)[0] if before else _shipped_as(new.name)
    except Refused as refused:
        return Differences("", unread=refused.code)
    return _between(old, new)


def _shipped_as(name: str) -> Package | None:
    return next((one for one in factory_packages() if one.name == name), None)


def _between(old: Package | None, new: Package) -> Differences:
    before = "" if old is None else str(old.version)
    if new.kind not in PACKS or (old is not None and old.kind not in PACKS):
        return Differences(before)
    try:
        head, rules = read_head(new.files[HEAD], new.name), read_rules(new.files[RULES], new.name)
        was = read_rules(old.files[RULES], new.name) if old else None
        changed_head = head_changes(read_head(old.files[HEAD], new.name), head) if old else ()
    except Misuse as error:
        return Differences(before, unread=error.code)
    return Differences(
        before,
        changed_head,
        (
            *rule_changes(was.rule if was else (), rules.rule),
            *override_changes(was.override if was else (), rules.override),
        ),
    )
