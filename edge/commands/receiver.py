"""What the receiving processes have in common: a spool made whole again, one source, and a clean end."""

from __future__ import annotations

import signal
import threading

import structlog

from capture.source import InputSource
from capture.spool import Spool
from cloud_sync.kit.notify import notify

log = structlog.get_logger()


def run_source(source: InputSource, spool: Spool, stop: threading.Event) -> None:
    """Recover the spool, then receive until ``stop``. Raises Misuse when the source cannot begin."""
    removed = spool.recover()
    if removed:
        log.warning("spool.recovered", count=removed)
    source.run(spool, stop)
    notify("STOPPING=1")


def alive() -> None:
    """For systemd's watchdog; a source calls it in its loop."""
    notify("WATCHDOG=1")


def stop_on_signals() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
