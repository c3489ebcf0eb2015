"""Which release of a name a box shall run, from the rollouts and from what the box has said. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from cloud_sync.central.rollout.declining import Declined, name_of
from cloud_sync.central.rollout.terms import ACTIVE, FAILED, OPEN, Plan, RolloutState
from cloud_sync.updates.terms import Audience, Target
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.words import ContentState


@dataclass(frozen=True, slots=True)
class Release:
    """One rollout as far as it decides what boxes run."""

    rollout: int
    target: Target
    plan: Plan
    state: RolloutState
    wave: int
    """The last wave that has started."""
    members: Mapping[str, int]
    """Box to wave. Only needed while the rollout is open."""

    def reaches(self, box: str) -> bool:
        """Whether the box's turn has come."""
        return self.members.get(box, self.wave + 1) <= self.wave


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """What a box is. ``states``: by sha256, how far each release has come on it."""

    name: str
    groups: frozenset[str]
    modalities: frozenset[str]
    """Of what it has judged; empty: not known."""
    states: Mapping[str, ContentState]
    revoked: bool = False
    declined: Mapping[str, Declined] = field(default_factory=dict)
    """By sha256."""


def fits(audience: Audience, groups: Collection[str], modalities: Collection[str]) -> bool:
    """Whether a release may be meant for a box. A box that has judged nothing yet may be of any modality."""
    if audience.groups and not set(audience.groups) & set(groups):
        return False
    return not audience.modalities or not modalities or bool(set(audience.modalities) & set(modalities))


def choose(box: BoxFacts, newest_first: Sequence[Release]) -> Release | None:
    """The release of one name that the box shall run; None: whatever it runs.

    A box never hears of a release older than one that it has active, and never again of one that failed on it.
    What is not active yet is taken back when its rollout stops.
    """
    for one in newest_first:
        state = box.states.get(one.target.sha256)
        if state in ACTIVE:
            return None if one.state is RolloutState.CANCELLED else one
        if state not in FAILED and _offered(box, one):
            return one
    return None


def _offered(box: BoxFacts, one: Release) -> bool:
    if one.state is RolloutState.COMPLETED:
        return fits(one.target.audience, box.groups, box.modalities)
    return one.state in OPEN and one.state is not RolloutState.PAUSED and one.reaches(box.name)


def newest_first(releases: Collection[Release]) -> dict[str, list[Release]]:
    """By name, names in order: what ``choose`` looks through."""
    found: dict[str, list[Release]] = {}
    for one in sorted(releases, key=lambda one: (one.target.release, one.rollout), reverse=True):
        found.setdefault(one.target.name, []).append(one)
    return dict(sorted(found.items()))


def wanted(box: BoxFacts, by_name: Mapping[str, Sequence[Release]], now: int) -> tuple[Wanted, ...]:
    """All that the box shall run at ``now`` (UTC milliseconds), by name; nothing for one whose certificate was
    revoked."""
    if box.revoked:
        return ()
    chosen = [choose(box, releases) for releases in by_name.values()]
    return tuple(_said(one, tries(box, one, now)) for one in chosen if one is not None)


def tries(box: BoxFacts, one: Release, now: int) -> int:
    """How often the box is to be asked for a release by now: once more than it has declined, when that is due."""
    said = box.declined.get(one.target.sha256)
    if said is None:
        return 1
    waits = box.states.get(one.target.sha256) is ContentState.REJECTED and now < said.again_at(one.plan)
    return said.times if waits else said.times + 1


def _said(one: Release, tries: int) -> Wanted:
    return Wanted(
        name=one.target.name, version=one.target.version, path=one.target.path, sha256=one.target.sha256,
        length=one.target.length, rollout=name_of(one.rollout, tries), shadow_images=one.plan.shadow_images,
        probation_images=one.plan.probation_images, probation_s=one.plan.probation_s,
    )  # fmt: skip
