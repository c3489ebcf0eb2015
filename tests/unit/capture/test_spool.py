"""The spool: what waits, what is kept, what is removed, and what a broken disk does to it."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capture.arrival import Arrival
from capture.errors import Retry
from capture.spool import Spool, SpoolSettings, write_all
from tests.disks import FailingDisk

SETTINGS = SpoolSettings(min_free_mb=1)


def receive(spool: Spool, content: bytes, received_at: int = 1_700_000_000_000) -> Arrival:
    with spool.receive(kind="dicom", source="test", calling_ae="CT1", peer="10.0.0.1") as incoming:
        incoming.write(content)
        return incoming.commit(received_at)


def files(spool: Spool) -> list[str]:
    return sorted(p.name for folder in (spool.tmp, spool.new, spool.aside) for p in folder.iterdir())


def test_what_is_committed_waits_whole_until_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    arrival = receive(spool, b"pixels" * 1000)
    assert (arrival.size, arrival.sha256) == (6000, hashlib.sha256(b"pixels" * 1000).hexdigest())
    assert (arrival.kind, arrival.source, arrival.calling_ae, arrival.peer) == ("dicom", "test", "CT1", "10.0.0.1")
    assert Spool(tmp_path / "spool").pending() == [arrival]
    with spool.open(arrival) as file:
        assert file.read() == b"pixels" * 1000
    spool.acknowledge(arrival)
    spool.acknowledge(arrival)
    assert files(spool) == []


def test_oldest_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    late, early = receive(spool, b"late", 2000), receive(spool, b"early", 1000)
    assert spool.pending() == [early, late]
    assert spool.pending(limit=1) == [early]
    assert spool.pending(limit=0) == []


def test_equal_content_in_one_millisecond_is_two_arrivals(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first, second = receive(spool, b"same", 5), receive(spool, b"same", 5)
    assert [a.received_at for a in (first, second)] == [5, 6]
    assert spool.pending() == [first, second]


def test_equal_content_from_many_threads_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        arrivals = list(pool.map(lambda _: receive(spool, b"same", 5), range(24)))
    assert len({a.id for a in arrivals}) == 24
    assert len(spool.pending()) == 24


def test_without_commit_nothing_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(ZeroDivisionError), spool.receive(kind="frame", source="test") as incoming:
        incoming.write(b"half")
        raise ZeroDivisionError
    assert files(spool) == []


def test_recover_removes_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    kept = receive(spool, b"whole")
    for left in (spool.tmp / "aa.bin", spool.tmp / "aa.json", spool.new / "000-left.bin"):
        left.write_bytes(b"left-over")
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(b"still coming")
        assert Spool(tmp_path).recover() == 3
        living = incoming.commit(1_700_000_000_001)
    assert spool.pending() == [kept, living]
    assert spool.recover() == 0


def test_recover_does_not_mind_a_file_that_goes_away(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    gone = spool.tmp / "gone"
    gone.symlink_to(tmp_path / "nowhere")
    assert spool.recover() == 0


@pytest.mark.parametrize("damage", ["missing", "short"])
def test_an_entry_whose_bytes_are_not_whole_is_shown_to_a_person(damage: str, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"pixels")
    if damage == "missing":
        spool.path(arrival).unlink()
    else:
        spool.path(arrival).write_bytes(b"pix")
    spool.recover()
    assert spool.pending() == []
    said = json.loads((spool.aside / f"{arrival.id}.reason.json").read_text())
    assert said["code"] == "spool.incomplete"
    assert (spool.aside / f"{arrival.id}.json").exists()


@pytest.mark.parametrize("sidecar", [b"", b"{}", b'{"id": 5}', b"\xff"])
def test_a_sidecar_that_cannot_be_read_stops_nothing(sidecar: bytes, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"good")
    (spool.new / "000-bad.json").write_bytes(sidecar)
    (spool.new / "000-bad.bin").write_bytes(b"its bytes")
    assert spool.pending() == [arrival]
    assert (spool.aside / "000-bad.bin").read_bytes() == b"its bytes"
    assert json.loads((spool.aside / "000-bad.reason.json").read_text())["code"] == "spool.sidecar"


def test_a_sidecar_cannot_name_another_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"good")
    sidecar = spool.new / f"{arrival.id}.json"
    sidecar.rename(spool.new / "other.json")
    assert spool.pending() == []
    assert (spool.aside / "other.json").exists()


def test_a_sidecar_that_goes_away_while_looking_is_passed_over(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    (spool.new / "gone.json").symlink_to(tmp_path / "nowhere")
    assert spool.pending() == []


def test_set_aside_keeps_bytes_sidecar_and_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"strange")
    spool.set_aside(arrival, "dicom.unreadable", "not DICOM")
    spool.set_aside(arrival, "dicom.unreadable", "not DICOM")
    assert spool.pending() == []
    assert list(spool.new.iterdir()) == []
    assert (spool.aside / f"{arrival.id}.bin").read_bytes() == b"strange"
    said = json.loads((spool.aside / f"{arrival.id}.reason.json").read_text())
    assert (said["code"], said["reason"]) == ("dicom.unreadable", "not DICOM")


def test_a_crash_while_setting_aside_leaves_the_entry_waiting(tmp_path: Path) -> None:
    class Crash(BaseException): ...

    def crash(step: str) -> None:
        if step == "spool.half_aside":
            raise Crash

    spool = Spool(tmp_path, at=crash)
    arrival = receive(spool, b"strange")
    with pytest.raises(Crash):
        spool.set_aside(arrival, "x.y", "z")
    again = Spool(tmp_path)
    assert again.recover() == 0
    assert again.pending() == [arrival]
    again.set_aside(arrival, "x.y", "z")
    assert (again.aside / f"{arrival.id}.bin").read_bytes() == b"strange"


def test_a_crash_while_acknowledging_is_tidied_up(tmp_path: Path) -> None:
    class Crash(BaseException): ...

    def crash(step: str) -> None:
        if step == "spool.half_acknowledged":
            raise Crash

    spool = Spool(tmp_path, at=crash)
    arrival = receive(spool, b"kept elsewhere")
    with pytest.raises(Crash):
        spool.acknowledge(arrival)
    again = Spool(tmp_path)
    assert again.pending() == []
    assert again.recover() == 1
    assert files(again) == []


@pytest.mark.parametrize("room", [0, 1, 499, 500, 600])
def test_a_full_disk_is_said_and_nothing_stays(room: int, tmp_path: Path) -> None:
    disk = FailingDisk(room=room)
    spool = Spool(tmp_path, SETTINGS, disk=disk)
    with pytest.raises(Retry) as raised:
        receive(spool, b"x" * 500)
    assert raised.value.code == "spool.full"
    assert files(spool) == []
    disk.room = None
    assert [receive(spool, b"x" * 500)] == spool.pending()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("fail_at", [1, 2])
@pytest.mark.parametrize("call", ["create", "write", "fsync", "rename", "fsync_folder"])
def test_every_call_that_can_fail(call: str, fail_at: int, error: int, tmp_path: Path) -> None:
    disk = FailingDisk(error=error)
    spool = Spool(tmp_path, disk=disk)
    disk.call, disk.fail_at = call, 1 if call == "fsync_folder" else fail_at
    with pytest.raises(Retry) as raised:
        receive(spool, b"pixels")
    assert raised.value.code == ("spool.full" if error in (errno.ENOSPC, errno.EDQUOT) else "spool.failed")
    assert files(spool) == []
    assert [receive(spool, b"pixels")] == spool.pending()


def test_what_cannot_be_removed_now_is_removed_at_the_next_start(tmp_path: Path) -> None:
    class Stubborn(FailingDisk):
        def unlink(self, path: Path) -> None:
            raise OSError(errno.EIO, "no")

    spool = Spool(tmp_path, disk=Stubborn(call="fsync"))
    with pytest.raises(Retry):
        receive(spool, b"pixels")
    assert len(files(spool)) == 1
    assert Spool(tmp_path).recover() == 1


def test_a_disk_that_takes_nothing_is_full_not_endless(tmp_path: Path) -> None:
    class TakesNothing(FailingDisk):
        def write(self, descriptor: int, chunk: memoryview) -> int:
            return 0

    with pytest.raises(OSError, match="no byte"):
        write_all(TakesNothing(), 1, b"x")


def test_the_watermark(tmp_path: Path) -> None:
    class Small(FailingDisk):
        def free_bytes(self, folder: Path) -> int:
            return 3 << 20

    spool = Spool(tmp_path, SpoolSettings(min_free_mb=2), disk=Small())
    assert spool.free_bytes() == 3 << 20
    assert spool.has_room()
    assert spool.has_room(1 << 20)
    assert not spool.has_room((1 << 20) + 1)


def test_the_real_disk_knows_its_room(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    assert 0 < Spool(tmp_path).free_bytes() <= room.f_blocks * room.f_frsize


def test_nobody_else_reads_what_was_received(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1))
        with spool.receive(kind="dicom", source="dicom") as incoming:
            incoming.write(b"a patient")
            spool.set_aside(incoming.commit(1), "code", "reason")
    finally:
        os.umask(before)
    found = [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]
    assert len(found) == 7
    assert [path.name for path in found if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(
    ("name", "value"), [("sha256", "zz"), ("received_at", 7), ("sha256", "keep16"), ("id", "another")]
)
def test_a_sidecar_that_contradicts_itself_is_put_aside(tmp_path: Path, name: str, value: object) -> None:
    """Taken at its word, it ended the agent at every start."""
    spool = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1))
    with spool.receive(kind="dicom", source="dicom") as incoming:
        incoming.write(b"x")
        arrival = incoming.commit(1000)
    sidecar = spool.new / f"{arrival.id}.json"
    said = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps({**said, name: said["sha256"][:16] + "../" if value == "keep16" else value}))
    assert spool.pending() == []
    assert sorted(p.suffix for p in spool.aside.iterdir()) == [".bin", ".json", ".json"]
