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
from cloud_sync.central.app import create_app
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import Ingest
from cloud_sync.central.settings import CentralSettings
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
    ingest = Ingest(settings.broker, settings.ingest, database, at=at)
    app = create_app(settings.portal, database, lambda: ingest.status)
    portal = settings.portal
    server = _Server(
        uvicorn.Config(
            app, host=portal.host, port=portal.port, http=PatientProtocol, log_config=None, access_log=False,
            server_header=False, timeout_graceful_shutdown=5,
        )
    )  # fmt: skip
    stop, failed = threading.Event(), threading.Event()

    def take_in() -> None:
        try:
            ingest.run(stop)
        finally:
            # Unasked, it has failed: a centre that serves pages and takes nothing in must not look alive.
            if not stop.is_set():
                failed.set()
            server.should_exit = True

    def ask_to_end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask_to_end)
    worker = threading.Thread(target=take_in, name="ingest")
    worker.start()
    threading.Thread(target=_keep_alive, args=(server, ingest, stop), name="watchdog", daemon=True).start()
    try:
        server.run()
    except SystemExit:
        raise Misuse(
            "portal.address",
            Bilingual("中心端页面的地址无法使用", "The address of the centre's pages cannot be used"),
            Bilingual(
                "检查 portal.host 与 portal.port, 或停止占用该端口的程序",
                "Look at portal.host and portal.port, or stop what uses that port",
            ),
        ) from None
    finally:
        log.info("process.stopping")
        notify("STOPPING=1")
        stop.set()
        worker.join()
        database.close()
    return 1 if failed.is_set() else 0


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
