"""Several processes behind one DICOM port."""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from capture.incoming import STRIDE
from capture.spool import Spool, SpoolSettings
from tests.peers import Child, free_port, python, wait_until
from tests.receiver import Raw, echo_rq, images, pdata, store_rq, unfinished

pytestmark = pytest.mark.real

PROCESSES = 3
RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def child(tmp_path: Path, port: int) -> Iterator[Child]:
    arguments = [str(tmp_path / "spool"), str(port), "", "0", str(PROCESSES)]
    with python("-m", "tests.listener_process", *arguments, log=tmp_path / "log") as child:
        # Asked for its port, it would have a guest for a while.
        wait_until(lambda: "process.started" in child.text(), "the receiver listens")
        wait_until(lambda: len(branches(child)) == PROCESSES - 1, "all of them are there")
        wait_until(lambda: connections(child.pid) == PROCESSES, "that was noticed: its port and lines are left")
        wait_until(lambda: all(connections(pid) == 1 for pid in branches(child)), "each has its line only")
        yield child


def ended(raw: Raw) -> bytes:
    """What is still said before the connection ends."""
    said = b""
    try:
        while more := raw.socket.recv(64):
            said += more
    except ConnectionResetError:
        pass
    return said


def branches(child: Child) -> list[int]:
    """Process ids."""
    return [int(one) for one in Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()]


def connections(pid: int) -> int:
    """How many sockets a process holds."""
    held = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed while we look
            held += str(one.readlink()).startswith("socket:")
    return held


def store(raw: Raw, number: int) -> None:
    raw.send(pdata((1, 3, store_rq(instance=f"1.2.{number}"))), pdata((1, 2, bytes([number]) * 300_000)))
    assert raw.status() == 0


def test_associations_are_shared_out_and_all_they_bring_is_one_spool(
    child: Child, port: int, tmp_path: Path
) -> None:
    others = branches(child)
    with ExitStack() as open_:
        raws = [open_.enter_context(Raw(port)) for _ in range(5)]
        for number, raw in enumerate(raws):
            raw.associate()
            store(raw, number)
        assert [connections(pid) for pid in others] == [3, 2]
        for raw in raws:
            raw.send(RELEASE)
            assert raw.pdu()[0] == 6
    spool = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1))
    assert len(images(spool)) == 5
    wait_until(lambda: all(connections(pid) == 1 for pid in others), "the connections are closed")
    for pid in others:  # as systemd does, perhaps before the listener hears it
        os.kill(pid, signal.SIGTERM)
    with Raw(port) as first, Raw(port) as second:
        for raw in (first, second):
            raw.associate()
    child.signal(signal.SIGTERM)
    wait_until(lambda: not child.alive, "the receiver has ended")
    assert "process.failed" not in (tmp_path / "log").read_text()
    assert not [pid for pid in others if Path(f"/proc/{pid}").exists()]
    assert spool.recover() == 0
    assert unfinished(spool) == [] and len(images(spool)) == 5


def test_a_branch_that_dies_takes_only_its_own(child: Child, port: int, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1))
    with Raw(port) as first, Raw(port) as second:
        first.associate()
        second.associate()
        second.send(pdata((1, 3, store_rq())), pdata((1, 0, bytes(STRIDE))))
        wait_until(lambda: bool(unfinished(spool)), "an object is under way")
        [busy] = [pid for pid in branches(child) if connections(pid) > 1]
        os.kill(busy, signal.SIGKILL)
        assert second.closed()
        wait_until(lambda: busy not in branches(child), "it is buried")
        wait_until(lambda: not unfinished(spool), "what it left is removed")
        store(first, 1)
        with Raw(port) as third, Raw(port) as fourth:
            for raw in (third, fourth):
                raw.associate()
                store(raw, 2)


def test_without_the_listener_the_branches_end(child: Child, port: int) -> None:
    others = branches(child)
    with Raw(port) as first, Raw(port) as second:
        first.associate()
        second.associate()
        child.kill()
        # One was served by the listener itself, the other by a branch: an abort, as at any stop.
        assert [ended(raw) for raw in (first, second)] == [b"", bytes([7, 0, 0, 0, 0, 4, 0, 0, 0, 0])]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in others), "they have ended")


def test_an_echo_is_answered_by_any_of_them(child: Child, port: int) -> None:
    with ExitStack() as open_:
        for _ in range(2 * PROCESSES):
            raw = open_.enter_context(Raw(port))
            raw.associate()
            raw.send(pdata((3, 3, echo_rq())))
            assert raw.status() == 0
