"""The agent as one process: everything starts, works together, ends when asked, and ends as a whole."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
import urllib.request
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from capture.errors import Misuse
from capture.spool import Spool
from cloud_sync.link.client import Link
from edge.agent import run_agent
from edge.pipeline.retention import Retention, Swept
from edge.settings import Settings
from edge.store.database import Database
from edge.store.schema import case
from tests.factories import dx, write
from tests.peers import free_port, wait_until


def settings(folder: Path, port: int, **sections: object) -> Settings:
    base: dict[str, object] = {
        "box": "box-1",
        "data_dir": folder / "box",
        "console": {"port": port},
        "spool": {"min_free_mb": 1},
        "workers": {"count": 1},
        "link": {"port": 1, "reconnect_first_s": 0.05, "reconnect_most_s": 0.1},
    }
    return Settings.model_validate({**base, **sections})


def get(port: int, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        return str(answer.read().decode())


def answers(port: int) -> bool:
    try:
        return "true" in get(port, "/healthz")
    except OSError:
        return False


# pynetdicom leaves a socket that was refused to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
async def test_it_judges_shows_and_ends_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = tmp_path / "systemd"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(heard))
        monkeypatch.setenv("NOTIFY_SOCKET", str(heard))
        port = free_port()
        away = {"name": "away", "host": "127.0.0.1", "port": 1, "ae_title": "AWAY"}
        chosen = settings(tmp_path, port, forward={"destinations": [away]})
        spool = Spool(chosen.spool_path, chosen.spool)
        content = write(dx(), tmp_path / "dx.dcm").read_bytes()
        for _ in range(2):
            with spool.receive(kind="dicom", source="dicom", calling_ae="M") as incoming:
                incoming.write(content)
                incoming.commit(time.time_ns() // 1_000_000)
        running = asyncio.create_task(run_agent(chosen))
        await asyncio.to_thread(wait_until, lambda: running.done() or answers(port), "the console")
        ended = 'qcbox_stage_seconds_count{stage="total"} 1.0'
        await asyncio.to_thread(wait_until, lambda: ended in get(port, "/metrics"), "the verdict")
        await asyncio.to_thread(wait_until, lambda: "qcbox_outbox_depth 1.0" in get(port, "/metrics"), "the gauge")
        gauge = 'qcbox_forward_waiting{queue="away"} 1.0'
        await asyncio.to_thread(wait_until, lambda: gauge in get(port, "/metrics"), "what has to go on")
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        said = systemd.recv(64)
        assert said in (b"READY=1", b"WATCHDOG=1")
    db = Database(chosen.database_path)
    states = db.read(lambda c: sorted(c.scalars(select(case.c.state))))
    db.close()
    assert states == ["duplicate", "judged"]


@pytest.mark.slow
async def test_a_part_that_fails_ends_the_agent(tmp_path: Path) -> None:
    port = free_port()
    chosen = settings(tmp_path, port, link={"enabled": False})
    running = asyncio.create_task(run_agent(chosen))
    await asyncio.to_thread(wait_until, lambda: running.done() or answers(port), "the console")
    journal = chosen.spool_path / "journal"
    journal.rename(journal.with_name("gone"))
    with pytest.raises(ExceptionGroup) as failed:
        await running
    assert failed.group_contains(FileNotFoundError)
    Database(chosen.database_path).close()


async def test_an_address_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        chosen = settings(tmp_path, taken.getsockname()[1])
        with pytest.raises(Misuse, match=r"console\.address"):
            await run_agent(chosen)


@pytest.mark.slow
async def test_a_full_disk_does_not_end_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the link nor retention, which write by themselves; both go on once there is room."""
    told: list[str] = []

    def full_once(part: str) -> None:
        told.append(part)
        if told.count(part) == 1:
            raise OperationalError("update", {}, Exception("database or disk is full"))

    def talk(self: Link, stop: threading.Event) -> None:
        full_once("link")
        stop.wait()

    def sweep(self: Retention, now: int, shortage: int = 0) -> Swept:
        full_once("retention")
        return Swept(0, 0)

    monkeypatch.setattr(Link, "run", talk)
    monkeypatch.setattr(Retention, "sweep", sweep)
    port = free_port()
    running = asyncio.create_task(run_agent(settings(tmp_path, port)))
    await asyncio.to_thread(wait_until, lambda: running.done() or len(told) >= 4, "both tried again")
    os.kill(os.getpid(), signal.SIGTERM)
    await running
    assert sorted(told) == ["link", "link", "retention", "retention"]
