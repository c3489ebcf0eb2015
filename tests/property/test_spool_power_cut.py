"""The spool's promise against a disk that forgets everything that was not synced, cut at every step."""

from __future__ import annotations

import hashlib
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.arrival import Arrival
from capture.spool import _SIDECAR, Incoming, Spool, write_all
from tests.disks import ForgetfulDisk, PowerCut

OBJECTS = (b"first object " * 40, b"second object " * 70)
SEEDS = 12
MakeSpool = Callable[[Path, ForgetfulDisk], Spool]


class Broken(Exception):
    """The oracle saw a promise broken."""


def plain(folder: Path, disk: ForgetfulDisk) -> Spool:
    return Spool(folder, disk=disk)


def receive_all(spool: Spool, answered: list[Arrival]) -> None:
    """Two receptions, one that gives up, then the first is acknowledged and the second set aside."""
    for number, content in enumerate(OBJECTS):
        with spool.receive(kind="dicom", source="test") as incoming:
            incoming.write(content[:100])
            incoming.write(content[100:])
            answered.append(incoming.commit(1_000 + number))
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(b"cut off in the middle")


def check_visible(spool: Spool) -> set[str]:
    """Whatever waits must be whole, and be something that was sent. Gives the hashes that wait."""
    seen = set()
    for arrival in spool.pending():
        try:
            with spool.open(arrival) as file:
                content = file.read()
        except FileNotFoundError:
            raise Broken("an entry without bytes") from None
        if hashlib.sha256(content).hexdigest() != arrival.sha256 or content not in OBJECTS:
            raise Broken("an entry that is not whole")
        seen.add(arrival.sha256)
    return seen


def cut_at(step: int | None, make: MakeSpool, folder: Path) -> bool:
    """Run with a power cut after ``step`` calls; raises Broken. Whether the run got to its end."""
    disk = ForgetfulDisk()
    live = folder / "live"
    live.mkdir(parents=True)
    spool = make(live / "spool", disk)
    disk.look = lambda: void(check_visible(Spool(live / "spool")))
    disk.calls, disk.cut_after = 0, step
    answered: list[Arrival] = []
    finished = False
    try:
        receive_all(spool, answered)
        finished = True
    except PowerCut:
        pass
    for seed in range(SEEDS):
        left = folder / f"after-{seed}"
        disk.after_power_cut(random.Random(seed) if seed else None, left, live)
        left.mkdir(exist_ok=True)
        restarted = Spool(left / "spool")
        restarted.recover()
        seen = check_visible(restarted)
        if {arrival.sha256 for arrival in answered} - seen:
            raise Broken("an answered object is gone")
        if list(restarted.tmp.iterdir()):
            raise Broken("left-overs stay")
        shutil.rmtree(left)
    return finished


def void(_: object) -> None: ...


def try_every_step(make: MakeSpool, folder: Path) -> None:
    for step in range(200):
        if cut_at(step, make, folder / str(step)):
            return
    raise AssertionError("the run never ended")


def test_every_power_cut_leaves_what_was_answered_and_nothing_half(tmp_path: Path) -> None:
    try_every_step(plain, tmp_path)


class SkipsFsyncOfBytes(ForgetfulDisk):
    def fsync(self, descriptor: int) -> None:
        if not bytes(self._open[descriptor].seen).startswith(b"{"):
            return
        super().fsync(descriptor)


class SkipsFsyncOfSidecar(ForgetfulDisk):
    def fsync(self, descriptor: int) -> None:
        if bytes(self._open[descriptor].seen).startswith(b"{"):
            return
        super().fsync(descriptor)


class SkipsFsyncOfFolder(ForgetfulDisk):
    def fsync_folder(self, folder: Path) -> None:
        return


class RenamesBeforeFsync(Incoming):
    def _publish(self, arrival: Arrival) -> None:
        new = self._spool.new
        sidecar = self._create(self._sidecar)
        write_all(self._disk, sidecar, _SIDECAR.dump_json(arrival))
        self._rename(self._bytes, new / f"{arrival.id}.bin")
        self._rename(self._sidecar, new / f"{arrival.id}.json")
        self._disk.fsync(self._descriptor)
        self._disk.fsync(sidecar)
        self._disk.fsync_folder(new)


class SidecarFirst(Incoming):
    def _publish(self, arrival: Arrival) -> None:
        new = self._spool.new
        self._disk.fsync(self._descriptor)
        sidecar = self._create(self._sidecar)
        write_all(self._disk, sidecar, _SIDECAR.dump_json(arrival))
        self._disk.fsync(sidecar)
        self._rename(self._sidecar, new / f"{arrival.id}.json")
        self._rename(self._bytes, new / f"{arrival.id}.bin")
        self._disk.fsync_folder(new)


class AnswersBeforeFolderSync(Incoming):
    def _publish(self, arrival: Arrival) -> None:
        self._disk.fsync(self._descriptor)
        sidecar = self._create(self._sidecar)
        write_all(self._disk, sidecar, _SIDECAR.dump_json(arrival))
        self._disk.fsync(sidecar)
        self._disk.fsync_folder(self._spool.new)
        self._rename(self._bytes, self._spool.new / f"{arrival.id}.bin")
        self._rename(self._sidecar, self._spool.new / f"{arrival.id}.json")


@pytest.mark.parametrize("mutant", [SkipsFsyncOfBytes, SkipsFsyncOfSidecar, SkipsFsyncOfFolder])
def test_a_disk_order_mutant_is_caught(
    mutant: type[ForgetfulDisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.ForgetfulDisk", mutant)
    with pytest.raises(Broken):
        try_every_step(plain, tmp_path)


@pytest.mark.parametrize("mutant", [RenamesBeforeFsync, SidecarFirst, AnswersBeforeFolderSync])
def test_a_publish_order_mutant_is_caught(
    mutant: type[Incoming], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.spool.Incoming", mutant)
    with pytest.raises(Broken):
        try_every_step(plain, tmp_path)
