"""Fulfils what people wish for on the command line of a running box."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from sqlalchemy import Connection

from cloud_sync.updates.terms import Target, Untrusted
from cloud_sync.wire.control import Wanted
from edge.clock import now_ms
from edge.content.asking import Ask, asked
from edge.content.fetching import Unfetched, disk_trouble, refresh
from edge.content.machine import Machine
from edge.content.steps import Steps, meant
from edge.content.trusting import trust_of
from edge.pipeline.patience import patiently
from edge.settings import Settings
from edge.store import audit, content
from edge.store.database import Database

log = structlog.get_logger()


class Wishes:
    """The wishes in the folder of content."""

    def __init__(self, folder: Path, db: Database, machine: Machine, steps: Steps, settings: Settings) -> None:
        self._folder, self._db, self._machine, self._steps, self._settings = folder, db, machine, steps, settings

    async def fulfil(self, stop: asyncio.Event) -> bool:
        """All that wait; whether there were any."""
        found = list(asked(self._folder))
        for path, wish in found:
            if wish.do == "roll_back":
                await patiently(lambda wish=wish: self._db.write(lambda c: self._roll_back(c, wish)), stop)  # type: ignore[misc]
            else:
                await self._fetch(wish, stop)
            path.unlink(missing_ok=True)
        return bool(found)

    def _roll_back(self, connection: Connection, wish: Ask) -> None:
        if not take_back(connection, self._machine, wish.name, now_ms()):
            log.warning("content.refused", content=wish.name, code="content.not_active")
            return
        audit.add(connection, now_ms(), None, "content.rolled_back", wish.name, f"{wish.who}: {wish.reason}")

    async def _fetch(self, wish: Ask, stop: asyncio.Event) -> None:
        """Everything new that is signed for this box is assigned to it."""
        if wish.folder:
            self._steps.look_into(Path(wish.folder))
        trust = trust_of(self._folder)
        try:
            await asyncio.to_thread(refresh, trust, self._steps.ways(stop))
            listed = await asyncio.to_thread(trust.listed)
        except (Unfetched, Untrusted) as error:
            log.warning("content.refused", code=error.code)
            return
        except OSError as error:
            log.warning("content.refused", code=disk_trouble(error).code)
            return
        await patiently(lambda: self._db.write(lambda c: self._assign(c, listed)), stop)

    def _assign(self, connection: Connection, listed: tuple[Target, ...]) -> None:
        """The newest release of each name, where it is newer than what was ever active."""
        whom = meant(self._settings, content.told(connection, "groups"))
        newest: dict[str, Target] = {}
        for target in listed:
            highest = max(content.slot(connection, target.name).highest, _release_of(newest, target.name))
            try:
                whom.check(target, highest + 1)
            except Untrusted:
                continue
            newest[target.name] = target
        for one in newest.values():
            wanted = Wanted(
                name=one.name, version=one.version, path=one.path, sha256=one.sha256, length=one.length
            )
            self._machine.assign(connection, wanted, now_ms())


def take_back(connection: Connection, machine: Machine, name: str, now: int) -> bool:
    """A person takes back what judges under a name; why, is in the audit log only. False: nothing of the group's
    does."""
    active = content.slot(connection, name).active
    if active is None:
        return False
    machine.roll_back(connection, active, "content.person", "", now)
    return True


def _release_of(newest: dict[str, Target], name: str) -> int:
    found = newest.get(name)
    return found.release if found else 0
