"""Watches releases in shadow and in probation, and ends their time: committed, or taken back."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Collection
from dataclasses import asdict

import structlog
from sqlalchemy import Connection

from cloud_sync.wire.words import ContentState
from edge.clock import now_ms
from edge.content.chosen import Chosen
from edge.content.machine import Machine
from edge.content.probation import CRASHES_WITHIN_MS, Harm, harm
from edge.content.settings import ContentSettings
from edge.pipeline.patience import patiently
from edge.store import content, content_watch
from edge.store.content import Release
from edge.store.content_watch import Numbers
from edge.store.database import Database

_S = ContentState
log = structlog.get_logger()
_NOTE_MS = 10_000
"""How much watching a power cut may forget."""


class Watch:
    """Looks every few seconds."""

    def __init__(self, db: Database, machine: Machine, settings: ContentSettings) -> None:
        self._db, self._machine, self._settings = db, machine, settings
        self._looked = time.monotonic()
        self._unnoted_ms = 0.0
        self._before: dict[int, tuple[str | None, Numbers]] = {}
        self._awaited: dict[int, frozenset[str]] = {}
        """By release that has its numbers: the cases that had been begun by then and have not ended since."""

    async def look(self, running: Collection[str], stop: asyncio.Event) -> tuple[Release, ...]:
        """Take back or commit what has to be; return those in shadow whose time has come to judge.

        ``running``: hashes of what the workers judge with; nothing is proven before it runs.
        """
        watched = await self._db.aread(self._watched)
        spent = self._spent_ms()
        ripe = []
        for one in watched:
            if one.state is _S.SHADOW:
                if await patiently(lambda one=one: self._db.write(lambda c: self._shadow(c, one)), stop):  # type: ignore[misc]
                    ripe.append(one)
            elif one.state is _S.COMMITTED:
                await patiently(lambda one=one: self._db.write(lambda c: self._late(c, one)), stop)  # type: ignore[misc]
            elif one.sha256 in running:
                await patiently(lambda one=one: self._probation(one, spent), stop)  # type: ignore[misc]
        return tuple(ripe)

    def _spent_ms(self) -> int:
        """Since the last time that was noted; 0 until there is enough of it."""
        now = time.monotonic()
        self._unnoted_ms += 1000 * (now - self._looked)
        self._looked = now
        if self._unnoted_ms < _NOTE_MS:
            return 0
        spent, self._unnoted_ms = int(self._unnoted_ms), 0.0
        return spent

    def _shadow(self, connection: Connection, release: Release) -> bool:
        """Whether it has judged beside for long enough."""
        after = release.from_verdict or 0
        crashes = _crashes(connection, release)
        if crashes >= self._settings.crashes:
            why = f"{crashes} in 10 min"
            self._machine.roll_back(connection, release, "probation.crashes", why, now_ms())
            return False
        if content_watch.in_shadow(connection, after) < release.shadow_images:
            return False
        if release.report is None:
            report = asdict(content_watch.differences(connection, after))
            content.change(connection, release.id, report=json.dumps({"shadow": report}))
        return True

    def _probation(self, release: Release, spent_ms: int) -> None:
        """Reads first: a look that finds nothing writes nothing."""
        watched_ms = release.watched_ms + spent_ms
        found, now = self._db.read(lambda connection: self._harm(connection, release))
        proven = now.images >= release.probation_images or watched_ms >= 1000 * release.probation_s
        proven = proven and self._is_unawaited(release)

        def store(connection: Connection) -> None:
            current = content.release(connection, release.id)
            if current.state is not _S.PROBATION:
                return
            if found is not None:
                self._machine.roll_back(connection, current, found.code, found.detail, now_ms())
            elif proven:
                self._machine.commit(
                    connection, current, now_ms(), report=_report(current, now), watched_ms=watched_ms
                )
            else:
                content.change(connection, release.id, watched_ms=watched_ms)

        if found is not None or proven or spent_ms:
            self._db.write(store)

    def _is_unawaited(self, release: Release) -> bool:
        """Whether every case has ended that was begun before the release had its numbers: one that hangs is slower
        than those beside it, by whose verdicts alone it must not be committed.

        True one look after the last of them ended: what they cost is noted between two looks. What waits for its
        disk is not awaited, and a worker's time is limited: nothing else keeps a release here but a full disk,
        which nothing could be written to anyway.
        """
        begun = self._db.read(content_watch.begun)
        awaited = self._awaited.get(release.id)
        if awaited is not None and not awaited:
            return True
        if awaited is None and begun:
            log.info("content.awaits", content=release.name, version=release.version, count=len(begun))
        self._awaited[release.id] = begun if awaited is None else awaited & begun
        return False

    def _watched(self, connection: Connection) -> tuple[Release, ...]:
        """Those whose time it is, and those whose time is over that do harm all the same: images that were begun
        before the end, or such as had not come by then, can cost workers their lives as well."""
        late = (
            row.active
            for row in content.slots(connection)
            if row.active is not None
            and row.active.state is _S.COMMITTED
            and _crashes(connection, row.active) >= self._settings.crashes
        )
        return (*content.releases(connection, (_S.SHADOW, _S.PROBATION)), *late)

    def _late(self, connection: Connection, release: Release) -> None:
        active = content.slot(connection, release.name).active
        if active is not None and active.id == release.id and active.state is _S.COMMITTED:
            said = f"{_crashes(connection, release)} in 10 min"
            self._machine.roll_back(connection, active, "probation.crashes", said, now_ms())

    def _harm(self, connection: Connection, release: Release) -> tuple[Harm | None, Numbers]:
        name, before = self._usual(connection, release)
        after = release.from_verdict or 0
        own = content_watch.since(connection, after, release.sha256)
        now = own if name else content_watch.since(connection, after)
        crashes, boots = _crashes(connection, release), content.faults(connection, release.id, "boot")
        return harm(now, before, crashes, boots, self._settings), own

    def _usual(self, connection: Connection, release: Release) -> tuple[str | None, Numbers]:
        """Of the images that content of this name spoke of; of all, where it is new."""
        if release.id not in self._before:
            name: str | None = release.name
            before = content_watch.week_before(connection, release.from_verdict or 0, name)
            if before.images < self._settings.least_images:
                name, before = None, content_watch.week_before(connection, release.from_verdict or 0)
            self._before[release.id] = name, before
        return self._before[release.id]


def note_crash(connection: Connection, chosen: Chosen, now: int) -> None:
    """An image cost a worker its life, and was judged by the content before."""
    suspects = chosen.suspects()
    for one in content.releases(connection, (_S.SHADOW, _S.PROBATION, _S.COMMITTED)):
        if one.sha256 in suspects:
            content.fault(connection, one.id, "worker", now)


def _crashes(connection: Connection, release: Release) -> int:
    return content.faults(connection, release.id, "worker", now_ms() - CRASHES_WITHIN_MS)


def _report(release: Release, now: Numbers) -> str:
    return json.dumps({**json.loads(release.report or "{}"), "probation": asdict(now)})
