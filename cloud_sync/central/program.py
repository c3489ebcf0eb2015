"""The centre as one process: the ingest in a thread, the pages in the main one. Either ends with the other."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import structlog
import uvicorn

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.app import create_app, wall_ms
from cloud_sync.central.authoring import sweeping
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment.service import Enrolment, root_of
from cloud_sync.central.ingest import Ingest
from cloud_sync.central.pages.enrolment import Office
from cloud_sync.central.part import Part
from cloud_sync.central.rollout.director import Director
from cloud_sync.central.rollout.published import Published
from cloud_sync.central.rollout.scheduler import Scheduler
from cloud_sync.central.serving.answers import Answers
from cloud_sync.central.serving.repository_app import RepositoryApp
from cloud_sync.central.settings import CentralSettings
from cloud_sync.central.signing import online
from cloud_sync.kit import log as logs
from cloud_sync.kit.notify import notify, watchdog_interval_s
from cloud_sync.kit.serving import PatientProtocol

log = structlog.get_logger()


def run(settings: CentralSettings, at: Callable[[str], None] = lambda step: None) -> int:
    """Serve until SIGTERM or SIGINT; the exit status. ``at`` is called at the ingest's crash points.

    Raises:
        Misuse: the database or the address cannot be used.
    """
    logs.configure("central", settings.log_level)
    database = Database(settings.database_url)
    door = None
    if settings.enrolment.enabled:
        repository = settings.publishing.repository
        root, shelf = lambda: root_of(repository), RepositoryApp(repository)
        door = Enrolment(settings.enrolment, settings.broker, database, wall_ms, root, shelf)
    turned_away = door.turned_away if door else lambda box: None
    parts: list[Part] = [Director(database, wall_ms), Answers(settings.publishing.repository)]
    if door:
        parts.append(door.part)
    ingest = Ingest(settings.broker, settings.ingest, database, parts=parts, turned_away=turned_away, at=at)
    scheduler = Scheduler(
        database, settings.rollout, wall_ms, at=at,
        linked=lambda: ingest.status.since if ingest.status.connected else None,
        listed=Published(settings.publishing.repository),
    )  # fmt: skip
    app = create_app(
        settings.portal, database, lambda: ingest.status, publishing=settings.publishing,
        plan=settings.rollout.plan, office=Office(settings.enrolment, frozenset({settings.ingest.client_id})),
    )  # fmt: skip
    portal = settings.portal
    server = _Server(
        uvicorn.Config(
            app, host=portal.host, port=portal.port, http=PatientProtocol, log_config=None, access_log=False,
            server_header=False, timeout_graceful_shutdown=5,
        )
    )  # fmt: skip
    stop, failed = threading.Event(), threading.Event()

    def ask_to_end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_end)
    if door:
        door.start()
    tasks = [
        ("ingest", ingest.run), ("rollouts", scheduler.run),
        ("sweep", lambda stop: sweeping.run(database, wall_ms, stop)),
        *([("enrolment", door.run)] if door else []),
    ]  # fmt: skip
    workers = [_at_work(name, part, stop, failed, server) for name, part in tasks]
    online.start(settings.publishing, stop)
    threading.Thread(target=_keep_alive, args=(server, ingest, stop), name="watchdog", daemon=True).start()
    try:
        server.run()
    except SystemExit:
        raise Misuse(
            "portal.address",
            Bilingual("中心端页面的地址无法使用", "The address of the centre's pages cannot be used"),
            Bilingual(
                "检查 portal.host 与 portal.port，或停止占用该端口的程序",
                "Look at portal.host and portal.port, or stop what uses that port",
            ),
        ) from None
    finally:
        log.info("process.stopping")
        notify("STOPPING=1")
        stop.set()
        for worker in workers:
            worker.join()
        app.state.workshop.replayer.close()
        database.close()
    return 1 if failed.is_set() else 0


def _at_work(
    name: str, part: Callable[[threading.Event], None], stop: threading.Event, failed: threading.Event,
    server: uvicorn.Server,
) -> threading.Thread:  # fmt: skip
    """A part in a thread of its own, with which the server ends."""

    def work() -> None:
        try:
            part(stop)
        finally:
            # Unasked, it has failed: a centre that serves pages and takes nothing in must not look alive.
            if not stop.is_set():
                failed.set()
            server.should_exit = True

    thread = threading.Thread(target=work, name=name)
    thread.start()
    return thread


class _Server(uvicorn.Server):
    """uvicorn raises a signal again after it has served, which would end the process before the ingest."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are handled by ``run``."""
        yield


def _keep_alive(server: uvicorn.Server, ingest: Ingest, stop: threading.Event) -> None:
    """Tell systemd when pages are served, and as long as the ingest turns its loop."""
    while not server.started and not stop.is_set():
        time.sleep(0.05)
    notify("READY=1")
    log.info("process.started")
    interval = watchdog_interval_s()
    while interval and not stop.wait(interval):
        if time.monotonic() - ingest.turned_at < 10 * interval:
            notify("WATCHDOG=1")
