"""Real worker processes: a hang, a death and a hostile object cost only themselves."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pebble import ProcessExpired

from capture.acquisition import NoPixels
from capture.errors import Bug, SetAside
from edge.content.chosen import FACTORY
from edge.pipeline.work import Job, tidy
from edge.pipeline.workers import Workers
from edge.settings import WorkerSettings
from models.circumstances import Circumstances
from models.measurement import Measured, Measurement, NotMeasured, Reason
from tests.factories import arrival_of, dx, write


def job(path: Path, no_pixels: str | None = None) -> Job:
    return Job(path, arrival_of(path), Circumstances(received_at=0), "GB18030", no_pixels)


@pytest_asyncio.fixture
async def workers() -> AsyncIterator[Workers]:
    made = Workers(WorkerSettings(count=1, seconds=2), FACTORY)
    yield made
    await asyncio.to_thread(made.close)


@pytest.mark.slow
async def test_a_hang_and_a_death_leave_the_others_alone(workers: Workers, tmp_path: Path) -> None:
    assert await workers.ready()
    good = write(dx(), tmp_path / "good.dcm")
    # Else pebble gives it three seconds for its farewell, and every other worker has to wait for that.
    assert await workers._crew.run(signal.getsignal, signal.SIGTERM, 5) is signal.SIG_DFL
    assert await workers._crew.run(resource.getrlimit, resource.RLIMIT_CORE, 5) == (0, 0)  # it would hold an image
    outcome = await workers.judge(job(good))
    assert isinstance(outcome.acquisition.pixels, NoPixels)
    assert isinstance(outcome.preview, bytes) and outcome.preview[:2] == b"\xff\xd8"
    assert outcome.circumstances.device_key
    assert [timing.stage for timing in outcome.verdict.timings][:4] == ["read", "measure", "rules", "preview"]

    endless = tmp_path / "endless.dcm"
    os.mkfifo(endless)
    hanging = asyncio.create_task(workers.judge(job_of_fifo(endless, good)))
    with pytest.raises(TimeoutError):
        await hanging
    assert (await workers.judge(job(good))).verdict.score == outcome.verdict.score

    dying = asyncio.create_task(workers.judge(job_of_fifo(endless, good)))
    await asyncio.sleep(0.5)
    for child in children(os.getpid()):
        os.kill(child, signal.SIGKILL)
    with pytest.raises((ProcessExpired, TimeoutError)):
        await dying
    assert (await workers.judge(job(good))).verdict.score == outcome.verdict.score

    with pytest.raises(SetAside):
        await workers.judge(job(write_text(tmp_path / "text.dcm")))


async def test_a_pool_that_stopped_is_no_images_fault(tmp_path: Path) -> None:
    workers = Workers(WorkerSettings(count=1), FACTORY)
    workers.close()
    with pytest.raises(Bug, match=r"worker\.pool"):
        await workers.judge(job(write(dx(), tmp_path / "good.dcm")))


def job_of_fifo(path: Path, known: Path) -> Job:
    """Opening a FIFO that nobody writes to never returns."""
    return Job(path, arrival_of(known), Circumstances(received_at=0), "GB18030")


def write_text(path: Path) -> Path:
    path.write_text("no DICOM")
    return path


def children(parent: int) -> list[int]:
    """Worker processes of this one, by their command line."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
            command = status.with_name("cmdline").read_text()
        except OSError:
            continue
        if f"PPid:\t{parent}\n" in text and "spawn_main" in command:
            found.append(int(status.parent.name))
    return found


def test_a_number_that_is_not_finite_is_no_measurement() -> None:
    facts: list[Measured] = [
        Measurement("a.b", float("nan")),
        Measurement("a.c", 1.0),
        NotMeasured("a.d", Reason.NO_PIXELS),
    ]
    nan, one, none = tidy(facts)
    assert nan == NotMeasured("a.b", Reason.NOT_RELIABLE, "not a finite number")
    assert [one, none] == facts[1:]
