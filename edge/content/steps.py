"""The way of a release to its activation. Each step may be done again after a crash in its middle."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection

from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.terms import Untrusted
from cloud_sync.wire.words import ContentState
from edge.clock import now_ms
from edge.content import fetching
from edge.content.about import About
from edge.content.chosen import Chosen, Held, Slot
from edge.content.fetching import Meant, Unfetched
from edge.content.machine import Machine
from edge.content.proving import Proof, Prover, Question
from edge.content.trusting import trust_of
from edge.pipeline.patience import patiently
from edge.settings import Settings
from edge.store import content, content_watch
from edge.store.content import ON_ITS_WAY, Release
from edge.store.database import Database

T = TypeVar("T")
_S = ContentState
_LONGEST_S = 600.0


class Steps:
    """Carries releases from assigned to shadow or probation. Needs no worker: it also runs without the agent."""

    def __init__(
        self, settings: Settings, db: Database, machine: Machine, mqtt: Fetcher | None,
        choose: Callable[[Connection], Chosen], at: Callable[[str], None] = lambda step: None,
        wall: Callable[[], int] = now_ms,
        proof: Callable[[Question], Awaitable[Proof]] | None = None,
    ) -> None:  # fmt: skip
        """``choose``: what judges by the rows; ``at``: crash hook; ``proof``: for another self-test."""
        self._settings, self._db, self._machine, self._mqtt = settings, db, machine, mqtt
        self._choose, self._at, self._wall, self._proof = choose, at, wall, proof or Prover().prove
        self._waits: dict[int, tuple[int, float]] = {}
        """By release: how often it had to wait, and until when."""
        self._sticks: tuple[Path, ...] = ()

    def at_once(self) -> None:
        """Whatever waits for another try is tried now."""
        self._waits.clear()

    def look_into(self, folder: Path) -> None:
        """A folder that somebody named is a way to content, too."""
        self._sticks = (folder, *(one for one in self._sticks if one != folder))

    def ways(self, stop: asyncio.Event) -> tuple[Fetcher, ...]:
        """Everything that may have it, until ``stop``."""
        found = (*map(FromFolder, self._sticks), *fetching.ways(self._settings, self._mqtt))
        return tuple(fetching.Until(one, stop.is_set) for one in found)

    async def carry(self, stop: asyncio.Event, states: Sequence[ContentState] = ON_ITS_WAY) -> bool:
        """Take every release as far as it goes now; whether any moved."""
        moved = False
        for one in await self._db.aread(lambda connection: content.releases(connection, ON_ITS_WAY)):
            if one.state in states and time.monotonic() >= self._waits.get(one.id, (0, 0.0))[1]:
                moved |= await self._step(one, stop)
        return moved

    async def activate(self, release: Release, stop: asyncio.Event) -> bool:
        """In force by one transaction, if the signed list of this moment has it. The workers follow."""
        trust = trust_of(self._settings.content_path, self._wall)
        try:
            await asyncio.to_thread(trust.check, release.sha256, release.length, None)
            as_of = await asyncio.to_thread(trust.now)
        except Untrusted as error:
            return await self._stays(release, fetching.unfetched(error), stop)
        except OSError as error:
            return await self._stays(release, fetching.disk_trouble(error), stop)

        def store(connection: Connection) -> bool:
            if not _still(connection, release):
                return False
            self._machine.activate(connection, release, as_of, content_watch.latest(connection), now_ms())
            return True

        return await self._write(store, stop)

    async def _step(self, release: Release, stop: asyncio.Event) -> bool:
        steps = {
            _S.ASSIGNED: self._fetch, _S.STAGED: self._verify, _S.VERIFIED: self._test, _S.TESTED: self._try,
        }  # fmt: skip
        step = steps.get(release.state)
        try:
            return step is not None and await step(release, stop)
        except Unfetched as error:
            return await self._stays(release, error, stop)
        except OSError as error:
            return await self._stays(release, fetching.disk_trouble(error), stop)

    async def _fetch(self, release: Release, stop: asyncio.Event) -> bool:
        folder, meant, highest = self._settings.content_path, await self._meant(), await self._highest(release)
        least = self._settings.spool.min_free_mb << 20
        trust = trust_of(folder, self._wall)
        await asyncio.to_thread(fetching.stage, trust, self.ways(stop), folder, release, meant, highest, least)
        self._at("content.downloaded")
        return await self._move(release, _S.STAGED, stop, error_code="", error_detail="")

    async def _verify(self, release: Release, stop: asyncio.Event) -> bool:
        folder, meant, highest = self._settings.content_path, await self._meant(), await self._highest(release)
        trust = trust_of(folder, self._wall)
        package, target = await asyncio.to_thread(fetching.verify, trust, folder, release, meant, highest)
        about = About.of(package, target).model_dump_json()
        return await self._move(
            release,
            _S.VERIFIED,
            stop,
            release=target.release,
            about=about,
            error_code="",
            error_detail="",
            tries=0,
        )

    async def _test(self, release: Release, stop: asyncio.Event) -> bool:
        if await self._db.aread(lambda connection: _waits_for_a_network(connection, release)):
            return False
        now = await self._db.aread(self._choose)
        held = replace(release.held, as_of=None)
        content_settings = self._settings.content
        question = Question(
            with_active(now, held), release.name, content_settings.selftest_s, content_settings.selftest_mb
        )
        proof = await self._proof(question)
        self._at("content.proved")
        if proof.holds:
            return await self._move(release, _S.TESTED, stop)
        if fetching.fate_of(proof.code) == "later":
            raise Unfetched(proof.code, proof.detail, "later")
        return await self._move(
            release, _S.FAILED_SELFTEST, stop, error_code=proof.code, error_detail=proof.detail
        )

    async def _try(self, release: Release, stop: asyncio.Event) -> bool:
        if not release.shadow_images:
            return await self.activate(release, stop)
        as_of = trust_of(self._settings.content_path, self._wall).now()

        def store(connection: Connection) -> bool:
            if not _still(connection, release):
                return False
            after = content_watch.latest(connection)
            self._machine.move(connection, release, _S.SHADOW, now_ms(), active_at=as_of, from_verdict=after)
            return True

        return await self._write(store, stop)

    async def _stays(self, release: Release, why: Unfetched, stop: asyncio.Event) -> bool:
        """It goes no further now, or never."""
        lost = why.fate == "again" and release.tries + 1 >= self._settings.content.tries
        if why.fate == "rejected" or why.fate == "failed" or lost:
            new = _S.REJECTED if why.fate == "rejected" else _S.FAILED_VERIFY
            return await self._move(release, new, stop, error_code=why.code, error_detail=why.detail)
        waited = self._waits.get(release.id, (0, 0.0))[0]
        wait = min(self._settings.content.retry_s * 2 ** min(waited, 10), _LONGEST_S)
        self._waits[release.id] = waited + 1, time.monotonic() + wait

        def note(connection: Connection) -> bool:
            if _still(connection, release):
                tries = release.tries + (why.fate == "again")
                self._machine.trouble(connection, release, tries, why.code, why.detail, now_ms())
            return False

        return await self._write(note, stop)

    async def _move(self, release: Release, new: ContentState, stop: asyncio.Event, /, **columns: object) -> bool:
        def store(connection: Connection) -> bool:
            # The centre may have changed its mind meanwhile.
            if not _still(connection, release):
                return False
            self._machine.move(connection, release, new, now_ms(), **columns)
            return True

        return await self._write(store, stop)

    async def _write(self, store: Callable[[Connection], bool], stop: asyncio.Event) -> bool:
        return bool(await patiently(lambda: self._db.write(store), stop))

    async def _highest(self, release: Release) -> int:
        return (await self._db.aread(lambda connection: content.slot(connection, release.name))).highest

    async def _meant(self) -> Meant:
        return meant(self._settings, await self._db.aread(lambda connection: content.told(connection, "groups")))


def meant(settings: Settings, told: str | None) -> Meant:
    """Whom the box takes content for. ``told``: the groups that the centre said, a line each."""
    groups = settings.content.groups or tuple((told or "").split("\n"))
    return Meant(groups, settings.content.modalities, version("qcbox"))


def with_active(chosen: Chosen, held: Held) -> Chosen:
    """``chosen`` as it would be with this package in force, and nothing on trial."""
    others = tuple(slot for slot in chosen.slots if slot.name != held.name)
    return replace(chosen, slots=(*others, Slot(held.name, held)), trial=())


def _still(connection: Connection, release: Release) -> bool:
    return content.release(connection, release.id).state is release.state


def _waits_for_a_network(connection: Connection, release: Release) -> bool:
    """Rules may speak of what a network measures that comes with them: networks go first."""
    about = About.model_validate_json(release.about or "{}")
    return about.kind != "bundle" and any(
        one.about is not None and About.model_validate_json(one.about).kind == "bundle"
        for one in content.releases(connection, ON_ITS_WAY)
    )
