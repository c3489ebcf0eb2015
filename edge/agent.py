"""The agent: one process that owns the database and runs intake, judging, console, link and retention.

Any task that raises ends the agent. systemd starts it again, and the rows say where to go on: there is no
half-alive process.
"""

from __future__ import annotations

import asyncio
import shutil
import signal
import threading
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from importlib.metadata import version

import structlog

from capture.spool import Spool
from cloud_sync.kit.notify import notify, watchdog_interval_s
from cloud_sync.link.client import Link
from cloud_sync.link.ports import BirthFacts
from edge.clock import now_ms, synced
from edge.content.keeper import Keeper
from edge.enrol.folder import Folder
from edge.enrol.renewal import Renewal
from edge.enrol.through_broker import ThroughBroker
from edge.forward.onward import Onward
from edge.forward.status import status as forward_status
from edge.metrics import Metrics
from edge.overrides.in_force import Rulebook, site_packs
from edge.pausing import pause
from edge.pipeline import states
from edge.pipeline.announce import Announcer
from edge.pipeline.dispatch import Dispatch
from edge.pipeline.hearing import quiet_of
from edge.pipeline.intake import Intake
from edge.pipeline.patience import patiently
from edge.pipeline.report import Pseudonymizer, Reporter
from edge.pipeline.retention import Retention
from edge.pipeline.workers import Workers
from edge.pipeline.worklist import Worklist
from edge.server import ConsoleServer
from edge.services import LinkState, Services
from edge.settings import Settings
from edge.store import cases, content
from edge.store.blobs import Blobs
from edge.store.cases import TakenIn
from edge.store.database import Database
from edge.store.keys import pseudonym_key
from edge.store.outbox import Outbox

log = structlog.get_logger()
_PULSE_S = 5.0


async def run_agent(settings: Settings, at: Callable[[str], None] = lambda step: None) -> None:
    """Run until SIGTERM or SIGINT. ``at`` is the tests' crash hook.

    Raises:
        Misuse: another agent owns the database, or an address cannot be bound.
        QcError: even the content that ships does not load.
        ExceptionGroup: a task failed.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    db = Database(settings.database_path, at)
    try:
        agent = Agent(settings, db, at)
        try:
            await agent.run(stop)
        finally:
            await asyncio.to_thread(agent.workers.close)
    finally:
        await asyncio.to_thread(db.close)
    log.info("process.stopping")


class Agent:
    """The parts, put together."""

    def __init__(self, settings: Settings, db: Database, at: Callable[[str], None]) -> None:
        db.write(lambda connection: states.recover(connection, now_ms()))
        secret = settings.site.pseudonym_key
        key = pseudonym_key(settings.data_dir, secret.get_secret_value() if secret else None)
        outbox = Outbox(db)
        self._settings = settings
        self._told_link: LinkState = "off"
        self._link = Link(
            settings.link, outbox, settings.box, outbox.boot, self._birth_facts, at=at, hear=self._hear
        )
        self._services = Services(
            db=db,
            blobs=Blobs(settings.blobs_path),
            settings=settings,
            announcer=Announcer(),
            outbox=outbox,
            reporter=Reporter(settings.box, outbox.boot, Pseudonymizer(key)),
            metrics=Metrics(),
            worklist=Worklist(settings.worklist, settings.site.timezone),
            rulebook=Rulebook(db, settings.content_path),
            link_status=self._link_state,
        )
        self._services.blobs.clear_room()
        self._spool = Spool(settings.spool_path, settings.spool, at=at)
        self._onward = Onward(settings.forward, db, self._services.blobs, settings.wishes_path)
        self._intake = Intake(
            self._spool,
            db,
            self._services.blobs,
            self._services.metrics,
            quiet_of(settings.sets),
            self._taken,
            at,
            self._onward.admit,
        )
        self._keeper = Keeper(
            self._services, at, self._link.say, site_packs, offset=lambda: self._link.status().clock_offset_ms
        )
        self._services.rulebook.on_change(self._keeper.look)
        self._papers = ThroughBroker(
            lambda payload: self._link.say("papers", payload), lambda: self._link.status().connected
        )
        broker = self._papers if settings.link.enabled else None
        self._renewal = Renewal(Folder(settings.enrolment_path), settings.link, broker=broker)
        self.workers = Workers(settings.workers, self._keeper.boot(), self._keeper.suspect)
        self._dispatch = Dispatch(
            self._services, self.workers, settings.workers.count + 1, at, lambda: self._intake.all_since
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Everything at once, until ``stop``."""
        await self._keeper.start(self.workers, stop)
        console = ConsoleServer(self._services)
        parts: list[Coroutine[None, None, None]] = [
            console.run(stop),
            self._intake.run(stop),
            self._dispatch.run(stop),
            self._keeper.run(self.workers, stop),
            self._pulse(stop),
            self._sweep(stop),
            self._services.worklist.run(stop),
            self._onward.run(stop),
            self._renewal.run(stop),
        ]
        if self._settings.link.enabled:
            parts.append(self._talk(stop))
        async with asyncio.TaskGroup() as tasks:
            for part in parts:
                tasks.create_task(part)
            nudging = tasks.create_task(self._nudge())
            log.info("process.started", port=console.port, version=version("qcbox"))
            notify("READY=1")
            await stop.wait()
            notify("STOPPING=1")
            nudging.cancel()
            self._dispatch.wake()

    def _taken(self, taken: Sequence[TakenIn]) -> None:
        """New cases wake dispatch; the same bytes once more show the earlier verdict again."""
        self._dispatch.wake()
        again = [one.same_as for one in taken if one.same_as is not None]
        for earlier in self._services.db.read(lambda connection: cases.latest_alerts(connection, again)):
            self._services.announcer.announce("duplicate", earlier)

    async def _talk(self, stop: asyncio.Event) -> None:
        """The link in its own thread. On a full disk it cannot note what it sends, and waits."""
        ended = threading.Event()
        talking = asyncio.create_task(patiently(lambda: self._link.run(ended), stop))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({talking, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            ended.set()
            self._link.nudge()
            await talking

    async def _nudge(self) -> None:
        """Whatever is announced may have put an event into the outbox."""
        async for _ in self._services.announcer.subscribe():
            self._link.nudge()

    async def _pulse(self, stop: asyncio.Event) -> None:
        """Gauges, and systemd's watchdog: a loop that is stuck, or a database that does not answer, stops it."""
        period = min(_PULSE_S, watchdog_interval_s() or _PULSE_S)
        while not stop.is_set():
            await self._gauge()
            notify("WATCHDOG=1")
            await pause(stop, period)

    async def _gauge(self) -> None:
        metrics, services = self._services.metrics, self._services
        outbox = await asyncio.to_thread(services.outbox.status, now_ms())
        metrics.outbox_depth.set(outbox.depth)
        metrics.outbox_age.set(outbox.oldest_age_s)
        metrics.waiting.set(await services.db.aread(cases.waiting))
        for one in await services.db.aread(lambda connection: forward_status(connection, self._settings.forward)):
            metrics.forward_waiting.labels(one.name).set(one.waiting)
            metrics.forward_refused.labels(one.name).set(one.refused)
        metrics.disk_free.set(self._spool.free_bytes())
        state = self._link_state()
        metrics.link_connected.set(state == "connected")
        if state != self._told_link:
            self._told_link = state
            services.announcer.announce("link", 0)

    async def _sweep(self, stop: asyncio.Event) -> None:
        settings, services = self._settings, self._services
        reports = settings.link.enabled
        retention = Retention(services.db, services.blobs, services.outbox, settings.retention, reports=reports)
        while not stop.is_set():
            # Images go before reception has to stop: twice the room that the spool insists on.
            shortage = 2 * (settings.spool.min_free_mb << 20) - self._spool.free_bytes()
            await patiently(partial(retention.sweep, now_ms(), shortage), stop)
            await pause(stop, settings.retention.sweep_minutes * 60)

    def _hear(self, leaf: str, payload: bytes) -> None:
        if leaf == "papers":
            self._papers.hear(payload)
        else:
            self._keeper.hear(leaf, payload)

    def _link_state(self) -> LinkState:
        if not self._settings.link.enabled:
            return "off"
        status = self._link.status()
        if status.connected:
            return "connected"
        return "connecting" if status.problem == "connecting" else "lost"

    def _birth_facts(self) -> BirthFacts:
        disk = shutil.disk_usage(self._settings.data_dir)
        return BirthFacts(
            agent=version("qcbox"),
            site=self._settings.site.name,
            disk_pct=100 * disk.used / disk.total,
            clock_synced=synced() is True,
            packs=tuple((one.name, one.version, one.sha256) for one in self._keeper.account.running),
            kb_stale=self._services.db.read(content.notices).stale,
        )
