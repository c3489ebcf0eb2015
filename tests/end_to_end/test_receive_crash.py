"""The receiving process killed at every step of the durability path and at random; a disk that is really full."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.uid import UID

from capture.spool import Spool, SpoolSettings
from tests.peers import Child, accepts, free_port, python, wait_until
from tests.receiver import Raw, Receiver, echo_rq, images, pdata, unfinished

pytestmark = pytest.mark.real
STEPS = (
    "spool.written",
    "spool.synced",
    "spool.recorded",
    "spool.committed",
    "listener.answered",
)
CT = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"


@pytest.fixture
def objects(tmp_path: Path) -> list[Path]:
    """Four objects that differ."""
    folder = tmp_path / "objects"
    folder.mkdir()
    image = pydicom.dcmread(CT)
    paths = []
    for number in range(4):
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.{number}")
        paths.append(folder / f"{number}.dcm")
        image.save_as(paths[-1])
    return paths


@contextmanager
def running(folder: Path, port: int, *crash: str) -> Iterator[Child]:
    """The receiving process; it kills itself as ``crash`` says."""
    arguments = ("-m", "tests.listener_process", str(folder / "spool"), str(port), *crash)
    with python(*arguments, log=folder / "log") as child:
        wait_until(lambda: accepts(port) or not child.alive, "the receiver listens")
        assert child.alive, child.text()
        yield child


def send(port: int, objects: list[Path]) -> set[str]:
    """Names of the objects that were answered Success."""
    command = ["storescu", "-v", "127.0.0.1", str(port), *map(str, objects)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr
    answered, current = set(), ""
    for line in said.splitlines():
        if started := re.search(r"Sending file: (.*)", line):
            current = Path(started[1]).name
        elif "Received Store Response (Success)" in line:
            answered.add(current)
    return answered


def whole_objects(folder: Path, objects: list[Path]) -> list[str]:
    """Names of the objects that wait; every entry must be the whole of one."""
    spool = Spool(folder / "spool")
    known = {pydicom.dcmread(path).SOPInstanceUID: path.name for path in objects}
    pixels = pydicom.dcmread(CT).PixelData
    waiting = [pydicom.dcmread(spool.path(arrival)) for arrival in images(spool)]
    assert all(image.PixelData == pixels for image in waiting)
    return [known[image.SOPInstanceUID] for image in waiting]


@pytest.mark.parametrize("count", ["1", "3"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step(step: str, count: str, objects: list[Path], tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port, step, count) as doomed:
        answered = send(port, objects)
        wait_until(lambda: not doomed.alive, "it killed itself")
    assert len(answered) == int(count) - (step != "listener.answered")
    Spool(tmp_path / "spool").recover()
    waiting = whole_objects(tmp_path, objects)
    assert answered <= set(waiting)
    with running(tmp_path, port):
        assert not unfinished(Spool(tmp_path / "spool"))
        assert sorted(whole_objects(tmp_path, objects)) == sorted(waiting)
        again = [path for path in objects if path.name not in answered]
        assert send(port, again) == {path.name for path in again}
    assert set(whole_objects(tmp_path, objects)) == {path.name for path in objects}


def test_killed_at_random(objects: list[Path], tmp_path: Path) -> None:
    port, chance = free_port(), random.Random(20261121)
    spool, kept = Spool(tmp_path / "spool"), []
    for _ in range(8):
        command = ["storescu", "-v", "--repeat", "40", "127.0.0.1", str(port), *map(str, objects)]
        with (
            running(tmp_path, port) as doomed,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sender,
        ):
            time.sleep(chance.uniform(0.02, 0.5))
            doomed.kill()
            said = sender.communicate(timeout=60)[0]
        kept.append(said.count("Received Store Response (Success)"))
        spool.recover()
        # Between commit and answer lies at most one object of each life.
        assert sum(kept) <= len(whole_objects(tmp_path, objects)) <= sum(kept) + len(kept)
    assert sum(kept) > 0


def test_a_stop_is_clean(objects: list[Path], tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, port) as child:
        send(port, objects)
        child.stop()
        assert child.returncode == 0
        assert "process.stopping" in child.text()


def test_memory_and_what_is_not_loaded(objects: list[Path], tmp_path: Path) -> None:
    """A receiver that loads a decoder, a database or numpy is no longer small."""
    port = free_port()
    with running(tmp_path, port) as child:
        for _ in range(5):
            assert len(send(port, objects)) == 4
        assert child.pid is not None
        maps = Path(f"/proc/{child.pid}/maps").read_text()
        resident = int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{child.pid}/status").read_text())[0])
    assert not re.search(r"numpy|cv2|sqlalchemy|gdcm|onnx", maps)
    assert resident < 60 * 1024
    loaded = "import edge.commands.listen, edge.settings_file, sys; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "cv2", "sqlalchemy", "paho", "fastapi", "pydicom", "pynetdicom"} & set(modules)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """20 MB of tmpfs."""
    mounted = tmp_path / "small"
    mounted.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", mounted], check=False).returncode:
        pytest.skip("mounting a tmpfs needs root")
    try:
        yield mounted
    finally:
        subprocess.run(["umount", mounted], check=True)


@pytest.mark.parametrize("watermark_mb", [1, 5])
def test_a_disk_that_is_really_full(watermark_mb: int, small_disk: Path, tmp_path: Path) -> None:
    image = pydicom.dcmread(CT)
    image.Rows = image.Columns = 1024
    image.PixelData = bytes(1024 * 1024 * 2)
    image.save_as(tmp_path / "large.dcm")
    spool = Spool(small_disk / "spool", SpoolSettings(min_free_mb=watermark_mb))
    with closing(spool), Receiver(tmp_path, spool) as receiver:
        command = [
            "storescu",
            "-v",
            "-nh",
            "--repeat",
            "30",
            "127.0.0.1",
            str(receiver.port),
            str(tmp_path / "large.dcm"),
        ]
        said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stderr
        answered = said.count("Received Store Response (Success)")
        assert said.count("Received Store Response (Refused: OutOfResources)") == 30 - answered > 0
        assert len(receiver.contents()) == answered > 3
        assert receiver.left_overs() == []
        assert all(len(content) > 1024 * 1024 * 2 for _, content in receiver.contents())
        with Raw(receiver.port) as raw:
            raw.associate()
            raw.send(pdata((3, 3, echo_rq())))
            assert raw.status() == 0
        for arrival in spool.pending():
            spool.acknowledge(arrival)
        retry = subprocess.run(
            ["storescu", "127.0.0.1", str(receiver.port), str(tmp_path / "large.dcm")], check=False
        )
        assert retry.returncode == 0
        assert len(receiver.contents()) == 1
