"""The reading process of the teaching page: started when asked, ended when idle, no loss when it dies."""

import asyncio
import os
from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest

from capture.errors import Misuse
from capture.screen.ocr.settings import ReadingSettings
from edge.reading import SpawnedReading


@pytest.fixture
async def reading() -> AsyncIterator[SpawnedReading]:
    made = SpawnedReading(ReadingSettings(), idle_s=0.2)
    yield made
    await made.close()


def still(frames: int) -> list[bytes]:
    grey = np.full((540, 960, 3), 40, np.uint8)
    return [cv2.imencode(".png", grey)[1].tobytes()] * frames


def _die(settings: ReadingSettings) -> None:
    os._exit(9)


def _who(settings: ReadingSettings) -> int:
    return os.getpid()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_one_process_answers_and_ends_when_idle(reading: SpawnedReading) -> None:
    first, _ = await asyncio.gather(reading._run(_who), reading.moving(still(3)))
    assert first != os.getpid() and await reading.moving(still(3)) is None
    for _ in range(300):
        if not _alive(first):
            break
        await asyncio.sleep(0.1)
    assert not _alive(first)
    assert await reading._run(_who) != first


async def test_a_process_that_dies_is_said_and_replaced(reading: SpawnedReading) -> None:
    with pytest.raises(Misuse, match=r"reading\.failed"):
        await reading._run(_die)
    assert await reading.moving(still(3)) is None


async def test_closing_ends_it_at_once_and_twice_is_harmless(reading: SpawnedReading) -> None:
    pid = await reading._run(_who)
    await reading.close()
    await reading.close()
    assert not _alive(pid)
