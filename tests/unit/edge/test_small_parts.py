"""Announcements, systemd's socket, metrics, the clock, patience with a full disk, the command line."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from cloud_sync.kit.notify import notify, watchdog_interval_s
from cloud_sync.kit.terminal import language
from edge.cli import COMMANDS, build
from edge.clock import now_ms, synced
from edge.metrics import STAGES, Metrics
from edge.pipeline.announce import Announcement, Announcer
from edge.pipeline.patience import patiently
from models.rules.verdict import Timing
from tests.unit.edge.box import make_box


async def test_everybody_hears_and_who_lags_keeps_the_newest() -> None:
    announcer = Announcer()
    quick, slow = announcer.subscribe(), announcer.subscribe()
    hearing = [asyncio.ensure_future(anext(one)) for one in (quick, slow)]
    await asyncio.sleep(0)
    announcer.announce("alert", 1)
    assert [await one for one in hearing] == [Announcement("alert", 1)] * 2
    for number in range(2, 1000):
        announcer.announce("alert", number)
    seen = [(await anext(slow)).id for _ in range(256)]
    assert seen == list(range(744, 1000))
    await slow.aclose()
    announcer.announce("alert", 1000)
    assert (await anext(quick)).id >= 2


def test_systemd_hears_us(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notify("READY=1")
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(str(path))
        monkeypatch.setenv("NOTIFY_SOCKET", str(path))
        notify("READY=1")
        assert server.recv(64) == b"READY=1"


def test_the_watchdog_is_for_the_process_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watchdog_interval_s() is None
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert watchdog_interval_s() == 15
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid() + 1))
    assert watchdog_interval_s() is None


def test_metrics_count_stages_and_not_producers() -> None:
    metrics = Metrics()
    metrics.stages([Timing("read", 250), Timing("noise/1", 9)])
    text = metrics.text().decode()
    assert 'qcbox_stage_seconds_sum{stage="read"} 0.25' in text
    assert "noise" not in text
    assert len(STAGES) == len(set(STAGES))


def test_the_clock() -> None:
    assert now_ms() > 1_700_000_000_000
    assert synced() in (True, False, None)


def full_disk(times: int, error: Exception) -> Callable[[], str]:
    left = [times]

    def step() -> str:
        if left[0]:
            left[0] -= 1
            raise error
        return "stored"

    return step


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "full"),
        OperationalError("insert", {}, Exception("database or disk is full")),
    ],
)
async def test_a_full_disk_is_waited_for(error: Exception) -> None:
    assert await patiently(full_disk(2, error), asyncio.Event(), pause_s=0.01) == "stored"
    stop = asyncio.Event()
    stop.set()
    assert await patiently(full_disk(2, error), stop, pause_s=0.01) is None


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "broken"), OperationalError("insert", {}, Exception("disk I/O error"))]
)
async def test_a_broken_disk_is_not_waited_for(error: Exception) -> None:
    with pytest.raises(type(error)):
        await patiently(full_disk(1, error), asyncio.Event(), pause_s=0.01)


def test_every_command_can_be_asked_for_help() -> None:
    said = CliRunner().invoke(build(list(COMMANDS)), ["--help"])
    assert said.exit_code == 0
    assert all(name in said.output for name in COMMANDS)


@pytest.mark.parametrize(("locale", "spoken"), [("zh_CN.UTF-8", "zh"), ("de_DE", "en"), ("", "en")])
def test_the_language_of_the_terminal(monkeypatch: pytest.MonkeyPatch, locale: str, spoken: str) -> None:
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", locale)
    assert language() == spoken


def qcbox(*arguments: str, locale: str = "C") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": locale, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-m", "edge", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_misuse_is_said_in_words_and_ends_with_2(tmp_path: Path) -> None:
    path = tmp_path / "qcbox.toml"
    path.write_text("[site]\nnam = 1\n")
    said = qcbox("config", "check", "--config", str(path), locale="zh_CN.UTF-8")
    assert said.returncode == 2
    assert "没有名为 site.nam 的配置项" in said.stderr and "Traceback" not in said.stderr


@pytest.mark.slow
def test_an_agent_that_cannot_begin_says_so_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        path = tmp_path / "qcbox.toml"
        path.write_text(f'data_dir = "{tmp_path / "box"}"\n[console]\nport = {taken.getsockname()[1]}\n')
        said = qcbox("agent", "--config", str(path))
    assert said.returncode == 2
    assert "console.address" in said.stderr and "Traceback" not in said.stderr


def test_the_configuration_is_shown_without_its_secrets(tmp_path: Path) -> None:
    path = tmp_path / "qcbox.toml"
    path.write_text('box = "b-1"\n[site]\npseudonym_key = "hush"\n')
    runner = CliRunner()
    said = runner.invoke(build(["config"]), ["config", "show", "--config", str(path)])
    assert json.loads(said.output)["box"] == "b-1"
    assert "hush" not in said.output
    assert runner.invoke(build(["config"]), ["config", "check", "--config", str(path)]).output == "OK\n"


def test_backup_and_restore_from_the_command_line(tmp_path: Path) -> None:
    make_box(tmp_path / "box").db.close()
    for name in ("box", "new"):
        (tmp_path / f"{name}.toml").write_text(f'data_dir = "{tmp_path / name}"\n')
    made = qcbox("backup", str(tmp_path / "backup"), "--config", str(tmp_path / "box.toml"))
    assert json.loads(made.stdout)["missing"] == 0
    assert '"event": "backup.made"' in made.stderr
    back = qcbox("restore", str(tmp_path / "backup"), "--config", str(tmp_path / "new.toml"))
    assert (back.returncode, (tmp_path / "new" / "qcbox.db").exists()) == (0, True)
