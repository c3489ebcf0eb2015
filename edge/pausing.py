"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def pause(event: asyncio.Event, seconds: float) -> bool:
    """Wait until ``event`` is set or the time is over; whether it is set.

    Not by ``asyncio.wait_for``: up to Python 3.11 it forgets that its task was cancelled if the event is set in
    the same turn of the loop (https://github.com/python/cpython/issues/86296): whoever waits in a loop never ends.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()
