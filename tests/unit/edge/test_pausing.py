"""A pause ends by its event, by its time and by a cancel, and tells which."""

from __future__ import annotations

import asyncio

import pytest

from edge.pausing import pause


async def test_by_its_time() -> None:
    assert await pause(asyncio.Event(), 0.01) is False
    assert await pause(asyncio.Event(), 0.0) is False


async def test_by_its_event() -> None:
    event = asyncio.Event()
    asyncio.get_running_loop().call_soon(event.set)
    assert await pause(event, 60.0) is True


async def test_a_cancel_is_heard_in_the_very_turn_of_the_event() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(pause(event, 60.0))
    await asyncio.sleep(0.01)
    event.set()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
