"""The spool's promise against a disk that forgets everything that was not synced, cut at every step."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest

from capture.arrival import Arrival
from capture.digest import digest
from capture.disk import Disk, RealDisk
from capture.incoming import Incoming
from capture.journal import DONE, SECTOR, Entry, decode
from capture.ledger import Ledger, Slip
from capture.old_spool import read_sidecar
from capture.spares import Spare, Spares
from capture.spool import Spool
from tests.disks import ForgetfulDisk, PowerCut
from tests.receiver import unfinished

OBJECTS = (b"first object " * 40, b"second object " * 70, b"third object " * 50)
SEEDS = 8
MakeSpool = Callable[[Path, ForgetfulDisk], Spool]


class Broken(Exception):
    """The oracle saw a promise broken."""


class NeverSyncs(RealDisk):
    """Only looked through; syncing for real is what takes the time here."""

    def fsync(self, descriptor: int) -> None: ...

    def fsync_folder(self, folder: Path) -> None: ...


class Looks(NeverSyncs):
    """Changes nothing under the one that is watched."""

    def truncate(self, path: Path, size: int) -> None: ...


@pytest.fixture(autouse=True)
def few_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call on the disk is a step, so fewer files ahead and short journals are fewer steps."""
    monkeypatch.setattr("capture.spares._AHEAD", 2)
    monkeypatch.setattr("capture.spares.WRITTEN", 2 * 4096)
    monkeypatch.setattr("capture.journal.ROOM", 4 * 512)


def plain(folder: Path, disk: ForgetfulDisk) -> Spool:
    return Spool(folder, disk=disk)


@dataclass(slots=True)
class Said:
    """What was promised before the power went."""

    answered: list[Arrival] = field(default_factory=list)
    acknowledging: list[Arrival] = field(default_factory=list)
    acknowledged: list[Arrival] = field(default_factory=list)
    putting: list[Arrival] = field(default_factory=list)
    put: list[Arrival] = field(default_factory=list)


def live_through(spool: Spool, said: Said) -> None:
    """Three receptions, one that gives up, a look; then the first is acknowledged and the second set aside."""
    answered = said.answered
    spool.stock(2)  # the first two are written over room that was there, the third is not
    for number, content in enumerate(OBJECTS):
        with spool.receive(kind="dicom", source="test") as incoming:
            incoming.write(content[:100])
            incoming.write(content[100:])
            answered.append(replace(incoming.commit(1_000 + number), digest=digest(content)))
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(b"cut off in the middle")
    assert spool.pending() == answered
    said.acknowledging.append(answered[0])
    spool.acknowledge(answered[0])
    said.acknowledged.append(answered[0])
    said.putting.append(answered[1])
    spool.set_aside(answered[1], "test", "for a person")
    said.put.append(answered[1])


def check_visible(spool: Spool) -> set[str]:
    """Whatever waits must be whole, and be something that was sent. Gives the hashes that wait.

    A reader sees bytes that are not those that came, and puts them aside; here no disk changes any.
    """
    seen = set()
    for arrival in spool.pending():
        try:
            with spool.open(arrival) as file:
                content = file.read(arrival.size if isinstance(spool.disk, Looks) else -1)
        except FileNotFoundError:
            raise Broken("an entry without bytes") from None
        if digest(content) != arrival.digest or content not in OBJECTS:
            raise Broken("an entry that is not whole")
        seen.add(arrival.digest)
    if any(json.loads(path.read_bytes())["code"] != "test" for path in spool.aside.glob("*.reason.json")):
        raise Broken("an entry without its bytes")
    return seen


def check_promises(spool: Spool, said: Said, seen: set[str]) -> None:
    """What was answered waits, or is with whoever took it."""
    for arrival in said.answered:
        taken = arrival in said.acknowledging or (arrival in said.putting and lies_aside(spool, arrival))
        if arrival.digest not in seen and not taken:
            raise Broken("an answered object is gone")
    if {arrival.digest for arrival in (*said.acknowledged, *said.put)} & seen:
        raise Broken("what is done with waits again")
    if not all(lies_aside(spool, arrival) for arrival in said.put):
        raise Broken("what was set aside is gone")


def lies_aside(spool: Spool, arrival: Arrival) -> bool:
    """Whole, with what it is and why."""
    beside = [spool.aside / f"{arrival.id}{suffix}" for suffix in (".bin", ".json", ".reason.json")]
    return (
        all(path.is_file() for path in beside)
        and beside[0].read_bytes() in OBJECTS
        and read_sidecar(beside[1]) == arrival
        and json.loads(beside[2].read_bytes())["code"] == "test"
    )


def cut_at(step: int | None, make: MakeSpool, folder: Path) -> bool:
    """Run with a power cut after ``step`` calls; raises Broken. Whether the run got to its end."""
    disk = ForgetfulDisk()
    live = folder / "live"
    live.mkdir(parents=True)
    spool = make(live / "spool", disk)
    disk.look = lambda: void(check_visible(Spool(live / "spool", disk=Looks())))
    disk.calls, disk.cut_after = 0, step
    said = Said()
    finished = False
    try:
        live_through(spool, said)
        finished = True
    except PowerCut:
        pass
    for seed in range(SEEDS):
        left = folder / f"after-{seed}"
        disk.after_power_cut(random.Random(seed) if seed else None, left, live)
        left.mkdir(exist_ok=True)
        restarted = Spool(left / "spool", disk=NeverSyncs())
        restarted.recover()
        seen = check_visible(restarted)
        check_promises(restarted, said, seen)
        if unfinished(restarted):
            raise Broken("left-overs stay")
        shutil.rmtree(left)
    return finished


def void(_: object) -> None: ...


def try_every_step(make: MakeSpool, folder: Path) -> None:
    for step in range(400):
        if cut_at(step, make, folder / str(step)):
            return
    raise AssertionError("the run never ended")


def test_every_power_cut_leaves_what_was_answered_and_nothing_half(tmp_path: Path) -> None:
    try_every_step(plain, tmp_path)


class SkipsFsyncOfBytes(ForgetfulDisk):
    def fsync(self, descriptor: int) -> None:
        if self._open[descriptor].seen.startswith(OBJECTS):
            return
        super().fsync(descriptor)


class SkipsFsyncOfRecords(ForgetfulDisk):
    def fsync(self, descriptor: int) -> None:
        if bytes(self._open[descriptor].seen).startswith(b"QCR1"):
            return
        super().fsync(descriptor)


class SkipsFsyncOfFolders(ForgetfulDisk):
    def fsync_folder(self, folder: Path) -> None:
        return


class RecordBeforeBytes(Incoming):
    """Visible, and after a power cut there, while the bytes are not."""

    def commit(self, received_at: int) -> Arrival:
        disk, self._disk = self._disk, cast(Disk, Unsynced(self._disk))
        arrival = super().commit(received_at)
        disk.fsync(self._own().descriptor)
        return arrival


class Unsynced:
    """A disk that is told nothing of syncs."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> object:
        return getattr(self._disk, name)

    def fsync(self, descriptor: int) -> None:
        return


class CutOffTooSoon(Ledger):
    """The record at the end of the bytes is gone before the journal's is on the medium."""

    def _settle(self, slips: Sequence[Slip]) -> None:
        for segment in self._segments.values():
            disk, segment._disk = segment._disk, cast(Disk, Unsynced(segment._disk))
            super()._settle([slip for slip in slips if slip.segment is segment])
            segment._disk = disk
            segment.sync()


class CrossesOffBeforeTheCut(Ledger):
    """The record at the end of the bytes is back after a power cut, in what somebody else keeps now."""

    def _sync_cut(self, slip: Slip) -> None: ...


class NamesNotSynced(Spares):
    def _make(self, count: int, room: int) -> list[Spare]:
        path = self._folder / "made-now"
        return [Spare(self._disk.create(path), path, 0)]


class CrossesOffWithoutSync(Ledger):
    """After a power cut the entry waits again, and its bytes are gone."""

    def cross_off(self, names: Iterable[str]) -> list[Entry]:
        self._look()
        slips = [self._slips[name] for name in names]
        for slip in slips:
            slip.segment.mark(slip.at, DONE)
            self._forget(slip.entry.arrival.id)
        return [slip.entry for slip in slips]


class AsideAfterTheRecord(Spool):
    """A power cut between takes the object from both."""

    def set_aside(self, arrival: Arrival, code: str, reason: str) -> None:
        content = self.path(arrival).read_bytes()
        self.acknowledge(arrival)
        kept = self.objects / arrival.id
        self._write_file(kept, content)
        self._put_aside(kept, arrival.id, code, reason)


def test_to_set_aside_after_the_record_is_crossed_off_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.SEEDS", 2)
    with pytest.raises(Broken):
        try_every_step(lambda folder, disk: AsideAfterTheRecord(folder, disk=disk), tmp_path)


@pytest.mark.parametrize("mutant", [SkipsFsyncOfBytes, SkipsFsyncOfRecords, SkipsFsyncOfFolders])
def test_a_disk_order_mutant_is_caught(
    mutant: type[ForgetfulDisk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.ForgetfulDisk", mutant)
    with pytest.raises(Broken):
        try_every_step(plain, tmp_path)


def believes(path: Path) -> Entry | None:
    """A record is taken at its word, whatever the bytes before it are."""
    content = path.read_bytes()
    record = decode(content, len(content) - SECTOR) if len(content) >= SECTOR else None
    return record.entry if record is not None else None


def test_a_record_that_is_believed_without_its_bytes_is_caught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.spool.own_record", believes)
    monkeypatch.setattr(f"{__name__}.SEEDS", 4 * SEEDS)  # seldom does the record's sector come alone
    with pytest.raises(Broken):
        try_every_step(plain, tmp_path)


@pytest.mark.parametrize(
    ("place", "mutant"),
    [
        ("Incoming", RecordBeforeBytes),
        ("Spares", NamesNotSynced),
        ("Ledger", CutOffTooSoon),
        ("Ledger", CrossesOffBeforeTheCut),
        ("Ledger", CrossesOffWithoutSync),
    ],
)
def test_an_order_mutant_is_caught(
    place: str, mutant: type[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"capture.spool.{place}", mutant)
    with pytest.raises(Broken):
        try_every_step(plain, tmp_path)
