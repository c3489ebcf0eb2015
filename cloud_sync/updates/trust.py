"""What a box believes: The Update Framework, with a floor under the clock, an audience and a release counter.

Metadata and releases may come from anywhere (``Fetcher``); nothing that comes is believed for where it came from.
What was believed once is checked again whenever content is loaded, without a network, from the pinned root down.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.updater import Updater

from cloud_sync.updates import keep
from cloud_sync.updates.chain import Chain, anchor, follow, moment, signed_list, signers
from cloud_sync.updates.clock import Floor
from cloud_sync.updates.download import fetch_target
from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.listing import target_path
from cloud_sync.updates.refusals import untrusted
from cloud_sync.updates.terms import Area, Target, Untrusted
from cloud_sync.updates.watched import Watched

_LIMITS = UpdaterConfig(
    max_root_rotations=64, root_max_length=64_000, snapshot_max_length=256_000, targets_max_length=2_000_000
)
"""Bytes; several times what a repository of thousands of releases needs. They bound how long an attacker who sends
just fast enough (``fetcher.LEAST_BYTES_PER_S``) can hold an update up."""
_SET_BACK_MS = 24 * 3600 * 1000
_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9})*")


@dataclass(frozen=True, slots=True)
class Standing:
    """How the trust of a box stands. Times are UTC milliseconds; None: nothing was ever verified."""

    root: int | None = None
    """Version of the root that it was verified by."""
    issued: int | None = None
    """When the newest metadata was signed."""
    expires: int | None = None
    """When it ends."""
    stale: Untrusted | None = None
    """Why nothing new can be activated now (``no_root``, ``expired``, ``clock``, ...); what runs goes on."""
    behind_ms: int = 0
    """How far the clock of the box is behind a time that was signed."""


class Trust:
    """Of one box in one QC group. Reading is free of side effects and may be done in any process."""

    def __init__(self, folder: Path, root: bytes | None, *, wall: Callable[[], int], built: int) -> None:
        """``folder`` is its own, made when needed. ``root``: the group's root metadata as the box got it in person
        (enrolment, engineer); None: no group yet. ``wall`` gives UTC milliseconds, ``built`` is when the program
        was made."""
        self._root, self._wall = root, wall
        self._keep = keep.Keep(folder)
        self._floor = Floor(folder / "floor.json", wall, built)

    def refresh(self, fetcher: Fetcher) -> Standing:
        """Bring the metadata up to date; blocks for as long as the fetcher does.

        Raises Untrusted (codes: ``refusals.REASONS``; a disk of the box that fails is ``download``); what was
        believed is believed on.
        """
        root = self._pinned()
        try:
            return self._refresh(root, fetcher)
        except OSError as error:
            raise Untrusted("download", f"disk: {errno.errorcode.get(error.errno or 0, '')}") from error

    def _refresh(self, root: bytes, fetcher: Fetcher) -> Standing:
        with self._keep.alone():
            before = self._seen()
            at = self._now(before, root)
            watched = Watched(fetcher)
            with self._keep.bench(before.seen) as bench:
                try:
                    self._update(bench, watched, root, at)
                    chain = follow(keep.on(bench), root, at)
                except (RepositoryError, DownloadError, Untrusted) as error:
                    self._store(before, replace(before, seen=keep.on(bench)))
                    raise self._or_clock(untrusted(error, watched.asked, watched.came), at) from error
                files = keep.on(bench)
            self._floor.saw(chain.issued, chain.anchor.version, chain.anchor.timestamp_keys)
            self._store(before, keep.Kept(files, files))
        return self._standing(chain)

    def listed(self) -> tuple[Target, ...]:
        """All releases that may be activated now, from disk. Raises Untrusted, also for a list out of date."""
        return self._chain(None).targets

    def check(self, sha256: str, length: int, as_of: int | None = None) -> Target:
        """The release that these bytes are, from disk: what the loader asks at every start of a process.

        ``as_of``: when it was activated (``now()`` then). It has to be listed still, but the list may have run out
        since: judging goes on. None: it shall be activated now.
        Raises Untrusted: ``not_listed`` also for what was withdrawn.
        """
        same = [one for one in self._chain(as_of).targets if one.sha256 == sha256 and one.length == length]
        if not same:
            raise Untrusted("not_listed")
        return max(same, key=lambda one: one.release)

    def fetch(self, target: Target, fetcher: Fetcher, out: Path) -> None:
        """Bring a release's file to ``out``, whole and as signed; until then it is ``out`` + ``.part``.

        Raises Untrusted: ``download``, ``slow`` (call again, it goes on); ``length``, ``hash`` (thrown away).
        OSError: the box's own disk fails.
        """
        fetch_target(target, fetcher, out)

    @staticmethod
    def fits(
        target: Target, groups: Collection[str], modalities: Collection[str], agent: str, highest_release: int
    ) -> None:
        """Whether a signed release is for this box now. Raises Untrusted ``audience``, ``min_agent``, ``release``.

        ``highest_release``: of its name, ever activated here (0: none); the same one again is no step back.
        """
        for meant, own in ((target.audience.groups, groups), (target.audience.modalities, modalities)):
            if meant and set(meant).isdisjoint(own):
                raise Untrusted("audience", target.path)
        if target.min_agent and _version(agent) < _version(target.min_agent):
            raise Untrusted("min_agent", f"{target.path} needs {target.min_agent}")
        if target.release < highest_release:
            raise Untrusted("release", f"{target.path}: {target.release} after {highest_release}")

    def now(self) -> int:
        """UTC milliseconds, not before any signed time that was seen: note it as the time of an activation."""
        return self._wall() if self._root is None else self._now(self._seen(), self._root)

    def standing(self) -> Standing:
        """For the console and the birth message; raises nothing."""
        try:
            root = self._pinned()
            return self._standing(follow(self._keep.read().whole, root, 0))
        except Untrusted as error:
            return Standing(stale=error)

    def signers(self) -> dict[str, tuple[str, ...]]:
        """For the console, by sha256 of each release: the people whose signatures vouch for the list that names it
        now. Empty where nothing is believed; raises nothing."""
        try:
            return signers(self._keep.read().whole, self._pinned())
        except Untrusted:
            return {}

    def _pinned(self) -> bytes:
        if self._root is None:
            raise Untrusted("no_root")
        return self._root

    def _seen(self) -> keep.Kept:
        """What was kept. A file that cannot be read is as good as none: nothing is believed by it, and the next
        update writes it anew."""
        try:
            return self._keep.read()
        except Untrusted:
            return keep.Kept()

    def _now(self, kept: keep.Kept, root: bytes) -> int:
        known = anchor(kept.seen, root)
        return self._floor.now(known.version, known.timestamp_keys)

    def _chain(self, as_of: int | None) -> Chain:
        root = self._pinned()
        kept = self._keep.read()
        if as_of is not None:
            return follow(kept.whole, root, as_of)
        now = self._now(kept, root)
        try:
            return follow(kept.whole, root, now)
        except Untrusted as error:
            raise self._or_clock(error, now) from error

    def _or_clock(self, error: Untrusted, at: int) -> Untrusted:
        """Expired only because the floor stood against a clock that was set back: say so."""
        set_back = error.code == "expired" and at - self._wall() > _SET_BACK_MS
        return Untrusted("clock", error.detail) if set_back else error

    def _standing(self, chain: Chain) -> Standing:
        now = self.now()
        stale = self._or_clock(Untrusted("expired"), now) if now > chain.expires else None
        return Standing(chain.anchor.version, chain.issued, chain.expires, stale, max(0, now - self._wall()))

    def _store(self, before: keep.Kept, after: keep.Kept) -> None:
        if after != before:
            self._keep.write(after)

    @staticmethod
    def _update(bench: Path, fetcher: Watched, root: bytes, at: int) -> None:
        updater = Updater(str(bench), "metadata/", fetcher=fetcher, config=_LIMITS, bootstrap=root)
        # tuf has no other way to be told the time; the tests of a frozen repository see that it obeys.
        updater._trusted_set.reference_time = moment(at)
        updater.refresh()
        delegations, published = updater._trusted_set.targets.delegations, updater._trusted_set.snapshot.meta
        for area in get_args(Area):
            path = target_path(area, "any", 1)
            roles = [role for role, _ in delegations.get_roles_for_target(path)] if delegations else []
            # A role that has published nothing yet is in no snapshot: the walk would end there with an error.
            if all(f"{role}.json" in published for role in roles):
                # Brings the metadata of everybody who may answer for the area.
                updater.get_targetinfo(path)


def factory_check(root: bytes, targets: bytes) -> Callable[[str, int], Target]:
    """The same question for what ships with the program: hash and length to what was signed at its making.

    Raises Untrusted at once when the list is not what the root vouches for; the answer raises ``not_listed``.
    """
    listed = {(one.sha256, one.length): one for one in signed_list(root, targets)}

    def check(sha256: str, length: int) -> Target:
        found = listed.get((sha256, length))
        if found is None:
            raise Untrusted("not_listed")
        return found

    return check


def _version(text: str) -> tuple[int, ...]:
    """The numbers a version begins with; 0.6 is 0.6.0. Raises Untrusted ``min_agent`` for one without."""
    match = _NUMBERS.match(text)
    if match is None:
        raise Untrusted("min_agent", "not a version")
    numbers = [int(part) for part in match[0].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
