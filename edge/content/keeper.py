"""The keeper of content: hears what is wanted, has it carried, keeps the workers on what the rows say, watches.

Two tasks, so that a slow download never keeps a bad release in force: ``Steps`` carries, the keeper watches. Only
the keeper changes the workers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.over_mqtt import OverMqtt
from cloud_sync.updates.terms import Untrusted
from cloud_sync.wire.codec import WireError, decode
from cloud_sync.wire.control import Desired
from edge.clock import now_ms
from edge.content import falling, templates, watching
from edge.content.chosen import Chosen
from edge.content.fetching import Unfetched, disk_trouble, refresh, sweep
from edge.content.loading import Account, Fallen, learn_names
from edge.content.machine import Machine
from edge.content.overhearing import Wishes
from edge.content.proving import Prover
from edge.content.steps import Steps
from edge.content.trusting import trust_of
from edge.pausing import pause
from edge.pipeline.patience import patiently
from edge.pipeline.workers import Unready
from edge.services import Services
from edge.store import content
from models.content.overrides import SiteOverrides

T = TypeVar("T")
log = structlog.get_logger()
_LOOK_S = 2.0
_STANDING_S = 60.0
_AWAY = ("trust.download", "trust.slow", "trust.no_root", "content.no_way")


class Judges(Protocol):
    """What the keeper needs of :class:`edge.pipeline.workers.Workers`."""

    @property
    def chosen(self) -> Chosen: ...

    async def ready(self) -> Account: ...

    async def switch(self, chosen: Chosen) -> Account: ...


class Keeper:
    """One per agent. ``boot``, then ``start``, then ``run``."""

    def __init__(
        self, services: Services, at: Callable[[str], None], say: Callable[[str, bytes], None],
        overrides: Callable[[Connection], tuple[SiteOverrides, ...]] = lambda connection: (),
        wall: Callable[[], int] = now_ms, offset: Callable[[], int | None] = lambda: None,
        prover: Prover | None = None,
    ) -> None:  # fmt: skip
        """``offset``: the centre's clock minus ours, in milliseconds, if it has said anything; ``prover``: another
        than the real one.

        ``say``: a message on ``up/...``; ``overrides``: the site's own changes; ``at``: the crash hook."""
        self._services, self._overrides, self._wall, self._offset = services, overrides, wall, offset
        settings, self._db = services.settings, services.db
        self._settings, self._folder = settings, settings.content_path
        self._machine = Machine(services.outbox, services.reporter, at)
        self._mqtt = OverMqtt(lambda payload: say("fetch", payload))
        self._prover = prover or Prover()
        self._steps = Steps(
            settings, self._db, self._machine, self._mqtt, self._choose, at, wall, self._prover.prove
        )
        self._watch = watching.Watch(self._db, self._machine, settings.content)
        self._wishes = Wishes(self._folder, self._db, self._machine, self._steps, settings)
        self._heard: list[Desired] = []
        self._suspected: list[Chosen] = []
        self._work, self._look = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._check_at = self._stood = float("-inf")
        self._told = False
        """The centre said something new, and the list has not been looked at since."""
        self._refused = ""
        """Why what is signed could not be renewed, if that is more than a way that is closed."""
        self.account = Account(())
        """What judges now."""

    def boot(self) -> Chosen:
        """Before the workers start: what they shall judge with, by the rows. The database is ours by now."""
        return self._db.write(lambda connection: falling.boot(connection, self._machine, self._choose, now_ms()))

    def suspect(self, chosen: Chosen) -> None:
        """An image was too much under content that is not proven, and was judged without it."""
        self._suspected.append(chosen)
        self._look.set()

    def look(self) -> None:
        """Something changed in the rows: look now. From the agent's own loop."""
        self._look.set()

    def hear(self, leaf: str, payload: bytes) -> None:
        """From the link's thread: what the centre wants, or a piece of a file."""
        if leaf == "chunk":
            self._mqtt.hear(payload)
            return
        try:
            desired = decode(payload, Desired)
        except WireError as error:
            log.warning("link.misread", code=error.code)
            return
        with suppress(RuntimeError):  # the agent has ended
            self._loop.call_soon_threadsafe(self._want, desired)

    async def start(self, workers: Judges, stop: asyncio.Event) -> None:
        """Wait until the workers judge. What they cannot run falls first.

        Raises:
            QcError: even what ships does not load.
        """
        try:
            account = await workers.ready()
        except Unready:
            chosen = workers.chosen
            all_of_it = tuple(slot.active.sha256 for slot in chosen.slots if slot.active)
            if not await self._give_up(chosen.suspects() or all_of_it, stop):
                raise
        else:
            await self._settle(account, workers.chosen, stop)
        await self.bring_in_force(workers, stop)

    async def run(self, workers: Judges, stop: asyncio.Event) -> None:
        """Until ``stop``; then says that the end was a clean one."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._carry(stop))
                tasks.create_task(self._keep(workers, stop))
                await stop.wait()
                # At once: whatever still takes its time may be cut off, and that is no crash.
                await self._write(falling.leave, stop)
        finally:
            await self._prover.end()

    async def bring_in_force(self, workers: Judges, stop: asyncio.Event) -> None:
        """Have the workers judge with what the rows say."""
        while not stop.is_set():
            wanted = await self._db.aread(self._choose)
            if workers.chosen == wanted:
                return
            try:
                account = await workers.switch(wanted)
            except Unready:
                if not await self._give_up(wanted.suspects(), stop):
                    # Nothing new is to blame. What judges now goes on, and it is tried again.
                    log.error("content.fell", code="content.unready")
                    return
                continue
            if not await self._settle(account, wanted, stop):
                return

    async def _settle(self, account: Account, chosen: Chosen, stop: asyncio.Event) -> bool:
        """Note what runs, and in the rows what could not; whether they changed."""
        self.account = account
        await asyncio.to_thread(learn_names, chosen, account)
        screens = tuple(screen.name for screen in self._settings.screens)
        await asyncio.to_thread(templates.follow, self._settings.screens_path, screens, chosen, account)
        if not account.fallen:
            return False
        return await self._fall(account.fallen, stop)

    async def _give_up(self, hashes: Sequence[str], stop: asyncio.Event) -> bool:
        """Workers end before their first image: these releases go. Whether there were any."""
        return await self._fall(tuple(Fallen("", one, "content.unready") for one in hashes), stop)

    async def _fall(self, fallen: tuple[Fallen, ...], stop: asyncio.Event) -> bool:
        for one in fallen:
            log.error("content.fell", content=one.name, code=one.code)
        return bool(
            await self._write(lambda connection: falling.fall(connection, self._machine, fallen, now_ms()), stop)
        )

    async def _keep(self, workers: Judges, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._look.clear()
            await self._obey(stop)
            suspected, self._suspected = self._suspected, []
            for one in suspected:
                await self._write(lambda c, one=one: watching.note_crash(c, one, now_ms()), stop)  # type: ignore[misc]
            await self.bring_in_force(workers, stop)
            for ripe in await self._watch.look({one.sha256 for one in self.account.running}, stop):
                if await self._steps.activate(ripe, stop):
                    self._look.set()
            await self._prover.rest()
            await pause(self._look, 0 if stop.is_set() else _LOOK_S)

    async def _carry(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            self._work.clear()
            await self._check(stop)
            while await self._steps.carry(stop) and not stop.is_set():
                self._look.set()
            await pause(self._work, 0 if stop.is_set() else _LOOK_S)

    async def _obey(self, stop: asyncio.Event) -> None:
        """What the centre and people want."""
        heard, self._heard = self._heard, []
        for desired in heard:
            if await self._write(lambda c, d=desired: self._machine.desire(c, d, now_ms()), stop):  # type: ignore[misc]
                # It may be because something was withdrawn. Only the signed list can say so.
                self._check_at, self._told = float("-inf"), True
                self._work.set()
                await self._prover.expect()
            elif stop.is_set():
                return
        if heard:
            self._steps.at_once()
            self._work.set()
        if await self._wishes.fulfil(stop):
            self._steps.at_once()
            self._work.set()
            await self._prover.expect()

    def _want(self, desired: Desired) -> None:
        self._heard.append(desired)
        self._look.set()

    async def _check(self, stop: asyncio.Event) -> None:
        """Now and then: is what runs still listed, and is the list still young?"""
        now, ways = time.monotonic(), self._steps.ways(stop)
        if now >= self._check_at and ways:
            self._check_at, self._stood = now + 60 * self._settings.content.check_minutes, float("-inf")
            told, self._told = self._told, False
            keep = await self._db.aread(content.kept)
            withdrawn = await asyncio.to_thread(self._renew, ways, keep, told)
            if withdrawn and await self._fall(withdrawn, stop):
                self._look.set()
        if now >= self._stood + _STANDING_S:
            self._stood = now
            standing = await asyncio.to_thread(trust_of(self._folder, self._wall).standing)
            refused, offset = self._refused, self._offset()
            await self._write(lambda connection: falling.stand(connection, standing, refused, offset), stop)

    def _renew(self, ways: Sequence[Fetcher], keep: Collection[str], told: bool) -> tuple[Fallen, ...]:
        """Bring the list up to date, and the disk; return what runs and is listed no more. What the centre
        ``told`` is looked for again within the minute, when nobody could be asked; the disk can wait then."""
        if not self._refresh(ways) and told:
            self._told, self._check_at = True, min(self._check_at, time.monotonic() + _STANDING_S)
        with suppress(OSError):
            if not told:
                sweep(self._folder, keep)
            return self._withdrawn()
        return ()

    def _refresh(self, ways: Sequence[Fetcher]) -> bool:
        """Whether the list is up to date now."""
        try:
            refresh(trust_of(self._folder, self._wall), ways)
            self._refused = ""
            return True
        except Unfetched as error:
            self._refused = "" if error.code in _AWAY else error.code
        except OSError as error:
            self._refused = disk_trouble(error).code
        return False

    def _withdrawn(self) -> tuple[Fallen, ...]:
        """Releases in force that the list does not name any more."""
        trust = trust_of(self._folder, self._wall)
        found = []
        for row in self._db.read(content.slots):
            if row.active is not None:
                try:
                    trust.check(row.active.sha256, row.active.length, row.active.active_at)
                except Untrusted as error:
                    if error.code == "not_listed":
                        found.append(Fallen(row.name, row.active.sha256, f"trust.{error.code}", error.detail))
        return tuple(found)

    def _choose(self, connection: Connection) -> Chosen:
        return content.chosen(connection, Chosen(self._folder, overrides=self._overrides(connection)))

    async def _write(self, fn: Callable[[Connection], T], stop: asyncio.Event) -> T | None:
        return await patiently(lambda: self._db.write(fn), stop)
