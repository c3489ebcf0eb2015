"""A full disk is no reason to lose anything or to fall over: wait, say so, try again."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import OperationalError

from edge.pausing import pause

T = TypeVar("T")
log = structlog.get_logger()

_FULL = {errno.ENOSPC, errno.EDQUOT}
_PAUSE_S = 5.0


async def patiently(step: Callable[[], T], stop: asyncio.Event, pause_s: float = _PAUSE_S) -> T | None:
    """Run ``step`` in a thread until it succeeds; None when ``stop`` is set while the disk is still full."""
    while True:
        try:
            return await asyncio.to_thread(step)
        except (OSError, OperationalError) as error:
            if not disk_full(error):
                raise
        log.error("spool.low", where="store")
        await pause(stop, pause_s)
        if stop.is_set():
            return None


def disk_full(error: OSError | OperationalError) -> bool:
    """Whether this is a full disk, as the system or SQLite says it."""
    if isinstance(error, OSError):
        return error.errno in _FULL
    return "disk is full" in str(error.orig)
